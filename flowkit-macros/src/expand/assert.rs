//! What must hold for the types in a signature, each with its own message on the user's token.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{Checked, common};
use crate::args::RunName;
use crate::signature::{Arg, Output};
use crate::template;

const HIDDEN: &str = "this type is a `Result` under another name: \
    write `-> Result<T, E>`, or give the alias a name that ends in `Result`";

/// The assertions about arguments (`fits` is the one for this kind of function) and about the return type.
pub(crate) fn assertions(checked: &Checked<'_>, fits: &TokenStream) -> TokenStream {
    let signature = checked.signature;
    let repeats = checked.options.retries.is_some_and(|retries| retries > 0);
    let args = signature.args.iter().map(|Arg { name, ty, .. }| {
        let clone = repeats.then(|| quote!(const _: () = ::flowkit::__private::assert_clone::<#ty>();));
        let keyed = (checked.options.results.keys(name))
            .then(|| quote!(const _: () = ::flowkit::__private::assert_keyed::<#ty>();));
        let background = (checked.options.background)
            .then(|| quote!(const _: () = ::flowkit::__private::assert_background::<#ty>();));
        quote!(const _: () = ::flowkit::__private::#fits::<#ty>(); #clone #keyed #background)
    });
    let output = &signature.output;
    let plain = match output {
        Output::Plain(ty) => plain(ty),
        Output::Fallible(_) => None,
    };
    let stored = if checked.options.background {
        Some(stored(output, &quote!(assert_background_output)))
    } else {
        checked.options.results.stores().then(|| stored(output, &quote!(assert_stored)))
    };
    let (condition, shown) = (condition(checked), shown(checked));
    quote!(#(#args)* #(#shown)* #plain const _: () = ::flowkit::__private::assert_output::<#output>(); #stored #condition)
}

/// The value can be stored.
fn stored(output: &Output, fits: &TokenStream) -> TokenStream {
    let value = match output {
        Output::Plain(ty) => quote!(#ty),
        Output::Fallible(ty) => quote_spanned!(ty.span()=> <#ty as ::flowkit::__private::Fallible>::Value),
    };
    quote!(const _: () = ::flowkit::__private::#fits::<#value>();)
}

/// The condition of `retry_if` takes the error that the body returns.
fn condition(checked: &Checked<'_>) -> Option<TokenStream> {
    let (path, Output::Fallible(ty)) = (checked.options.retry_if.as_ref()?, &checked.signature.output) else {
        return None;
    };
    Some(quote! {
        const __FLOWKIT_RETRY_IF: fn(&<#ty as ::flowkit::__private::Fallible>::Error) -> bool = #path;
    })
}

/// What the template of run names shows can be shown.
fn shown(checked: &Checked<'_>) -> Vec<TokenStream> {
    let Some(RunName::Template(template)) = &checked.options.run_name else { return Vec::new() };
    let args = &checked.signature.args;
    let params: Vec<String> = args.iter().map(|arg| common::plain_name(&arg.name)).collect();
    let mut named = template::check(&template.value(), &params).unwrap_or_default();
    named.sort_unstable();
    named.dedup();
    let assertion = |Arg { name, ty, .. }: &Arg| {
        let why = format!(
            "the template of `run_name` shows `{name}`, whose type is neither `Display` nor `Debug`: \
             derive `Debug`, or give `run_name` the path of a function"
        );
        quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(
                ::flowkit::__private::Probe::<#ty>::DISPLAY.is_some()
                    || ::flowkit::__private::Probe::<#ty>::DEBUG.is_some(),
                #why
            );
        }
    };
    named.into_iter().filter_map(|index| args.get(index)).map(assertion).collect()
}

/// A return type that does not look like a result is none.
fn plain(ty: &Type) -> Option<TokenStream> {
    let is_unit = matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty());
    let probe = quote_spanned!(ty.span()=> ::core::assert!(!::flowkit::__private::Probe::<#ty>::IS_RESULT, #HIDDEN));
    (!is_unit).then(|| quote!(const _: () = #probe;))
}
