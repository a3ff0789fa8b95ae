//! What `#[flow]` emits.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, ExprLit, Lit};

use super::{Checked, assert, call, common};
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
        Body::Async => format_ident!("flow"),
        Body::Blocking => format_ident!("blocking_flow"),
    };
    let values = common::values(signature, |name, _| quote!(#name));
    let (setters, args) = (common::setters(checked), common::args(checked));
    let assertions = assert::assertions(checked, &quote!(assert_param));
    let starter = call::starter(signature);
    let call = call::call(checked, &start, &values);
    let inside = quote! {
            #assertions
            static __FLOWKIT_DEF: ::flowkit::__private::FlowDef =
                ::flowkit::__private::FlowDef::new(#called, #key, #version, &[#(#params),*]) #setters;
            #args
            ::flowkit::__private::inventory::submit! {
                ::flowkit::__private::FlowEntry::new(
                    &__FLOWKIT_DEF,
                    || ::flowkit::__private::type_id_of(&#name),
                    |start| #starter::call_with(&#name, start),
                )
            }
            #call
    };
    common::item(checked, &quote!(#(#inputs),*), &quote!(::flowkit::FlowCall), inside)
}

fn param(Arg { name, ty, default, description }: &Arg) -> TokenStream {
    let name = common::plain_name(name);
    let description = (!description.is_empty()).then(|| quote!(.description(#description)));
    let default = default.as_ref().map(|default| {
        let default = match default {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                quote_spanned!(text.span()=> ::core::convert::Into::<#ty>::into(#text))
            }
            other => quote!(#other),
        };
        quote!(.default(|| ::flowkit::__private::Probe::<#ty>::to_value(#default)))
    });
    quote!(::flowkit::__private::ParamDef::new(#name, ::flowkit::__private::Probe::<#ty>::SCHEMA) #description #default)
}
