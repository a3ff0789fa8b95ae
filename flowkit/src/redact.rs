//! Secret values, and texts without them.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

/// What stands in the place of a secret; Prefect's own mask.
pub(crate) const MASK: &str = "**********";

/// Shorter values are not looked for: they would be found in words that have nothing to do with them.
const SHORTEST: usize = 4;

static ANY: AtomicBool = AtomicBool::new(false);

/// The values, the longest first, so that one that contains another is masked whole.
static VALUES: RwLock<Vec<Box<str>>> = RwLock::new(Vec::new());

/// Has a value masked in every text from now on, for as long as the process lives.
pub(crate) fn register(value: &str) {
    // Stars alone are a mask already, and would be found in every other one.
    if value.chars().count() < SHORTEST || value.chars().all(|letter| letter == '*') {
        return;
    }
    let mut values = VALUES.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    if values.iter().any(|known| **known == *value) {
        return;
    }
    let place = values.partition_point(|known| known.len() >= value.len());
    values.insert(place, value.into());
    ANY.store(true, Ordering::Release);
}

/// Returns the text with all known secrets masked.
pub(crate) fn redact(text: String) -> String {
    if !ANY.load(Ordering::Acquire) {
        return text;
    }
    let values = VALUES.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    values.iter().fold(text, |text, value| if text.contains(&**value) { text.replace(&**value, MASK) } else { text })
}

/// Masks all known secrets in a JSON value, names of fields and numbers included.
pub(crate) fn redact_json(value: &mut Value) {
    if !ANY.load(Ordering::Acquire) {
        return;
    }
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            let text = number.to_string();
            let redacted = redact(text.clone());
            if redacted != text {
                *value = Value::String(redacted);
            }
        }
        Value::String(text) => *text = redact(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(redact_json),
        Value::Object(fields) => {
            let redacted = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                redact_json(&mut value);
                (redact(name), value)
            });
            *fields = redacted.collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_secret_is_masked_first_and_short_ones_are_left() {
        for value in ["redact-me", "redact-me-whole", "ab", "********"] {
            register(value);
        }
        assert_eq!(redact("redact-me-whole and redact-me, ab".to_owned()), "********** and **********, ab");
    }

    #[test]
    fn secrets_are_masked_anywhere_in_json() {
        for value in ["redact-json", "99887766"] {
            register(value);
        }
        let mut value = serde_json::json!({"redact-json": ["a redact-json", 99_887_766, 1, null, {"b": true}]});
        redact_json(&mut value);
        let expected = serde_json::json!({"**********": ["a **********", "**********", 1, null, {"b": true}]});
        assert_eq!(value, expected);
    }
}
