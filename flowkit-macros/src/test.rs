//! What `#[flowkit::test]` checks and emits.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, FnArg};

use crate::fallback;
use crate::function::Function;

/// Expands the attribute.
pub(crate) fn expand(attribute: &TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#item #error);
        }
    };
    match check(attribute, &function) {
        Ok(()) => emit(&function),
        Err(error) => error.to_compile_error(),
    }
}

fn check(attribute: &TokenStream, Function { sig, .. }: &Function) -> Result<(), Error> {
    let wrong = |at: &dyn ToTokens, why| Err(Error::new_spanned(at.to_token_stream(), why));
    if !attribute.is_empty() {
        return wrong(attribute, "#[flowkit::test] has no options");
    }
    if sig.asyncness.is_none() {
        return wrong(&sig.fn_token, "#[flowkit::test] goes on an `async fn`; one that is not needs only `#[test]`");
    }
    if !sig.generics.params.is_empty() {
        return wrong(&sig.generics, "a test cannot be generic");
    }
    let mut surplus = sig.inputs.iter().enumerate();
    match surplus.find(|(index, input)| *index > 0 || matches!(input, FnArg::Receiver(_))) {
        Some((_, input)) => wrong(input, "a test has no argument, or one: `runtime: flowkit::Runtime`"),
        None => Ok(()),
    }
}

fn emit(function: &Function) -> TokenStream {
    let Function { attrs, vis, sig, block } = function;
    let (name, inputs, output, body) = (&sig.ident, &sig.inputs, &sig.output, fallback::body_name(function));
    let call = if inputs.is_empty() { quote!(|_| #body()) } else { quote!(#body) };
    quote! {
        ::flowkit::__private::paused_test! {
            #[::core::prelude::v1::test]
            #(#attrs)*
            #vis fn #name() #output {
                async fn #body(#inputs) #output #block
                ::flowkit::__private::run_test(#call)
            }
        }
    }
}
