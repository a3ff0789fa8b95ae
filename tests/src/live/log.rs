//! Reads a server's log for signs that we sent it something it did not like.

/// Returns the entries that tell of a refused request, a warning, an error or a traceback,
/// without those that contain one of `allowed`.
pub(super) fn complaints(log: &str, allowed: &[&str]) -> Vec<String> {
    entries(log)
        .into_iter()
        .filter(|entry| entry.lines().any(complains))
        .filter(|entry| !allowed.iter().any(|text| entry.contains(text)))
        .collect()
}

/// Joins the lines of a log to entries: a traceback belongs to the line before it.
fn entries(log: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(entry) if !begins_entry(line) => {
                entry.push('\n');
                entry.push_str(line);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

fn begins_entry(line: &str) -> bool {
    let clock: Vec<char> = line.chars().take(3).collect();
    let timed = matches!(clock[..], [a, b, ':'] if a.is_ascii_digit() && b.is_ascii_digit());
    timed || ["DEBUG:", "INFO:", "WARNING:", "ERROR:", "CRITICAL:"].iter().any(|l| line.starts_with(l))
}

fn complains(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "| WARNING",
        "| ERROR",
        "| CRITICAL",
        "WARNING:",
        "ERROR:",
        "CRITICAL:",
        "Warning: ",
        "Traceback (most recent call last)",
    ];
    refused(line) || WORDS.iter().any(|word| line.contains(word))
}

/// Says whether an access line such as `"POST /api/flows/ HTTP/1.1" 422 Unprocessable` refuses.
fn refused(line: &str) -> bool {
    let Some((_, rest)) = line.rsplit_once("\" ") else {
        return false;
    };
    let status = rest.split(' ').next().unwrap_or_default();
    status.len() == 3 && status.parse::<u16>().is_ok_and(|status| status >= 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = r#"INFO:     Uvicorn running on http://127.0.0.1:4200 (Press CTRL+C to quit)
03:46:28.219 | INFO    | prefect.server.services.scheduler - Scheduled 0 runs.
INFO:     127.0.0.1:53002 - "GET /api/health HTTP/1.1" 200 OK
INFO:     127.0.0.1:53002 - "WebSocket /api/events/in" [accepted]
"#;

    #[test]
    fn a_quiet_log_is_clean() {
        assert_eq!(complaints(FINE, &[]), [""; 0]);
    }

    #[test]
    fn refusals_and_warnings_are_told() {
        for line in [
            r#"INFO:     127.0.0.1:1 - "POST /api/flows/ HTTP/1.1" 422 Unprocessable Entity"#,
            r#"INFO:     127.0.0.1:1 - "POST /api/flows/ HTTP/1.1" 503 Service Unavailable"#,
            r#"INFO:     127.0.0.1:1 - "WebSocket /api/events/in" 403"#,
            "03:46:28.219 | WARNING | prefect.server - late",
            "WARNING:  Invalid HTTP request received.",
        ] {
            assert_eq!(complaints(&format!("{FINE}{line}\n{FINE}"), &[]), [line]);
        }
    }

    #[test]
    fn a_traceback_is_told_whole_and_allowed_whole() {
        let log = "10:00:00.000 | INFO    | x - y\nTraceback (most recent call last):\n  at z\nOddError: no\n";
        assert_eq!(complaints(log, &[]), [log.trim_end()]);
        assert_eq!(complaints(log, &["OddError"]), [""; 0]);
    }
}
