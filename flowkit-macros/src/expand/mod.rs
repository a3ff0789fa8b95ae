//! From tokens to tokens: parse, check, emit; and on a mistake the errors with a function of the same shape.

mod assert;
mod call;
mod common;
mod flow;
mod task;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::args::{self, Options, RunName};
use crate::errors::Errors;
use crate::fallback;
use crate::function::Function;
use crate::hash::SourceHash;
use crate::kind::Kind;
use crate::signature::{self, Output, Signature};
use crate::template;

/// Everything that is known about a function without a mistake.
struct Checked<'a> {
    function: &'a Function,
    options: &'a Options,
    signature: &'a Signature,
    hash: SourceHash,
}

/// Expands one of the attributes.
pub(crate) fn expand(kind: Kind, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let errors = error.to_compile_error();
            return quote!(#item #errors);
        }
    };
    let mut errors = Errors::default();
    let hash = function.hash(&attribute);
    let options = args::parse(kind, attribute, &mut errors);
    let signature = signature::check(kind, &function.sig, &mut errors);
    if let (Some(RunName::Template(name)), Some(signature)) = (&options.run_name, &signature) {
        check_template(name, signature, &mut errors);
    }
    options.results.check(signature.as_ref().map(|signature| &*signature.args), &mut errors);
    if let (Some(condition), Some(Signature { output: Output::Plain(_), .. })) = (&options.retry_if, &signature) {
        errors.at(condition, format!("`retry_if` needs a {} that returns a `Result`", kind.noun()));
    }
    match (errors.finish(), &signature) {
        (None, Some(signature)) => {
            let checked = Checked { function: &function, options: &options, signature, hash };
            match kind {
                Kind::Task => task::expand(&checked),
                Kind::Flow => flow::expand(&checked),
            }
        }
        (errors, signature) => {
            let errors = errors.map(|errors| errors.to_compile_error());
            let item = fallback::item(kind, &function, signature.as_ref());
            quote!(#item #errors)
        }
    }
}

fn check_template(name: &LitStr, signature: &Signature, errors: &mut Errors) {
    let params: Vec<String> = signature.args.iter().map(|arg| arg.name.unraw().to_string()).collect();
    if let Err(wrong) = template::check(&name.value(), &params) {
        let known = if params.is_empty() { "there are none".to_owned() } else { params.join(", ") };
        errors.at(name, format!("the template {wrong}\narguments: {known}"));
    }
}
