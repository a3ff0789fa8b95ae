//! How many records go into one request, and which of them the server has already. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use flowkit_client::model::{Log, LogCreate};
use uuid::Uuid;

/// How many bytes of JSON one request carries at most: proxies take 1 MiB if nobody tells them otherwise.
const BYTES: usize = 500_000;

/// Cuts into pieces of at most so many records, each small enough for one request; a larger record goes alone.
pub(super) fn cut<T>(records: Vec<(T, usize)>, most: usize) -> Vec<Vec<T>> {
    let (mut pieces, mut piece, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (record, size) in records {
        if !piece.is_empty() && (piece.len() >= most || bytes + size > BYTES) {
            pieces.push(std::mem::take(&mut piece));
            bytes = 0;
        }
        piece.push(record);
        bytes += size;
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

type Key = (DateTime<Utc>, Option<Uuid>, Option<Uuid>, i32, String);

/// Leaves out the lines that the server shows; one that was written twice is there twice.
pub(super) fn missing(mut lines: Vec<(LogCreate, usize)>, shown: Vec<Log>) -> Vec<(LogCreate, usize)> {
    let mut there: HashMap<Key, usize> = HashMap::new();
    for line in shown {
        let key = (line.timestamp, line.flow_run_id, line.task_run_id, line.level, line.message);
        *there.entry(key).or_default() += 1;
    }
    lines.retain(|(line, _)| {
        // The server keeps microseconds.
        let at = DateTime::from_timestamp_micros(line.timestamp.timestamp_micros()).unwrap_or(line.timestamp);
        let key = (at, line.flow_run_id, line.task_run_id, i32::from(line.level), line.message.clone());
        match there.get_mut(&key) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bound_by_number_and_by_bytes() {
        let sizes =
            |sizes: &[usize], most| -> Vec<Vec<usize>> { cut(sizes.iter().map(|size| (*size, *size)).collect(), most) };
        assert_eq!(sizes(&[1, 2, 3, 4, 5], 2), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(sizes(&[300_000, 200_000, 1], 10), [vec![300_000, 200_000], vec![1]]);
        assert_eq!(sizes(&[1, 900_000, 2], 10), [vec![1], vec![900_000], vec![2]]);
        assert!(sizes(&[], 2).is_empty());
    }

    #[test]
    fn a_line_that_the_server_has_is_not_sent_again() {
        let line = |message: &str, nanos: i64| {
            let mut line = LogCreate::new(Uuid::nil(), 20, message);
            line.timestamp = DateTime::from_timestamp_nanos(nanos);
            (line, 1)
        };
        let shown = |message: &str, nanos: i64| -> Log {
            let (line, _) = line(message, nanos);
            serde_json::from_value(serde_json::to_value(line).expect("json")).expect("a line")
        };
        let lines = vec![line("one", 1_999), line("two", 1_999), line("two", 1_500), line("two", 5_000)];
        let left = missing(lines.clone(), vec![shown("two", 1_999), shown("one", 9_000)]);
        assert_eq!(left, [lines[0].clone(), lines[2].clone(), lines[3].clone()]);
        assert_eq!(missing(lines.clone(), Vec::new()), lines);
    }
}
