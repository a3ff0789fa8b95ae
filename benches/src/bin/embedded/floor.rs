//! What SQLite by itself costs here, through the same library, with the same settings, in the same folder.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, Statement, params};

/// Puts so many rows into a table in one transaction; gives the microseconds for one.
pub(super) fn rows(file: &Path, count: u32) -> f64 {
    let table = Table::make(file, "FULL");
    let begun = Instant::now();
    let transaction = table.0.unchecked_transaction().expect("a transaction");
    let mut insert = table.insert();
    for n in 0..count {
        put(&mut insert, n);
    }
    drop(insert);
    transaction.commit().expect("a commit");
    super::micros(begun, count)
}

/// Makes so many transactions of one row, each of them on disk before the next; gives the microseconds for one.
pub(super) fn commits(file: &Path, count: u32) -> f64 {
    Table::make(file, "FULL").alone(count)
}

/// The same without waiting for the disk.
pub(super) fn transactions(file: &Path, count: u32) -> f64 {
    Table::make(file, "NORMAL").alone(count)
}

/// A table of the kind that a task run needs at the least: whose it is, which, its state, three times.
struct Table(Connection);

impl Table {
    fn make(file: &Path, synchronous: &str) -> Self {
        let connection = Connection::open(file).expect("a file that can be written");
        connection.pragma_update(None, "journal_mode", "WAL").expect("a setting");
        connection.pragma_update(None, "synchronous", synchronous).expect("a setting");
        connection.pragma_update(None, "cache_size", -8_000).expect("a setting");
        let table =
            "CREATE TABLE run(parent INTEGER, id BLOB, state INTEGER, created INTEGER, started INTEGER, ended INTEGER,
            PRIMARY KEY(parent, id)) STRICT, WITHOUT ROWID";
        connection.execute_batch(table).expect("a table");
        Self(connection)
    }

    fn insert(&self) -> Statement<'_> {
        self.0.prepare("INSERT INTO run VALUES(?, ?, ?, ?, ?, ?)").expect("a statement")
    }

    fn alone(&self, count: u32) -> f64 {
        let mut insert = self.insert();
        let begun = Instant::now();
        for n in 0..count {
            put(&mut insert, n);
        }
        super::micros(begun, count)
    }
}

fn put(insert: &mut Statement<'_>, n: u32) {
    // Ids grow with time.
    let id = u128::from(n).to_be_bytes();
    let at = 1_795_000_000_000_000 + i64::from(n);
    insert.execute(params![1, id, 3, at, at, at]).expect("a row");
}
