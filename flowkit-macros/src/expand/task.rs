//! What `#[task]` emits.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{Checked, assert, call, common};
use crate::signature::Body;

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
        Body::Async => format_ident!("task"),
        Body::Blocking => format_ident!("blocking_task"),
    };
    let values =
        common::values(signature, |name, ty| quote!(::core::convert::Into::<::flowkit::Input<#ty>>::into(#name)));
    let (setters, args) = (common::setters(checked), common::args(checked));
    let assertions = assert::assertions(checked, &quote!(assert_arg));
    let (assets, constants) = options.assets.expand();
    let call = call::call(checked, &start, &values);
    let entry = options.background.then(|| {
        let restore = call::call(checked, &format_ident!("restored_{start}"), &quote!(given));
        quote! {
            ::flowkit::__private::inventory::submit! {
                ::flowkit::__private::TaskEntry::new(&__FLOWKIT_DEF, |given| #restore)
            }
        }
    });
    let inside = quote! {
            #assertions
            #constants
            static __FLOWKIT_DEF: ::flowkit::__private::TaskDef =
                ::flowkit::__private::TaskDef::new(#called, #key, &[#(#params),*]).module(::core::module_path!()) #version #setters #assets;
            #args
            #entry
            #call
    };
    common::item(checked, &quote!(#(#inputs),*), &quote!(::flowkit::TaskCall), inside)
}
