//! Turns doc comments into descriptions.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Joins the lines of the doc comments among `attrs`; empty if there are none.
pub(crate) fn text(attrs: &[Attribute]) -> String {
    let comments: Vec<String> = attrs.iter().filter_map(comment).collect();
    let lines: Vec<&str> = comments.iter().flat_map(|comment| comment.split('\n')).map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

fn comment(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn lines_are_trimmed_and_joined() {
        let attrs: Vec<Attribute> = vec![
            parse_quote!(#[doc = " Loads articles."]),
            parse_quote!(#[allow(dead_code)]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = " Slowly.\n\tOften. "]),
            parse_quote!(#[doc(hidden)]),
        ];
        assert_eq!(text(&attrs), "Loads articles.\n\nSlowly.\nOften.");
        assert_eq!(text(&[]), "");
    }
}
