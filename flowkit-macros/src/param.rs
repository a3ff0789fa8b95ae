//! Reads the attributes of one argument: `#[param(default = ..)]` and doc comments.

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Expr, Ident, Result, Token};

use crate::errors::Errors;
use crate::kind::Kind;

/// What the attributes of an argument say, and those that are none of our business.
#[derive(Default)]
pub(crate) struct Param {
    pub(crate) default: Option<Expr>,
    pub(crate) description: String,
    pub(crate) kept: Vec<Attribute>,
}

struct DefaultOption {
    value: Expr,
}

impl Parse for DefaultOption {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let known = "`#[param]` takes one option: `#[param(default = ..)]`";
        let name: Ident = input.parse().map_err(|error| Error::new(error.span(), known))?;
        if name != "default" {
            return Err(Error::new_spanned(name, known));
        }
        if !input.peek(Token![=]) {
            return Err(Error::new_spanned(name, "`default` needs a value: `#[param(default = ..)]`"));
        }
        let equals: Token![=] = input.parse()?;
        if input.is_empty() {
            return Err(Error::new_spanned(equals, "`default` needs a value: `#[param(default = ..)]`"));
        }
        let value = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        if input.is_empty() { Ok(Self { value }) } else { Err(input.error(known)) }
    }
}

/// Reads the attributes of one argument; what is wrong goes to `errors`.
pub(crate) fn read(kind: Kind, attrs: &[Attribute], errors: &mut Errors) -> Param {
    let mut param = Param { description: crate::doc::text(attrs), ..Param::default() };
    for attr in attrs {
        let path = attr.path();
        if path.is_ident("param") && kind == Kind::Task {
            errors.at(attr, "`#[param]` is for the parameters of a `#[flow]`");
        } else if path.is_ident("param") && param.default.is_some() {
            errors.at(attr, "`default` is given twice");
        } else if path.is_ident("param") {
            let value = match &attr.meta {
                syn::Meta::List(list) => list.parse_args::<DefaultOption>(),
                _ => Err(Error::new_spanned(attr, "`#[param]` takes one option: `#[param(default = ..)]`")),
            };
            param.default = errors.keep(value).map(|default| default.value);
        } else if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            errors.at(attr, format!("an argument of a {} cannot be conditional", kind.noun()));
        } else if !path.is_ident("doc") {
            param.kept.push(attr.clone());
        }
    }
    param
}
