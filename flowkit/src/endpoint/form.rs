//! Reading a JSON body, member by member, so that all that is wrong with it can be told at once. Pure.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::reply::{Mistake, Reply};
use crate::clock::Timestamp;
use crate::schedule;

/// Reads the text of a body as an object. No text at all is an empty one, as for Prefect.
pub(super) fn parse(body: &[u8]) -> Result<Value, Reply> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(value) => {
            let mistake = Mistake {
                kind: "dict_type",
                at: Vec::new(),
                message: "Input should be an object".into(),
                input: value.clone(),
            };
            Err(Reply::invalid(vec![mistake], &value))
        }
        Err(error) => {
            let at = vec![json!(error.column())];
            let message = format!("JSON decode error: {error}");
            let mistake = Mistake { kind: "json_invalid", at, message, input: json!({}) };
            Err(Reply::invalid(vec![mistake], &Value::String(String::from_utf8_lossy(body).into_owned())))
        }
    }
}

/// An object of which members are taken, and the mistakes so far.
#[derive(Debug)]
pub(super) struct Form {
    members: Map<String, Value>,
    at: Vec<Value>,
    mistakes: Vec<Mistake>,
}

impl Form {
    pub(super) fn new(body: &Value) -> Self {
        Self { members: body.as_object().cloned().unwrap_or_default(), at: Vec::new(), mistakes: Vec::new() }
    }

    /// Takes a member; null is as good as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Takes note of a mistake below a member.
    pub(super) fn mistake(&mut self, kind: &'static str, below: &[&str], message: impl Into<String>, input: &Value) {
        let mut at = self.at.clone();
        at.extend(below.iter().map(|name| json!(name)));
        self.mistakes.push(Mistake { kind, at, message: message.into(), input: input.clone() });
    }

    fn read<T>(&mut self, name: &str, kind: &'static str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.take(name)?;
        let found = read(&value);
        if found.is_none() {
            self.mistake(kind, &[name], format!("Input should be {what}"), &value);
        }
        found
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "string_type", "a valid string", |value| value.as_str().map(ToOwned::to_owned))
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "bool_type", "a valid boolean", Value::as_bool)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        self.read(name, "int_type", "a valid integer", Value::as_i64)
    }

    pub(super) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.read(name, "dict_type", "a valid dictionary", |value| value.as_object().cloned())
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.read(name, "datetime_parsing", "a valid datetime", moment)
    }

    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.each(name, "string_type", "a valid string", |value| value.as_str().map(ToOwned::to_owned))
    }

    pub(super) fn ids(&mut self, name: &str) -> Option<Vec<Uuid>> {
        self.each(name, "uuid_parsing", "a valid UUID", |value| value.as_str()?.parse().ok())
    }

    /// Takes one of some words.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let what = listed(words);
        self.read(name, "enum", &what, |value| words.iter().find(|word| value.as_str() == Some(**word)).copied())
    }

    /// Takes a list of some words.
    pub(super) fn words(&mut self, name: &str, words: &[&'static str]) -> Option<Vec<String>> {
        let what = listed(words);
        let known = |value: &Value| value.as_str().filter(|text| words.contains(text)).map(ToOwned::to_owned);
        self.each(name, "enum", &what, known)
    }

    fn each<T>(
        &mut self,
        name: &str,
        kind: &'static str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let Value::Array(items) = &value else {
            self.mistake("list_type", &[name], "Input should be a valid list", &value);
            return None;
        };
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read(item) {
                Some(item) => found.push(item),
                None => {
                    let mut at = self.at.clone();
                    at.extend([json!(name), json!(index)]);
                    let message = format!("Input should be {what}");
                    self.mistakes.push(Mistake { kind, at, message, input: item.clone() });
                }
            }
        }
        Some(found)
    }

    /// Reads a member that is an object by a form of its own.
    pub(super) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let members = self.object(name)?;
        let mut at = self.at.clone();
        at.push(json!(name));
        let mut inner = Self { members, at, mistakes: Vec::new() };
        let found = read(&mut inner);
        self.mistakes.append(&mut inner.mistakes);
        Some(found)
    }

    /// Refuses whatever has not been taken and is not null. `why` says so.
    pub(super) fn nothing_else(&mut self, why: &str) {
        for (name, value) in std::mem::take(&mut self.members) {
            if !is_empty(&value) {
                self.mistake("extra_forbidden", &[&name], why, &value);
            }
        }
    }

    /// Ends the reading: all is well, or this is what was wrong with `body`.
    pub(super) fn done(self, body: &Value) -> Result<(), Reply> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Reply::invalid(self.mistakes, body)) }
    }
}

/// Null, or an object of nothing else: what clients send for what nobody has asked for.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => {
            members.iter().all(|(name, value)| is_empty(value) || (name == "operator" && value == "and_"))
        }
        _ => false,
    }
}

/// A date and time as Prefect's clients write it: with an offset, `T` or a space, or seconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => schedule::moment(text).ok(),
        Value::Number(seconds) => {
            let micros = seconds.as_f64()? * 1e6;
            #[expect(clippy::cast_possible_truncation, reason = "it is checked to be in range")]
            (micros.abs() < 9e17).then(|| Timestamp::from_unix_micros(micros as i64))
        }
        _ => None,
    }
}

fn listed(words: &[&'static str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_object_or_nothing() {
        assert_eq!(parse(b""), Ok(json!({})));
        assert_eq!(parse(br#"{"a": 1}"#), Ok(json!({"a": 1})));
        for bad in [&b"{bad"[..], b"[]", b"1", b"\xff\xfe", b"{} {}", &[b'['; 5000]] {
            let reply = parse(bad).expect_err("it is no object");
            assert_eq!(reply.status, 422);
            assert_eq!(reply.body.expect("a body")["exception_message"], "Invalid request received.");
        }
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        let body = json!({"a": 1, "b": {"c": ["x", 2]}, "d": "e", "f": null, "g": {"h": null}, "sort": "?"});
        let mut form = Form::new(&body);
        assert_eq!(form.text("a"), None);
        form.within("b", |form| form.texts("c"));
        form.word("sort", &["ONE", "TWO"]);
        form.nothing_else("Extra inputs are not permitted");
        let reply = form.done(&body).expect_err("it is wrong");
        let told: Vec<String> = reply.body.expect("a body")["exception_detail"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|mistake| format!("{} {} {}", mistake["type"], mistake["loc"], mistake["msg"]))
            .collect();
        assert_eq!(
            told,
            [
                r#""string_type" ["body","a"] "Input should be a valid string""#,
                r#""string_type" ["body","b","c",1] "Input should be a valid string""#,
                r#""enum" ["body","sort"] "Input should be 'ONE' or 'TWO'""#,
                r#""extra_forbidden" ["body","d"] "Extra inputs are not permitted""#,
            ]
        );
    }

    #[test]
    fn times_are_read_in_every_form_that_clients_use() {
        let expected = Some(Timestamp::from_unix_micros(1_732_153_540_175_685));
        for text in
            ["2024-11-21T01:45:40.175685Z", "2024-11-21 01:45:40.175685+00:00", "2024-11-21T02:45:40.175685+01:00"]
        {
            assert_eq!(moment(&json!(text)), expected, "{text}");
        }
        assert_eq!(moment(&json!(1)), Some(Timestamp::from_unix_micros(1_000_000)));
        assert_eq!(moment(&json!(1e300)), None);
        assert_eq!(moment(&json!("yesterday")), None);
    }
}
