//! The one call that the expansion makes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Checked, common};
use crate::fallback;
use crate::signature::{Body, Output, Signature};

/// Starts the body on `values`; what rustc finds wrong with it is found at the function's name.
pub(crate) fn call(checked: &Checked<'_>, method: &Ident, values: &TokenStream) -> TokenStream {
    let at = at(checked.signature.name.span());
    let (starter, run) = (starter(checked.signature), run(checked));
    quote_spanned!(at=> #starter::#method(&__FLOWKIT_DEF, &__FLOWKIT_ARGS, #values, #run))
}

/// The type that makes calls from these arguments to this value.
pub(crate) fn starter(signature: &Signature) -> TokenStream {
    let (types, output) = (common::types(signature), &signature.output);
    quote_spanned!(at(signature.name.span())=> ::flowkit::__private::Start::<#types, #output>)
}

/// The closure that runs the body on a tuple of arguments.
fn run(checked: &Checked<'_>) -> TokenStream {
    let body = fallback::body_name(checked.function);
    let names: Vec<Ident> =
        (0..checked.signature.args.len()).map(|index| Ident::new(&format!("arg{index}"), Span::mixed_site())).collect();
    let call = match checked.signature.body {
        Body::Async => quote!(#body(#(#names),*).await),
        Body::Blocking => quote!(#body(#(#names),*)),
    };
    let outcome = match &checked.signature.output {
        Output::Fallible(ty) => {
            let condition = checked.options.retry_if.as_ref().map(|_| quote!(, __FLOWKIT_RETRY_IF));
            quote_spanned!(at(ty.span())=> ::flowkit::__private::outcome!(#call #condition))
        }
        Output::Plain(_) => quote!(::core::result::Result::Ok(#call)),
    };
    match checked.signature.body {
        Body::Async => quote_spanned!(at(body.span())=> |(#(#names,)*)| async move { #outcome }),
        Body::Blocking => quote!(|(#(#names,)*)| #outcome),
    }
}

/// Where the user's token is, but from the macro: errors point there, and lints do not.
fn at(token: Span) -> Span {
    Span::mixed_site().located_at(token)
}
