//! What comes out beside errors: a function of the same shape, so that callers have nothing to add.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Lifetime, ReturnType, Type, TypeReference};

use crate::attrs;
use crate::errors::Errors;
use crate::function::Function;
use crate::kind::Kind;
use crate::signature::{self, Signature};
use crate::types;

/// The function as callers expect it; `signature` is there if only the attribute has mistakes.
pub(crate) fn item(kind: Kind, function: &Function, signature: Option<&Signature>) -> TokenStream {
    let attrs = function.attrs.iter().filter(|attr| attrs::is_for_item(attr));
    let (vis, name, generics) = (&function.vis, &function.sig.ident, &function.sig.generics);
    let clause = &generics.where_clause;
    let inputs: Vec<TokenStream> = match signature {
        Some(signature) => signature.args.iter().map(|arg| input(kind, &arg.ty)).collect(),
        None => function.sig.inputs.iter().map(as_written).collect(),
    };
    let output =
        signature.map_or_else(|| output(kind, &function.sig.output), |signature| signature.output.to_token_stream());
    let call = match kind {
        Kind::Task => quote!(::flowkit::TaskCall),
        Kind::Flow => quote!(::flowkit::FlowCall),
    };
    let body = signature.map(|_| {
        let body = body(function);
        quote!(#[allow(dead_code, reason = "the attribute has a mistake")] #body)
    });
    quote! {
        #(#attrs)*
        #vis fn #name #generics (#(#inputs),*) -> #call<#output> #clause {
            #body
            ::core::panic!("the attribute has a mistake")
        }
    }
}

/// The user's function under another name, without what belongs to us. Its signature is one without mistakes.
pub(crate) fn body(function: &Function) -> TokenStream {
    let mut sig = function.sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.retain(|attr| !attr.path().is_ident("param") && !attr.path().is_ident("doc"));
        }
    }
    let attrs = function.attrs.iter().filter(|attr| !attrs::is_for_item(attr));
    let (asyncness, keyword, name, output) = (&sig.asyncness, &sig.fn_token, body_name(function), &sig.output);
    let mut inputs = Group::new(Delimiter::Parenthesis, sig.inputs.to_token_stream());
    inputs.set_span(sig.paren_token.span.join());
    let (none, block) = (no_generics(), &function.block);
    quote!(#(#attrs)* #asyncness #keyword #name #none #inputs #output #block)
}

/// An empty list of generics, which keeps rustc from proposing to put an unknown type there.
///
/// It would propose that in the function that callers see and not in the body, and so report the type twice.
pub(crate) fn no_generics() -> TokenStream {
    quote!(<>)
}

/// The name under which the user's function is nested.
pub(crate) fn body_name(function: &Function) -> Ident {
    Ident::new("__flowkit_body", function.sig.ident.span())
}

fn input(kind: Kind, ty: &Type) -> TokenStream {
    match kind {
        Kind::Task => quote!(_: impl ::core::convert::Into<::flowkit::Input<#ty>>),
        Kind::Flow => quote!(_: #ty),
    }
}

/// An argument that may be the mistake itself.
fn as_written(input: &FnArg) -> TokenStream {
    match input {
        FnArg::Receiver(receiver) => receiver.to_token_stream(),
        FnArg::Typed(typed) if types::is_inferred(&typed.ty) => {
            quote!(_: impl ::core::marker::Sized)
        }
        FnArg::Typed(typed) => {
            let ty = &typed.ty;
            quote!(_: #ty)
        }
    }
}

/// What a function returns whose return type may be the mistake itself.
fn output(kind: Kind, output: &ReturnType) -> TokenStream {
    let ReturnType::Type(arrow, ty) = output else {
        return quote!(());
    };
    let mut ty = ty.clone();
    Static.visit_type_mut(&mut ty);
    let mut errors = Errors::default();
    let output = signature::output(kind, &ReturnType::Type(*arrow, ty), &mut errors);
    output.filter(|_| errors.finish().is_none()).map_or_else(|| quote!(()), ToTokens::into_token_stream)
}

/// Turns every borrow into one that lasts for ever.
struct Static;

impl VisitMut for Static {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        ty.lifetime = Some(Lifetime::new("'static", Span::call_site()));
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        lifetime.ident = Ident::new("static", lifetime.ident.span());
    }
}
