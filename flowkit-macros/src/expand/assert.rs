//! What must hold for the types in a signature, each with its own message on the user's token.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::Checked;
use crate::signature::{Arg, Output};

const HIDDEN: &str = "this type is a `Result` under another name: \
    write `-> Result<T, E>`, or give the alias a name that ends in `Result`";

/// The assertions about arguments (`fits` is the one for this kind of function) and about the return type.
pub(crate) fn assertions(checked: &Checked<'_>, fits: &TokenStream) -> TokenStream {
    let signature = checked.signature;
    let repeats = checked.options.retries.is_some_and(|retries| retries > 0);
    let args = signature.args.iter().map(|Arg { ty, .. }| {
        let clone = repeats.then(|| quote!(const _: () = ::flowkit::__private::assert_clone::<#ty>();));
        quote!(const _: () = ::flowkit::__private::#fits::<#ty>(); #clone)
    });
    let output = &signature.output;
    let plain = match output {
        Output::Plain(ty) => plain(ty),
        Output::Fallible(_) => None,
    };
    let condition = condition(checked);
    quote!(#(#args)* #plain const _: () = ::flowkit::__private::assert_output::<#output>(); #condition)
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

/// A return type that does not look like a result is none.
fn plain(ty: &Type) -> Option<TokenStream> {
    let is_unit = matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty());
    let probe = quote_spanned!(ty.span()=> ::core::assert!(!::flowkit::__private::Probe::<#ty>::IS_RESULT, #HIDDEN));
    (!is_unit).then(|| quote!(const _: () = #probe;))
}
