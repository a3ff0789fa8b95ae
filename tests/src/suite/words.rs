//! Takes out of texts what differs from run to run: ids, generated names and places in the source.

use super::facts::Facts;

/// The names and ids of the runs of one program, with the words that stand for them.
#[derive(Debug)]
pub(super) struct Words(Vec<(String, String)>);

impl Words {
    pub(super) fn of(facts: &Facts) -> Self {
        let mut words = Vec::new();
        for run in &facts.tasks {
            words.push((run.id.clone(), shown_task(&run.name)));
            words.push((run.name.clone(), shown_task(&run.name)));
        }
        for run in &facts.flows {
            words.push((run.id.clone(), run.flow.clone()));
            if is_generated(&run.name) {
                words.push((run.name.clone(), format!("~{}~", run.flow)));
            }
        }
        // The longest first: a name may begin with another one.
        words.retain(|(from, to)| from != to);
        words.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        words.dedup();
        Self(words)
    }

    pub(super) fn plain(&self, text: &str) -> String {
        let named = self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        without_places(&named)
    }
}

/// A name with three hex digits at its end: those of a generated key.
pub(super) fn shown_task(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((task, key)) if key.len() == 3 && key.chars().all(|digit| digit.is_ascii_hexdigit()) => {
            format!("{task}-*")
        }
        _ => name.to_owned(),
    }
}

/// Two words of small letters, as `airborne-ringtail`: behaviours about names choose others.
pub(super) fn is_generated(name: &str) -> bool {
    let words: Vec<&str> = name.split('-').collect();
    words.len() == 2
        && words.iter().all(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase()))
}

/// Replaces line and column in `some/file.rs:12:5`.
fn without_places(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after_line = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let after_column = after_line
            .strip_prefix(':')
            .map(|column| column.trim_start_matches(|letter: char| letter.is_ascii_digit()));
        plain.push_str(".rs:_");
        plain.push_str(after_column.unwrap_or(after_line));
    }
    plain
}

/// Takes the backtrace off a log line: there is one if `RUST_BACKTRACE` is set. `None` if it is nothing else.
pub(super) fn without_backtrace(message: &str) -> Option<&str> {
    let told = message.split_once("\nStack backtrace:\n").map_or(message, |(told, _)| told);
    (!told.starts_with("Stack backtrace of the panic:")).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_are_told_from_chosen_ones() {
        assert_eq!(shown_task("double-3fa"), "double-*");
        assert_eq!(shown_task("child-0"), "child-0");
        assert_eq!(
            (is_generated("airborne-ringtail"), is_generated("report-7"), is_generated("report")),
            (true, false, false)
        );
    }

    #[test]
    fn the_place_of_a_panic_is_left_out_and_its_text_is_kept() {
        assert_eq!(without_places("panicked at a/b.rs:12:5: no: luck"), "panicked at a/b.rs:_: no: luck");
        assert_eq!(without_places("no place"), "no place");
    }

    #[test]
    fn a_backtrace_is_left_out() {
        assert_eq!(without_backtrace("it failed: no\nluck\nStack backtrace:\n   0: main"), Some("it failed: no\nluck"));
        assert_eq!(without_backtrace("Stack backtrace of the panic:\n   0: main"), None);
    }
}
