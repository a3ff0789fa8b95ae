//! The file `.env`, read as Prefect reads it.
//!
//! This is our own and not the `dotenvy` crate because the rules are those of python-dotenv: a `$` without braces is
//! a character like others, which matters for passwords, and what comes from which line is to be told.

use std::collections::BTreeMap;

/// One value, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// Reads all assignments. `outside` are the variables that `${NAME}` may mean beside those of the file.
///
/// The error is the line of a statement that cannot be read and that names a setting; others are not ours to judge.
pub(super) fn parse(text: &str, outside: &BTreeMap<String, String>) -> Result<BTreeMap<String, Entry>, usize> {
    let mut values: BTreeMap<String, Entry> = BTreeMap::new();
    let mut reader = Reader { text, at: 0 };
    let (mut line, mut counted) = (1, 0);
    while reader.more() {
        let start = reader.at;
        line += lines(&text[counted..start]);
        counted = start;
        match reader.statement() {
            Some(Some((key, value))) => {
                let value_of = |name: &str| values.get(name).map(|entry| &entry.text).or_else(|| outside.get(name));
                let text = resolved(&value, |name| value_of(name).map(String::as_str)).ok_or(line)?;
                values.insert(key, Entry { text, line });
            }
            Some(None) => {}
            None => {
                reader.at = start;
                let statement = reader.take_while(|c| !matches!(c, '\n' | '\r'));
                let ours = statement.to_ascii_uppercase();
                if ours.contains("PREFECT_") || ours.contains("FLOWKIT_") {
                    return Err(line);
                }
            }
        }
    }
    Ok(values)
}

/// How many lines end in it.
fn lines(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|it| ends(*it)).count()
}

/// What is not read yet.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn blanks(&mut self) {
        self.take_while(|c| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    }

    /// Goes on to the next statement, if there is one.
    fn more(&mut self) -> bool {
        self.take_while(char::is_whitespace);
        !self.rest().is_empty()
    }

    fn comment(&mut self) {
        if self.rest().starts_with('#') {
            self.take_while(|c| !matches!(c, '\n' | '\r'));
        }
    }

    /// Reads one statement with the end of its line: nothing if it cannot be read, an empty one if it assigns nothing.
    fn statement(&mut self) -> Option<Option<(String, String)>> {
        if self.rest().starts_with('#') {
            self.comment();
            return Some(None);
        }
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.at += "export".len();
            self.blanks();
        }
        let key = match self.rest().strip_prefix('\'') {
            Some(quoted) => {
                let end = quoted.find('\'').filter(|end| *end > 0)?;
                self.at += end + 2;
                &quoted[..end]
            }
            None => self.take_while(|c| !matches!(c, '=' | '#') && !c.is_whitespace()),
        };
        if key.is_empty() {
            return None;
        }
        self.blanks();
        let value = match self.rest().strip_prefix('=') {
            Some(_) => {
                self.at += 1;
                self.blanks();
                Some(self.value()?)
            }
            None => None,
        };
        self.blanks();
        self.comment();
        let ended = self.rest().is_empty() || self.rest().starts_with(['\n', '\r']);
        ended.then(|| value.map(|value| (key.to_owned(), value)))
    }

    fn value(&mut self) -> Option<String> {
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => {
                let line = self.take_while(|c| !matches!(c, '\n' | '\r'));
                let mut before = ' ';
                // A `#` after a blank begins a comment; one at the beginning of the value does not.
                let comment = line.char_indices().find(|(at, c)| {
                    let found = *c == '#' && *at > 0 && before.is_whitespace();
                    before = *c;
                    found
                });
                Some(line[..comment.map_or(line.len(), |(at, _)| at)].trim_end().to_owned())
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let inner = &self.rest()[1..];
        let mut escaped = None;
        let mut end = None;
        let mut chars = inner.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                escaped = chars.next().map(|(at, _)| at);
            } else if c == quote {
                end = Some(at);
                break;
            }
        }
        // A value that ends with a backslash, as a path may.
        let end = end.or(escaped)?;
        self.at += end + 2;
        Some(unescaped(&inner[..end], quote))
    }
}

fn unescaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let next = chars.next();
        let meant = match next {
            Some('\\') => Some('\\'),
            Some('\'') => Some('\''),
            _ if quote == '\'' => None,
            Some('"') => Some('"'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            _ => None,
        };
        match meant {
            Some(meant) => out.push(meant),
            None => {
                out.push('\\');
                out.extend(next);
            }
        }
    }
    out
}

/// No value is longer: variables in variables could grow without a bound.
const LONGEST: usize = 1 << 20;

/// Puts in what `${NAME}` and `${NAME:-default}` mean, unless it is too long then.
fn resolved<'a>(text: &str, value_of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find('}') else {
            rest = from;
            break;
        };
        let inside = &from[2..end];
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        if name.contains(':') {
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        out.push_str(value_of(name).unwrap_or(default));
        if out.len() > LONGEST {
            return None;
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String, usize)> {
        let outside = BTreeMap::from([("OUTER".to_owned(), "out".to_owned())]);
        let values = parse(text, &outside).expect("it can be read");
        values.into_iter().map(|(key, entry)| (key, entry.text, entry.line)).collect()
    }

    fn value(text: &str) -> String {
        read(text).pop().expect("a value").1
    }

    #[test]
    fn lines_are_assignments_comments_or_nothing() {
        let found = read("# first\n\nA=1\r\nexport B = two words # said\n'C' = 'x y'\nD\nE=\n");
        let wanted = [("A", "1", 3), ("B", "two words", 4), ("C", "x y", 5), ("E", "", 7)];
        assert_eq!(found, wanted.map(|(key, text, line)| (key.to_owned(), text.to_owned(), line)));
    }

    #[test]
    fn quotes_escapes_and_variables_are_those_of_python_dotenv() {
        for (text, wanted) in [
            ("A=pa$$word", "pa$$word"),
            ("A=a#b", "a#b"),
            ("A=#b", "#b"),
            ("A='it\\'s # one'", "it's # one"),
            ("A=\"line\\nline\"", "line\nline"),
            ("A='line\\nline'", "line\\nline"),
            ("A=\"over\nlines\" # c", "over\nlines"),
            ("A='C:\\dir\\'", "C:\\dir\\"),
            ("A=${OUTER}/x", "out/x"),
            ("A='${OUTER}'", "out"),
            ("A=${NO:-some}${NO}", "some"),
            ("A=${OPEN", "${OPEN"),
            ("A=1\nA=2", "2"),
        ] {
            assert_eq!(value(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_statement_that_cannot_be_read_counts_only_if_it_is_about_a_setting() {
        assert_eq!(read("SOMETHING ELSE\n='x'\nA=1"), [("A".to_owned(), "1".to_owned(), 3)]);
        for text in ["A=1\nPREFECT_API_URL='http://open", "A=1\nPREFECT_API_URL http://h", "\nFLOWKIT_DB=\"a\"b"] {
            assert_eq!(parse(text, &BTreeMap::new()), Err(2), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_file_makes_it_panic(text in "[A-C='\"#\\\\${}:\\- \n\rü]{0,40}") {
            let _ = parse(&text, &BTreeMap::new());
        }
    }
}
