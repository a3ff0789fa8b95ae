//! Variables in the file: memory answers, and the file follows.

use std::sync::Mutex;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::change::Change;
use super::queue::Item;
use super::statements::Rows;
use super::{Embedded, rows, schema};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::journals::Journals;
use crate::run::lock;
use crate::variables::{NewVariable, Variable, Variables};

/// Whose turn it is to change a variable, a limit or a block: the file sees changes in the order in which memory does.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<()>);

impl Embedded {
    /// Changes something in memory and has the file follow, which it has done in the end, unless `fast` is enough.
    pub(super) async fn change<T>(
        &self,
        decide: impl FnOnce() -> Result<(T, Option<Change>), Error>,
        what: &str,
    ) -> Result<T, Error> {
        let lost = self.lost.so_far().changes;
        let answer = {
            let _turn = lock(&self.turn.0);
            let (answer, change) = decide()?;
            let Some(change) = change else { return Ok(answer) };
            self.queue.push(Item::Change(change));
            answer
        };
        self.settled().await;
        let now = self.lost.so_far();
        if now.changes == lost {
            return Ok(answer);
        }
        let reason = now.reason.unwrap_or_default();
        Err(Error::new(ErrorKind::Backend, format!("{what} is not changed in the database: {reason}")))
    }
}

impl Variables for Embedded {
    fn variable(&self, name: String) -> BoxFuture<'_, Result<Option<Variable>, Error>> {
        ready(Ok(self.memory.known_variable(&name))).boxed()
    }

    fn set_variable(&self, new: NewVariable) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let what = told(&new.name);
            let set = || Ok(((), Some(Change::Variable(self.memory.set_known_variable(new)?))));
            self.change(set, &what).await
        }
        .boxed()
    }

    fn unset_variable(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let what = told(&name);
            let unset = || {
                let was_there = self.memory.unset_known_variable(&name);
                Ok((was_there, was_there.then(|| Change::NoVariable(name.clone()))))
            };
            self.change(unset, &what).await
        }
        .boxed()
    }
}

fn told(name: &str) -> String {
    format!("variable `{name}`")
}

impl Rows<'_> {
    pub(super) fn set_variable(&mut self, variable: &Variable) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO variable VALUES(?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET
                 value = excluded.value, tags = excluded.tags, created = excluded.created, updated = excluded.updated",
            )?
            .execute(params![
                variable.name,
                variable.value.to_string(),
                rows::tags(&variable.tags),
                variable.created.unix_micros(),
                variable.updated.unix_micros(),
            ])
            .map(drop)
    }

    pub(super) fn unset_variable(&mut self, name: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM variable WHERE name = ?")?.execute([name]).map(drop)
    }
}

/// Lists the variables in the order of their names.
pub(super) fn variables(file: &Connection) -> rusqlite::Result<Vec<Variable>> {
    if schema::version(file)? < schema::WITH_VARIABLES {
        return Ok(Vec::new());
    }
    let mut statement =
        file.prepare_cached("SELECT name, value, tags, created, updated FROM variable ORDER BY name")?;
    statement.query_map([], variable)?.collect()
}

fn variable(row: &Row<'_>) -> rusqlite::Result<Variable> {
    let moment = |column| row.get(column).map(Timestamp::from_unix_micros);
    let (value, tags): (String, Option<String>) = (row.get("value")?, row.get("tags")?);
    Ok(Variable {
        name: row.get("name")?,
        value: serde_json::from_str(&value).unwrap_or(Value::String(value)),
        tags: tags.and_then(|tags| serde_json::from_str(&tags).ok()).unwrap_or_default(),
        created: moment("created")?,
        updated: moment("updated")?,
    })
}
