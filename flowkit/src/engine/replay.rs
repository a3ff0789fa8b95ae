//! Retries of a flow run, and runs that are resumed, do not do again what is done: task runs take the value of an earlier
//! attempt.

use std::sync::Arc;

use crate::canonical::{Canonical, Fingerprint};
use crate::codec::ResultCodec;
use crate::def::TaskDef;
use crate::engine::body::Body;
use crate::engine::context::Context;
use crate::engine::journal::{Mismatch, Place, Slot};
use crate::engine::task_run::{LiveTask, TaskJob};
use crate::engine::transition::Fact;
use crate::engine::{fingerprint, panic};
use crate::error::{Error, ErrorKind};
use crate::journals::Written;
use crate::returns::Returns;

/// Notes a call whose arguments are there.
pub(super) fn claim<T>(place: &Place, job: &TaskJob<T>) -> Slot {
    let key = job.overrides.as_ref().and_then(|call| call.journal_key.as_deref());
    let mark = key.map_or_else(|| mark(job.def, &*job.body), named);
    place.journal.claim(place.within, job.def.key, job.def.name, Some(mark))
}

/// What tells a call from others of the same task if it carries a key.
fn named(key: &str) -> Fingerprint {
    let mut words = Canonical::default();
    words.word("journal key");
    words.word(key);
    words.finish()
}

/// What tells the call from others of the same task: all arguments that can be written down. A pool or a client cannot,
/// and is the same in every call.
fn mark<T>(def: &'static TaskDef, body: &dyn Body<T>) -> Fingerprint {
    let mut left_out: Vec<&str> = Vec::new();
    loop {
        match fingerprint::of_arguments(body, def.params, |name| !left_out.contains(&name)) {
            Ok(fingerprint) => return fingerprint,
            Err((name, _)) => left_out.push(name),
        }
    }
}

impl<T: Send + 'static> LiveTask<T> {
    /// Runs the task unless it has finished in an earlier attempt of the flow run.
    pub(super) async fn attempts_or_replay(&mut self, place: Arc<Place>) -> Result<T, Error> {
        let slot = self.slot.unwrap_or_else(|| claim(&place, &self.job));
        if let Some(value) = self.replay(&place, slot).await? {
            let _ = self.record.apply(Fact::Started);
            let _ = self.record.apply(Fact::Found { message: "Taken from an earlier attempt of the flow run.".into() });
            return Ok(value);
        }
        let within = Place { journal: Arc::clone(&place.journal), within: slot };
        let inside = Context { journal: Some(Arc::new(within)), ..self.context.clone() };
        let running = place.journal.disk().map(|disk| disk.running(place.within));
        let value = inside.scope(self.recall_or_run()).await?;
        if self.may_be_replayed() {
            if let Some(disk) = place.journal.disk() {
                let (task, written) = (self.job.def.name, written(self.job.body.returns(), &value));
                match written {
                    Ok(written) => disk.finished(slot, written).await,
                    Err(why) => {
                        tracing::warn!(target: "flowkit::run", "Task `{task}` will run again if its flow run is resumed: its result cannot be recorded, since {why}")
                    }
                }
            }
            if let Some(clone) = self.job.body.returns().clone.filter(|_| place.journal.is_for_retries()) {
                place.journal.keep(slot, clone(&value));
            }
        }
        drop(running);
        Ok(value)
    }

    /// What a transaction has done may be undone, and is not done again only if it says so itself.
    fn may_be_replayed(&self) -> bool {
        self.context.transaction.is_none()
    }

    /// What the call gave in an earlier attempt: in this process, or in one that has died.
    async fn replay(&mut self, place: &Place, slot: Slot) -> Result<Option<T>, Error> {
        if !self.may_be_replayed() {
            place.journal.ran();
            return Ok(None);
        }
        let returns = self.job.body.returns();
        if let Some(disk) = place.journal.disk() {
            if let Some(value) = disk.recorded(slot).and_then(|recorded| recorded.value) {
                // Others of the same body make their calls meanwhile, as they did when it took its time.
                tokio::task::yield_now().await;
                let read = read_back(returns, &value).map_err(|why| {
                    let what = format!("the recorded result of task `{}` cannot be read: {why}", self.job.def.name);
                    self.refuse_all(Mismatch(what))
                })?;
                place.journal.replayed();
                return Ok(Some(read));
            }
            let compared = disk.compare(slot, place.within, self.job.def.name).await;
            compared.map_err(|mismatch| self.refuse_all(mismatch))?;
        }
        match returns.clone {
            Some(clone) => Ok(place.journal.replay(slot, clone)),
            None => {
                place.journal.ran();
                Ok(None)
            }
        }
    }

    /// Ends the attempt of the whole flow run, which is left as it was.
    fn refuse_all(&self, Mismatch(why): Mismatch) -> Error {
        let refused = Error::new(ErrorKind::Refused, why);
        if let Some(flow) = &self.context.flow {
            flow.refuse(refused.clone());
        }
        self.refuse(refused)
    }
}

/// Writes down what a call has given: as JSON if that can hold it. To be called without waiting in between, since the
/// value may not be lent to others.
pub(super) fn written<T>(returns: &Returns<T>, value: &T) -> Result<Written, String> {
    let encode = returns.encode.ok_or("its type is not Serialize")?;
    if returns.decode.is_none() {
        return Err("its type is not DeserializeOwned".to_owned());
    }
    // Serializing a value is the user's code.
    let write = |codec: ResultCodec| match panic::contain(|| codec.encode(encode(value))) {
        Ok(Ok(text)) => Ok(Written { codec, text }),
        Ok(Err(why)) => Err(why.to_string()),
        Err(panicked) => Err(panicked),
    };
    write(ResultCodec::Json).or_else(|_| write(ResultCodec::Compact))
}

/// Reads what was written down.
pub(super) fn read_back<T>(returns: &Returns<T>, written: &Written) -> Result<T, String> {
    let decode = returns.decode.ok_or("its type is not DeserializeOwned any more")?;
    // Deserializing a value is the user's code.
    match panic::contain(|| written.codec.read(&written.text, &mut |from| decode(from))) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(why)) => Err(why.to_string()),
        Err(panicked) => Err(panicked),
    }
}
