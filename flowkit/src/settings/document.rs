//! A TOML file as settings need it: values as text, and the lines they are in.

use std::collections::BTreeMap;

use serde_json::{Number, Value};
use toml::de::{DeTable, DeValue};

use super::dotenv::Entry;

/// What stands at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A value: the text itself, or JSON of anything else.
    Value(Entry),
    Table(Table),
}

/// The values below a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    nodes: BTreeMap<String, Node>,
    /// Its JSON, where it is the value of a setting.
    json: String,
    line: usize,
}

/// Why a file is not TOML, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) why: String,
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Table, Unreadable> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(lines.table(table.get_ref(), 1)),
        Err(error) => Err(Unreadable {
            line: lines.at(error.span().map_or(0, |span| span.start)),
            why: error.message().trim().replace('\n', ", "),
        }),
    }
}

impl Table {
    /// Finds the table at a path.
    pub(super) fn table(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |table, key| match table.nodes.get(*key)? {
            Node::Table(inner) => Some(inner),
            Node::Value(_) => None,
        })
    }

    /// Finds the value at a path; a table is one only where it may be.
    pub(super) fn value(&self, path: &[&str], tables: bool) -> Option<(&str, usize)> {
        let (last, above) = path.split_last()?;
        match self.table(above)?.nodes.get(*last)? {
            Node::Value(entry) => Some((&entry.text, entry.line)),
            Node::Table(table) if tables => Some((&table.json, table.line)),
            Node::Table(_) => None,
        }
    }

    /// The keys that are here.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, position: usize) -> usize {
        1 + self.0.partition_point(|end| *end < position)
    }

    fn table(&self, table: &DeTable<'_>, line: usize) -> Table {
        let mut nodes = BTreeMap::new();
        for (key, value) in table {
            let line = self.at(key.span().start);
            let node = match value.get_ref() {
                DeValue::Table(inner) => Node::Table(self.table(inner, line)),
                other => {
                    let text = match json(other) {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    Node::Value(Entry { text, line })
                }
            };
            nodes.insert(key.get_ref().clone().into_owned(), node);
        }
        let json = object(table).to_string();
        Table { nodes, json, line }
    }
}

fn object(table: &DeTable<'_>) -> Value {
    Value::Object(table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect())
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            // No setting is that large, which is said where it is read.
            Err(_) => Value::String(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => Value::String(number.as_str().to_owned()),
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(values) => Value::Array(values.iter().map(|value| json(value.get_ref())).collect()),
        DeValue::Table(table) => object(table),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_texts_with_their_lines() {
        let text = "debug_mode = true\n\n[api]\nurl = 'http://h/api'\nrequest_timeout = 2.5\n[tasks]\n\
                    default_retries = 0x10\ndefault_retry_delay_seconds = [1, 2.5]\n[client.custom_headers]\nX = 'y'\n";
        let table = parse(text).expect("it is TOML");
        for (path, wanted, line) in [
            (&["debug_mode"][..], "true", 1),
            (&["api", "url"], "http://h/api", 4),
            (&["api", "request_timeout"], "2.5", 5),
            (&["tasks", "default_retries"], "16", 7),
            (&["tasks", "default_retry_delay_seconds"], "[1,2.5]", 8),
        ] {
            assert_eq!(table.value(path, false), Some((wanted, line)));
        }
        assert_eq!(table.value(&["client", "custom_headers"], true), Some(("{\"X\":\"y\"}", 9)));
        assert_eq!(table.value(&["client", "custom_headers"], false), None);
        assert_eq!(table.value(&["api", "url", "more"], true), None);
    }

    #[test]
    fn what_is_not_toml_is_told_with_its_line() {
        let broken = parse("[api]\nurl = http://h\n").expect_err("it is no TOML");
        assert_eq!(broken.line, 2);
        assert!(!broken.why.is_empty() && !broken.why.contains('\n'), "{broken:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_file_makes_it_panic(text in "[a-c\\[\\]{}='\"\\\\.,#0-9x_e+:TZü \n\r-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
