//! The function under the attribute, as written.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Result, Signature, Token, Visibility};

use crate::hash::SourceHash;

/// A function whose body is kept as tokens: it is the user's, nothing here needs to understand it.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) block: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !is_function(input) {
            return Err(input.error("this attribute goes on a function: `async fn name(..) { .. }`"));
        }
        let sig = input.parse()?;
        if input.peek(Token![;]) {
            return Err(Error::new_spanned(&sig, "this function needs a body"));
        }
        match input.parse()? {
            TokenTree::Group(block) if block.delimiter() == Delimiter::Brace => Ok(Self { attrs, vis, sig, block }),
            other => Err(Error::new_spanned(other, "expected the body of the function")),
        }
    }
}

impl Function {
    /// The hash of everything but comments, layout and the attributes above.
    pub(crate) fn hash(&self, attribute: &TokenStream) -> SourceHash {
        let (sig, block) = (&self.sig, &self.block);
        SourceHash::of(quote!(#attribute #sig #block))
    }
}

fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    while ahead.peek(Token![const])
        || ahead.peek(Token![async])
        || ahead.peek(Token![unsafe])
        || ahead.peek(Token![extern])
    {
        let skipped = ahead.parse::<TokenTree>().and_then(|_| ahead.parse::<Option<syn::LitStr>>());
        if skipped.is_err() {
            return false;
        }
    }
    ahead.peek(Token![fn])
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, block } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #block));
    }
}
