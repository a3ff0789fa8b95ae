//! Taking over what an earlier process has reported and not written to the database before it died.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::entry::Entry;
use super::frame::{self, Kind};
use super::open::beside;
use super::read::level;
use super::rows::StateRow;
use super::statements::{Entered, Numbers, Rows};
use super::tail::SUFFIXES;
use crate::clock::{self, Timestamp};
use crate::event::LogRecord;
use crate::state::State;

/// What the files beside the database belong to, and what of them is in it already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) database: Uuid,
    /// The number of the last record that is in the database.
    pub(super) last: u64,
}

impl Mark {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("SELECT id, tail FROM owner", [], |row| {
            let last: i64 = row.get(1)?;
            Ok(Self { database: Uuid::from_bytes(row.get(0)?), last: u64::try_from(last).unwrap_or(0) })
        })
    }

    /// Notes that all records up to this number are in the database.
    pub(super) fn set(connection: &Connection, last: u64) -> rusqlite::Result<()> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        connection.prepare_cached("UPDATE owner SET tail = ?")?.execute([last]).map(drop)
    }
}

/// Writes to the database what lies beside it, all or nothing, as if the process that left it had done so; gives the
/// number of the last record. Files that are not understood are set aside.
pub(super) fn replay(path: &Path, connection: &Connection) -> rusqlite::Result<Mark> {
    let mark = Mark::of(connection)?;
    let files: Vec<(&str, Vec<u8>)> =
        SUFFIXES.iter().filter_map(|suffix| Some((*suffix, look(path, suffix, mark.database)?))).collect();
    let mut records: Vec<(u64, &[u8])> = files.iter().flat_map(|(_, bytes)| frame::records(bytes)).collect();
    records.retain(|(number, _)| *number > mark.last);
    records.sort_unstable_by_key(|(number, _)| *number);
    let last = records.last().map_or(mark.last, |(number, _)| *number);
    let unread = match take_over(connection, &records, last) {
        Ok(0) => None,
        Ok(unread) => Some(format!("{unread} of its records are not understood")),
        Err(error) if is_of_the_disk(&error) => return Err(error),
        Err(error) => Some(format!("the database does not take them: {error}")),
    };
    for (suffix, _) in &files {
        if let Some(why) = &unread {
            aside(path, suffix, why);
        } else {
            // One that stays is known by its numbers to bring nothing new.
            let _ = std::fs::remove_file(beside(path, suffix));
        }
    }
    Ok(Mark { last, ..mark })
}

/// Writes the records in one transaction; gives the number of those that are not understood.
fn take_over(connection: &Connection, records: &[(u64, &[u8])], last: u64) -> rusqlite::Result<usize> {
    if records.is_empty() {
        return Ok(0);
    }
    let mut unread = 0;
    let transaction = connection.unchecked_transaction()?;
    let epoch = transaction.query_row("SELECT epoch FROM owner", [], |row| row.get(0))?;
    let mut rows = Rows { connection: &transaction, numbers: &mut Numbers::default(), epoch };
    for (_, content) in records {
        match Entry::read(content) {
            Some(entry) => rows.replay(entry)?,
            None => unread += 1,
        }
    }
    Mark::set(&transaction, last)?;
    transaction.commit()?;
    let taken = records.len() - unread;
    tracing::debug!(target: "flowkit::embedded", "An earlier process had not written {taken} of its reports to the database; now they are.");
    Ok(unread)
}

/// Tells whether it may succeed another time, or the database itself is not whole.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    !matches!(
        error.sqlite_error_code(),
        None | Some(
            Code::ConstraintViolation | Code::TypeMismatch | Code::TooBig | Code::ParameterOutOfRange | Code::Unknown
        )
    )
}

/// Reads a file, if there is one that belongs to the database.
fn look(path: &Path, suffix: &str, database: Uuid) -> Option<Vec<u8>> {
    let bytes = match std::fs::read(beside(path, suffix)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            aside(path, suffix, &format!("it cannot be read: {error}"));
            return None;
        }
    };
    let why = match frame::kind(&bytes, database) {
        Kind::Ours | Kind::Empty => return Some(bytes),
        Kind::OfAnother => "it belongs to another database, which was here before".to_owned(),
        Kind::Version(version) => {
            format!("another version of flowkit has written it (format {version}, this one knows {})", frame::VERSION)
        }
        Kind::Unknown => "it is not what flowkit writes there".to_owned(),
    };
    aside(path, suffix, &why);
    None
}

/// Moves a file to a name that nobody has.
fn aside(path: &Path, suffix: &str, why: &str) {
    let from = beside(path, suffix);
    let stamp = clock::now().to_utc().format("%Y%m%dT%H%M%S%6f");
    let to = beside(path, &format!("{suffix}.aside-{stamp}"));
    let moved = match std::fs::rename(&from, &to) {
        Ok(()) => format!("It was moved to `{}`.", to.display()),
        Err(error) => format!("It cannot be moved aside: {error}."),
    };
    tracing::warn!(
        target: "flowkit::embedded",
        "The last reports of an earlier process, in `{}`, are not taken over: {why}. {moved}",
        from.display()
    );
}

impl Rows<'_> {
    /// Writes what an earlier process has reported. It may be there already, and something newer too.
    fn replay(&mut self, entry: Entry<'static>) -> rusqlite::Result<()> {
        match entry {
            Entry::FlowRun { run, state } => match read_state(&state) {
                Some(state) => self.add_flow_run(&run, &state),
                None => Ok(()),
            },
            Entry::FlowStates { run, states, run_count, is_top } => match self.flow_run(run.into())? {
                0 => Ok(()),
                number => {
                    let states = states.iter().filter_map(|state| read_state(state)).collect();
                    self.note_states(number, &Entered { run: run.into(), states, run_count, is_top })
                }
            },
            Entry::TaskRun { flow_run, key, task, row } => {
                let number = flow_run.map_or(Ok(0), |id| self.flow_run(id.into()))?;
                let is_known = number != 0 || flow_run.is_none();
                // Two who report of one run may do so in the wrong order.
                if !is_known || (row.ended.is_none() && self.task_run_has_ended(number, row.id)?) {
                    return Ok(());
                }
                let task = self.task(&key, &task)?;
                self.put_task_row(number, task, &row)
            }
            Entry::Log { flow_run, task_run, level: number, at, message } => self.add_log(&LogRecord {
                level: level(number.into()),
                message: message.into_owned(),
                timestamp: Timestamp::from_unix_micros(at),
                flow_run_id: flow_run.map(Into::into),
                task_run_id: task_run.map(Into::into),
            }),
            // Each says how it is from then on, so that the last one counts however often they are followed.
            Entry::Change { change } => serde_json::from_str(&change).map_or(Ok(()), |change| self.follow(&change)),
            Entry::Kept { kept } => match serde_json::from_str(&kept) {
                Ok(kept) => self.keep(&kept),
                Err(_) => Ok(()),
            },
            note => match note.into_note() {
                Some((run, note)) => self.note(run.into(), &note),
                None => Ok(()),
            },
        }
    }

    fn task_run_has_ended(&self, flow_run: i64, id: Uuid) -> rusqlite::Result<bool> {
        let ended = self
            .connection
            .prepare_cached("SELECT ended IS NOT NULL FROM task_run WHERE flow_run = ? AND id = ?")?
            .query_row((flow_run, id.as_bytes()), |row| row.get(0))
            .optional()?;
        Ok(ended.unwrap_or(false))
    }
}

fn read_state(text: &str) -> Option<State> {
    serde_json::from_str::<StateRow>(text).ok().map(StateRow::state)
}
