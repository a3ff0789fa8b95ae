//! Guesses what a misspelt word was meant to be.

/// Returns the known word that is closest to `word`, if one is close.
///
/// Prefect's own names are close too: `timeout_seconds`, `task_run_name`.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let within = known.iter().filter(|known| word.starts_with(**known) || word.ends_with(**known));
    within.max_by_key(|known| known.len()).copied().or_else(|| {
        let near = known.iter().map(|known| (distance(word, known), *known));
        near.filter(|(distance, known)| *distance <= 2 && *distance < known.len()).min().map(|(_, known)| known)
    })
}

/// The number of letters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_and_prefects_names_are_recognised() {
        let known = ["name", "tags", "run_name", "retries", "retry_delay", "timeout"];
        for (word, meant) in [
            ("retrys", Some("retries")),
            ("tag", Some("tags")),
            ("nmae", Some("name")),
            ("timeout_seconds", Some("timeout")),
            ("task_run_name", Some("run_name")),
            ("retry_delay_seconds", Some("retry_delay")),
            ("colour", None),
        ] {
            assert_eq!(closest(word, &known), meant, "{word}");
        }
    }
}
