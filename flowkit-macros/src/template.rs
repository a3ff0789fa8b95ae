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
            Self::Unknown(name) => {
                write!(f, "names `{name}`, which is no argument")?;
                let hint = ": only whole arguments are shown, `run_name` takes the path of a function for more";
                if name.contains(['.', ':', '[']) { f.write_str(hint) } else { Ok(()) }
            }
        }
    }
}

/// Finds the first mistake in a template over `params`; if there is none, tells which of them it names.
pub(crate) fn check(template: &str, params: &[String]) -> Result<Vec<usize>, Wrong> {
    let mut named = Vec::new();
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let (open, after) = rest[brace..].split_at(1);
        if let Some(after) = after.strip_prefix(open) {
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}').filter(|_| open == "{").ok_or(Wrong::Unbalanced)?;
        let index = params.iter().position(|param| param == name.trim());
        named.push(index.ok_or_else(|| Wrong::Unknown(name.trim().to_owned()))?);
        rest = after;
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_argument_and_every_brace_has_its_partner() {
        let params = ["id".to_owned(), "type".to_owned()];
        for (template, named) in [
            ("customer-{id}", vec![0]),
            ("{ id }-{type}", vec![0, 1]),
            ("{{{id}}} ü", vec![0]),
            ("plain", vec![]),
            ("{{nope}}", vec![]),
        ] {
            assert_eq!(check(template, &params), Ok(named), "{template}");
        }
        for template in ["{id", "id}", "{id}}", "{"] {
            assert_eq!(check(template, &params), Err(Wrong::Unbalanced), "{template}");
        }
        for (template, name) in [("{nope}", "nope"), ("{}", ""), ("{id.x}", "id.x"), ("{id:?}", "id:?")] {
            assert_eq!(check(template, &params), Err(Wrong::Unknown(name.to_owned())), "{template}");
        }
    }
}
