//! Named values that programs share: what one is, what is refused, and the port to where they are kept.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};

/// A named JSON value that programs share.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variable {
    /// The name: lowercase letters, digits, dashes and underscores.
    pub name: String,
    /// The value.
    pub value: Value,
    /// The tags.
    pub tags: Vec<String>,
    /// When it was set first.
    pub created: Timestamp,
    /// When it was set last.
    pub updated: Timestamp,
}

/// A variable that is to be set.
#[derive(Clone, Debug)]
pub(crate) struct NewVariable {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) tags: Vec<String>,
    pub(crate) existing: Existing,
}

/// What becomes of a variable that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Existing {
    Refused,
    Replaced,
}

/// Where variables are kept. Names and values have been checked.
pub(crate) trait Variables: Send + Sync {
    /// Reads a variable.
    fn variable(&self, name: String) -> BoxFuture<'_, Result<Option<Variable>, Error>>;

    /// Sets a variable, or refuses to since there is one.
    fn set_variable(&self, new: NewVariable) -> BoxFuture<'_, Result<(), Error>>;

    /// Removes a variable; tells whether there was one.
    fn unset_variable(&self, name: String) -> BoxFuture<'_, Result<bool, Error>>;
}

/// How many characters a name may have, as in Prefect.
const LONGEST_NAME: usize = 255;

/// How many bytes of JSON a value may have, as in Prefect.
const LONGEST_VALUE: usize = 5000;

/// Refuses what Prefect refuses as a name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let refuse = |why: String| {
        let accepted =
            format!("lowercase letters, digits, dashes and underscores are accepted, at most {LONGEST_NAME}");
        Err(Error::new(ErrorKind::Input, format!("{why}: {accepted}")))
    };
    let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    if name.is_empty() {
        return refuse("a variable has no name".to_owned());
    }
    if let Some(odd) = name.chars().find(|letter| !is_fit(*letter)) {
        return refuse(format!("`{}` cannot be the name of a variable because of {odd:?}", name.escape_debug()));
    }
    match name.len() {
        ..=LONGEST_NAME => Ok(()),
        length => refuse(format!("the name of a variable is {length} characters long")),
    }
}

/// Refuses what Prefect refuses as a value.
pub(crate) fn check_value(name: &str, value: &Value) -> Result<(), Error> {
    match value.to_string().len() {
        ..=LONGEST_VALUE => Ok(()),
        length => {
            let why =
                format!("the value of variable `{name}` is {length} bytes of JSON, and may be at most {LONGEST_VALUE}");
            Err(Error::new(ErrorKind::Input, why))
        }
    }
}

/// There is such a variable, and it is not to be replaced.
pub(crate) fn exists(name: &str) -> Error {
    let why = format!("variable `{name}` exists already: `.overwrite(true)` replaces it");
    Error::new(ErrorKind::AlreadyExists, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> String {
        check_name(name).expect_err("it is refused").to_string()
    }

    #[test]
    fn names_are_those_that_prefect_accepts() {
        for name in ["a", "batch_size", "batch-size", "7", "-", &"x".repeat(255)] {
            check_name(name).expect(name);
        }
        let accepted = "lowercase letters, digits, dashes and underscores are accepted, at most 255";
        assert_eq!(refused(""), format!("a variable has no name: {accepted}"));
        let odd = "`Batch size` cannot be the name of a variable because of 'B'";
        assert_eq!(refused("Batch size"), format!("{odd}: {accepted}"));
        assert!(refused("größe").contains("because of 'ö'"));
        assert!(refused("a\n").contains(r"`a\n` cannot be the name of a variable because of '\n'"));
        let long = refused(&"x".repeat(256));
        assert_eq!(long, format!("the name of a variable is 256 characters long: {accepted}"));
    }

    #[test]
    fn values_are_measured_as_json() {
        let text = |length: usize| Value::String("x".repeat(length));
        check_value("a", &text(4998)).expect("with its quotes it is 5000 long");
        let error = check_value("a", &text(4999)).expect_err("it is too long");
        assert_eq!(error.to_string(), "the value of variable `a` is 5001 bytes of JSON, and may be at most 5000");
    }
}
