//! Run names made from templates such as `"customer-{id}"`.

use crate::error::{Error, ErrorKind};

/// Renders a template; `value` gives the text of an argument, `None` for one that does not exist or cannot be shown.
///
/// `{{` and `}}` stand for the braces themselves.
pub(crate) fn render(
    template: &str,
    params: &[&str],
    value: impl Fn(usize) -> Option<String>,
) -> Result<String, Error> {
    let mut name = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        name.push_str(&rest[..brace]);
        let (open, doubled) = (&rest[brace..=brace], rest[brace + 1..].chars().next());
        if doubled.is_some_and(|next| open.starts_with(next)) {
            name.push_str(open);
            rest = &rest[brace + 2..];
            continue;
        }
        let end = rest[brace..]
            .find('}')
            .filter(|_| open == "{")
            .ok_or_else(|| refuse(template, "has a brace without its partner", params))?;
        let param = rest[brace + 1..brace + end].trim();
        let index =
            params.iter().position(|known| *known == param).ok_or_else(|| refuse(template, &unknown(param), params))?;
        let text = value(index)
            .ok_or_else(|| refuse(template, &format!("names `{param}`, which is neither Display nor Debug"), params))?;
        name.push_str(&text);
        rest = &rest[brace + end + 1..];
    }
    name.push_str(rest);
    Ok(name)
}

fn unknown(param: &str) -> String {
    let hint = ": only whole arguments are shown";
    let hint = if param.contains(['.', ':', '[']) { hint } else { "" };
    format!("names `{param}`, which is no argument{hint}")
}

fn refuse(template: &str, why: &str, params: &[&str]) -> Error {
    let known = if params.is_empty() { "there are none".to_owned() } else { params.join(", ") };
    Error::new(ErrorKind::Definition, format!("the run name template \"{template}\" {why} (arguments: {known})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<String, String> {
        render(template, &["id", "pool"], |index| (index == 0).then(|| "7".to_owned())).map_err(|e| e.to_string())
    }

    #[test]
    fn arguments_and_doubled_braces_are_replaced() {
        assert_eq!(rendered("customer-{id}").as_deref(), Ok("customer-7"));
        assert_eq!(rendered("{{{id}}} ü").as_deref(), Ok("{7} ü"));
        assert_eq!(rendered("plain").as_deref(), Ok("plain"));
    }

    #[test]
    fn a_wrong_template_says_what_is_accepted() {
        for (template, why) in [
            ("{nope}", "`nope`, which is no argument (arguments: id, pool)"),
            ("{id.x}", "`id.x`, which is no argument: only whole arguments are shown"),
            ("{id", "a brace without its partner"),
            ("id}", "a brace without its partner"),
            ("{pool}", "neither Display nor Debug"),
        ] {
            let error = rendered(template).expect_err(template);
            assert!(error.contains(why), "{error}");
        }
    }
}
