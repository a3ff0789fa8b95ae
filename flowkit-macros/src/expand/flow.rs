//! What `#[flow]` emits.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use super::{Checked, common};
use crate::signature::{Arg, Body};

pub(crate) fn expand(checked: &Checked<'_>) -> TokenStream {
    let Checked { options, signature, hash, .. } = checked;
    let name = &signature.name;
    let inputs = signature.args.iter().map(|arg| {
        let (name, ty) = (common::outer_name(signature, arg), &arg.ty);
        quote!(#name: #ty)
    });
    let called = options.name.as_ref().map_or_else(|| common::plain_name(name).replace('_', "-"), syn::LitStr::value);
    let key = common::key(checked);
    let version = options.version.as_ref().map_or_else(|| hash.long(), syn::LitStr::value);
    let params = signature.args.iter().map(param);
    let start = match signature.body {
        Body::Async => quote!(::flowkit::__private::flow),
        Body::Blocking => quote!(::flowkit::__private::blocking_flow),
    };
    let values = common::names(signature, |name| quote!(#name));
    let (body, setters, args, run) =
        (common::body(checked), common::setters(checked), common::args(signature), common::run(checked));
    let (assertions, plain) = (assertions(checked), common::assert_plain(signature));
    let inside = quote! {
            #body
            #plain
            #assertions
            static __FLOWKIT_DEF: ::flowkit::__private::FlowDef =
                ::flowkit::__private::FlowDef::new(#called, #key, #version, &[#(#params),*]) #setters;
            #args
            ::flowkit::__private::inventory::submit! {
                ::flowkit::__private::FlowEntry::new(
                    &__FLOWKIT_DEF,
                    || ::flowkit::__private::type_id_of(&#name),
                    |parameters| ::flowkit::__private::call_with(&#name, parameters),
                )
            }
            #start(&__FLOWKIT_DEF, &__FLOWKIT_ARGS, #values, #run)
    };
    common::item(checked, &quote!(#(#inputs),*), &quote!(::flowkit::FlowCall), inside)
}

fn param(Arg { name, ty, default, description }: &Arg) -> TokenStream {
    let name = common::plain_name(name);
    let description = (!description.is_empty()).then(|| quote!(.description(#description)));
    let default = default.as_ref().map(|default| {
        let default = match default {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                quote_spanned!(text.span()=> <#ty as ::core::convert::From<&str>>::from(#text))
            }
            other => quote!(#other),
        };
        quote!(.default(|| ::flowkit::__private::to_value::<#ty>(#default)))
    });
    quote!(::flowkit::__private::ParamDef::new::<#ty>(#name) #description #default)
}

fn assertions(checked: &Checked<'_>) -> TokenStream {
    let signature = checked.signature;
    let clone = checked.options.retries.is_some_and(|retries| retries > 0);
    let args = signature.args.iter().map(|Arg { ty, .. }| {
        let clone =
            clone.then(|| quote_spanned!(ty.span()=> const _: () = ::flowkit::__private::assert_clone::<#ty>();));
        quote_spanned!(ty.span()=> const _: () = ::flowkit::__private::assert_param::<#ty>(); #clone)
    });
    let output = &signature.output;
    let span = output.ty().span();
    let output = quote_spanned!(span=> const _: () = ::flowkit::__private::assert_output::<#output>(););
    quote!(#(#args)* #output)
}
