//! Concurrency limits in the file: memory counts their slots, and the file keeps what they are.

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, Row, params};

use super::change::Change;
use super::statements::Rows;
use super::{Embedded, schema};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::slots::{ConcurrencyLimit, Granted, LimitChange, SlotHolder, Slots, Wanted};

fn what(name: &str) -> String {
    format!("concurrency limit `{name}`")
}

impl Slots for Embedded {
    fn take(&self, wanted: Wanted) -> BoxFuture<'_, Result<Granted, Error>> {
        self.memory.take(wanted)
    }

    fn may_limit_tags(&self) -> bool {
        self.memory.may_limit_tags()
    }

    fn limits_of_tags(&self, tags: &[String]) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.memory.limits_of_tags(tags)
    }

    fn limit(&self, name: String) -> BoxFuture<'_, Result<Option<ConcurrencyLimit>, Error>> {
        self.memory.limit(name)
    }

    fn limits(&self) -> BoxFuture<'_, Result<Vec<ConcurrencyLimit>, Error>> {
        self.memory.limits()
    }

    fn set_limit(&self, change: LimitChange) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let what = what(&change.name);
            let set = || Ok(((), Some(Change::Limit(self.memory.set_known_limit(change)?))));
            self.change(set, &what).await
        }
        .boxed()
    }

    fn set_active(&self, name: String, active: bool) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let switch = || {
                let limit = self.memory.switch_known_limit(&name, active);
                Ok((limit.is_some(), limit.map(Change::Limit)))
            };
            self.change(switch, &what(&name)).await
        }
        .boxed()
    }

    fn delete_limit(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let delete = || {
                let was_there = self.memory.delete_known_limit(&name);
                Ok((was_there, was_there.then(|| Change::NoLimit(name.clone()))))
            };
            self.change(delete, &what(&name)).await
        }
        .boxed()
    }

    fn holders(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<SlotHolder>>, Error>> {
        self.memory.holders(name)
    }
}

impl Rows<'_> {
    pub(super) fn set_limit(&mut self, limit: &ConcurrencyLimit) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO concurrency_limit VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET
                 slots = excluded.slots, active = excluded.active, decay = excluded.decay,
                 created = excluded.created, updated = excluded.updated",
            )?
            .execute(params![
                limit.name,
                limit.limit,
                limit.active,
                limit.slot_decay_per_second,
                limit.created.unix_micros(),
                limit.updated.unix_micros(),
            ])
            .map(drop)
    }

    pub(super) fn delete_limit(&mut self, name: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM concurrency_limit WHERE name = ?")?.execute([name]).map(drop)
    }
}

/// Lists the limits in the order of their names. Nobody holds slots in a file.
pub(super) fn limits(file: &Connection) -> rusqlite::Result<Vec<ConcurrencyLimit>> {
    if schema::version(file)? < schema::WITH_LIMITS {
        return Ok(Vec::new());
    }
    let mut statement = file.prepare_cached("SELECT * FROM concurrency_limit ORDER BY name")?;
    statement.query_map([], limit)?.collect()
}

fn limit(row: &Row<'_>) -> rusqlite::Result<ConcurrencyLimit> {
    let moment = |column| row.get(column).map(Timestamp::from_unix_micros);
    Ok(ConcurrencyLimit {
        name: row.get("name")?,
        limit: row.get("slots")?,
        active: row.get("active")?,
        slot_decay_per_second: row.get("decay")?,
        active_slots: 0,
        created: moment("created")?,
        updated: moment("updated")?,
    })
}
