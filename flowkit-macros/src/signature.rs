//! Checks that a function can be a task or a flow.

use proc_macro2::{Ident, Span};
use quote::{ToTokens, quote};
use syn::{Expr, FnArg, GenericParam, Pat, PatType, ReturnType, Type};

use crate::errors::Errors;
use crate::kind::Kind;
use crate::param::{self, Param};
use crate::types::{self, Place};

/// The most arguments a task or flow can have.
pub(crate) const MOST: usize = 12;

/// A function that can be a task or a flow.
pub(crate) struct Signature {
    pub(crate) name: Ident,
    pub(crate) body: Body,
    pub(crate) args: Vec<Arg>,
    pub(crate) output: Output,
    /// Where it ends in the source.
    pub(crate) end: Span,
}

/// How the body runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Async,
    Blocking,
}

/// One argument.
pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) default: Option<Expr>,
    pub(crate) description: String,
}

/// What the function returns.
pub(crate) enum Output {
    /// A `Result` by its name.
    Fallible(Type),
    /// Anything else.
    Plain(Type),
}

/// Checks a signature; `None` if something in it is wrong, which goes to `errors`.
pub(crate) fn check(kind: Kind, sig: &syn::Signature, errors: &mut Errors) -> Option<Signature> {
    let mut own = Errors::default();
    qualifiers(kind, sig, &mut own);
    generics(kind, sig, &mut own);
    if let Some(extra) = sig.inputs.iter().nth(MOST) {
        own.at(extra, format!("a {} has at most {MOST} arguments: group them in a struct", kind.noun()));
    }
    let args: Vec<Arg> = sig.inputs.iter().filter_map(|input| argument(kind, input, &mut own)).collect();
    for (index, Arg { name, .. }) in args.iter().enumerate() {
        if args[..index].iter().any(|earlier| earlier.name == *name) {
            own.at(name, format!("two arguments are called `{name}`"));
        }
    }
    let output = output(kind, &sig.output, &mut own);
    if let Some(error) = own.finish() {
        errors.push(error);
        return None;
    }
    let body = if sig.asyncness.is_some() { Body::Async } else { Body::Blocking };
    let last = sig.output.to_token_stream().into_iter().last();
    let end = last.map_or(sig.paren_token.span.close(), |last| last.span());
    Some(Signature { name: sig.ident.clone(), body, args, output: output?, end })
}

fn qualifiers(kind: Kind, sig: &syn::Signature, errors: &mut Errors) {
    let noun = kind.noun();
    if let Some(token) = &sig.constness {
        errors.at(token, format!("a {noun} runs at run time: remove `const`"));
    }
    if let Some(token) = &sig.unsafety {
        errors.at(token, format!("a {noun} is safe to call: remove `unsafe`, and use an unsafe block in the body"));
    }
    if let Some(token) = &sig.abi {
        errors.at(token, format!("a {noun} has no ABI of its own: remove `extern`"));
    }
    if let Some(token) = &sig.variadic {
        errors.at(token, format!("a {noun} has a fixed number of arguments"));
    }
}

fn generics(kind: Kind, sig: &syn::Signature, errors: &mut Errors) {
    let noun = kind.noun();
    match (sig.generics.params.first(), &sig.generics.where_clause) {
        (Some(GenericParam::Lifetime(_)), _) => {
            errors
                .at(&sig.generics.params, format!("a {noun} cannot borrow: remove the lifetime and take owned types"));
        }
        (Some(_), _) => {
            errors.at(
                &sig.generics.params,
                format!("a {noun} cannot be generic: write one for each type, around a generic function"),
            );
        }
        (None, Some(clause)) => errors.at(clause, format!("a {noun} has no `where` clause: its types are concrete")),
        (None, None) => {}
    }
}

fn argument(kind: Kind, input: &FnArg, errors: &mut Errors) -> Option<Arg> {
    let PatType { attrs, pat, ty, .. } = match input {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            let noun = kind.noun();
            let message = format!("a {noun} is a free function: take what it needs as an argument instead of `self`");
            errors.at(receiver, message);
            return None;
        }
    };
    let Param { default, description, .. } = param::read(kind, attrs, errors);
    errors.keep(types::check(kind, Place::Argument, ty));
    match &**pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            Some(Arg { name: pat.ident.clone(), ty: (**ty).clone(), default, description })
        }
        other => {
            errors.at(other, format!("an argument of a {} needs a name: take it apart in the body", kind.noun()));
            None
        }
    }
}

/// Reads the return type; what is wrong goes to `errors`.
pub(crate) fn output(kind: Kind, output: &ReturnType, errors: &mut Errors) -> Option<Output> {
    let ty = match output {
        ReturnType::Default => return Some(Output::Plain(syn::parse_quote!(()))),
        ReturnType::Type(_, ty) => ty,
    };
    if let Type::Never(never) = &**ty {
        errors.at(never, format!("a {} returns something: use `()`", kind.noun()));
    }
    errors.keep(types::check(kind, Place::Return, ty))?;
    Some(if is_result(ty) { Output::Fallible((**ty).clone()) } else { Output::Plain((**ty).clone()) })
}

/// Whether a type calls itself a result.
fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(ty) => ty.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result")),
        Type::Group(group) => is_result(&group.elem),
        Type::Paren(paren) => is_result(&paren.elem),
        _ => false,
    }
}

impl ToTokens for Output {
    /// The type of the value that a run yields.
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        tokens.extend(match self {
            Self::Fallible(ty) => quote!(<#ty as ::flowkit::__private::Fallible>::Value),
            Self::Plain(ty) => quote!(#ty),
        });
    }
}
