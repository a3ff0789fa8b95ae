//! What `#[task]` emits.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Checked, common};
use crate::signature::{Arg, Body};

pub(crate) fn expand(checked: &Checked<'_>) -> TokenStream {
    let Checked { options, signature, .. } = checked;
    let name = &signature.name;
    let inputs = signature.args.iter().map(|arg| {
        let (name, ty) = (common::outer_name(signature, arg), &arg.ty);
        quote!(#name: impl ::core::convert::Into<::flowkit::Input<#ty>>)
    });
    let called = options.name.as_ref().map_or_else(|| common::plain_name(name), syn::LitStr::value);
    let key = common::key(checked);
    let params = signature.args.iter().map(|arg| common::plain_name(&arg.name));
    let version = options.version.as_ref().map(|version| quote!(.version(#version)));
    let start = match signature.body {
        Body::Async => quote!(::flowkit::__private::task),
        Body::Blocking => quote!(::flowkit::__private::blocking_task),
    };
    let values = common::names(signature, |name| quote!(::core::convert::Into::into(#name)));
    let (body, setters, args, run) =
        (common::body(checked), common::setters(checked), common::args(signature), common::run(checked));
    let (assertions, plain) = (assertions(checked), common::assert_plain(signature));
    let inside = quote! {
            #body
            #plain
            #assertions
            static __FLOWKIT_DEF: ::flowkit::__private::TaskDef =
                ::flowkit::__private::TaskDef::new(#called, #key, &[#(#params),*]) #version #setters;
            #args
            #start(&__FLOWKIT_DEF, &__FLOWKIT_ARGS, #values, #run)
    };
    common::item(checked, &quote!(#(#inputs),*), &quote!(::flowkit::TaskCall), inside)
}

fn assertions(checked: &Checked<'_>) -> TokenStream {
    let signature = checked.signature;
    let clone = checked.options.retries.is_some_and(|retries| retries > 0);
    let args = signature.args.iter().map(|Arg { ty, .. }| {
        let clone =
            clone.then(|| quote_spanned!(ty.span()=> const _: () = ::flowkit::__private::assert_clone::<#ty>();));
        quote_spanned!(ty.span()=> const _: () = ::flowkit::__private::assert_arg::<#ty>(); #clone)
    });
    let output = &signature.output;
    let span = output.ty().span();
    let output = quote_spanned!(span=> const _: () = ::flowkit::__private::assert_output::<#output>(););
    quote!(#(#args)* #output)
}
