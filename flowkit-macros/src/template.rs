//! Checks templates of run names while compiling, with the same rules that flowkit has for them at run time.

use std::fmt;

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Unbalanced,
    Unknown(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbalanced => {
                f.write_str("has a brace without its partner (`{{` and `}}` stand for the braces themselves)")
            }
            Self::Unknown(name) => write!(f, "names `{name}`, which is no argument"),
        }
    }
}

/// Finds the first mistake in a template over `params`.
pub(crate) fn check(template: &str, params: &[String]) -> Result<(), Wrong> {
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let (open, after) = rest[brace..].split_at(1);
        if let Some(after) = after.strip_prefix(open) {
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}').filter(|_| open == "{").ok_or(Wrong::Unbalanced)?;
        if !params.iter().any(|param| param == name.trim()) {
            return Err(Wrong::Unknown(name.trim().to_owned()));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_argument_and_every_brace_has_its_partner() {
        let params = ["id".to_owned(), "type".to_owned()];
        for template in ["customer-{id}", "{ id }-{type}", "{{{id}}} ü", "plain", "{{nope}}"] {
            assert_eq!(check(template, &params), Ok(()), "{template}");
        }
        for template in ["{id", "id}", "{id}}", "{"] {
            assert_eq!(check(template, &params), Err(Wrong::Unbalanced), "{template}");
        }
        for (template, name) in [("{nope}", "nope"), ("{}", ""), ("{id.x}", "id.x"), ("{id:?}", "id:?")] {
            assert_eq!(check(template, &params), Err(Wrong::Unknown(name.to_owned())), "{template}");
        }
    }
}
