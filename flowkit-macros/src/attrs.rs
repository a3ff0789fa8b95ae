//! Sorts the attributes of the user's function: some belong to what callers see, the others to the body.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token};

/// Attributes that say something about the item: documentation, lints (which reach into it), conditions.
const ITEM: [&str; 10] =
    ["doc", "cfg", "allow", "expect", "warn", "deny", "forbid", "deprecated", "must_use", "rustfmt"];

/// Whether an attribute belongs to what callers see.
pub(crate) fn is_for_item(attr: &Attribute) -> bool {
    is_item(&attr.meta)
}

fn is_item(meta: &Meta) -> bool {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            metas.is_ok_and(|metas| metas.iter().skip(1).all(is_item))
        }
        meta => first_segment(meta.path()).is_some_and(|name| ITEM.contains(&name.as_str())),
    }
}

fn first_segment(path: &Path) -> Option<String> {
    path.segments.first().map(|segment| segment.ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn lints_docs_and_conditions_stay_outside_and_the_rest_goes_in() {
        let item: [Attribute; 5] = [
            parse_quote!(#[doc = "x"]),
            parse_quote!(#[allow(dead_code)]),
            parse_quote!(#[rustfmt::skip]),
            parse_quote!(#[cfg(unix)]),
            parse_quote!(#[cfg_attr(unix, allow(dead_code), doc = "x")]),
        ];
        assert!(item.iter().all(is_for_item));
        let body: [Attribute; 4] = [
            parse_quote!(#[inline]),
            parse_quote!(#[tracing::instrument(skip(pool))]),
            parse_quote!(#[cfg_attr(all(unix, test), tracing::instrument)]),
            parse_quote!(#[cfg_attr(unix, allow(dead_code), inline)]),
        ];
        assert!(!body.iter().any(is_for_item));
    }
}
