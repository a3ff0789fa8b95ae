//! A task run whose result may be there already, or is to be stored.

use std::sync::Arc;

use crate::cache::CacheIsolation;
use crate::clock;
use crate::engine::context::{self, Context};
use crate::engine::panic;
use crate::engine::results::flights::HeldKey;
use crate::engine::results::keep::{Keep, Kept, check_place, obstacle};
use crate::engine::results::key::key_of;
use crate::engine::task_run::LiveTask;
use crate::engine::transaction::{self, Done, End, Scope, settle};
use crate::engine::transition::Fact;
use crate::error::{Error, ErrorKind};
use crate::record::{Record, ResultRef};
use crate::result_options::{Place, ResultPlan};
use crate::state::StateName;
use crate::txn::Transaction;

impl<T: Send + 'static> LiveTask<T> {
    /// Answers the run with the stored result of an equal one, or runs the body and stores what it returns.
    pub(in crate::engine) async fn recall_or_run(&mut self) -> Result<T, Error> {
        match self.effective.results.take() {
            None => self.attempts().await,
            Some(plan) => self.recall_or_run_by(&plan).await,
        }
    }

    async fn recall_or_run_by(&mut self, plan: &ResultPlan) -> Result<T, Error> {
        if let Some(why) = obstacle(self.job.body.returns()) {
            if plan.place == Place::ByDefault && plan.key.is_none() {
                return self.attempts().await;
            }
            let (task, ty) = (self.job.def.name, std::any::type_name::<T>());
            let why = format!("the result of task `{task}` cannot be stored: its type `{ty}` {why}");
            return Err(self.refuse(Error::new(ErrorKind::Definition, why)));
        }
        let ports = Arc::clone(&self.context.ports);
        check_place(&ports.results, plan, format_args!("task `{}`", self.job.def.name))
            .map_err(|error| self.refuse(error))?;
        let key = match plan.key.as_ref().map(|by| key_of(by, self.run(), &*self.job.body)).transpose() {
            Ok(key) => key.flatten(),
            Err(error) => return Err(self.refuse(error)),
        };
        let Some(key) = key else {
            if plan.place != Place::PassingCache && plan.place != Place::DurableCache {
                self.keep = Some(Box::new(Keep::new(&ports.results, plan, None)));
            }
            return self.attempts().await;
        };
        let keep = Keep::new(&ports.results, plan, Some(&key));
        let place = keep.place().to_owned();
        if HeldKey::is_among(&place, self.context.held.as_ref()) {
            return self.recall_or_attempt(plan, &key, keep).await;
        }
        let cancel = self.context.cancel.clone();
        let entered = cancel.run_until_cancelled(async {
            let flight = ports.results.flights.enter(&place).await;
            let lock = match plan.isolation {
                CacheIsolation::ReadCommitted => None,
                CacheIsolation::Serializable => Some(keep.store().lock(&place).await?),
            };
            Ok((lock, flight))
        });
        // Kept until the result is stored.
        let (lock, _turn) = match entered.await {
            Some(Ok(held)) => held,
            Some(Err(error)) => return Err(self.refuse(error)),
            None => return Err(self.cancelled()),
        };
        let around = context::current().unwrap_or_else(|| self.context.clone());
        let context = Context { held: Some(HeldKey::new(place, around.held.clone())), ..around };
        let ended = context.scope(self.recall_or_attempt(plan, &key, keep)).await;
        if let Some(lock) = lock {
            lock.release().await;
        }
        ended
    }

    async fn recall_or_attempt(&mut self, plan: &ResultPlan, key: &str, keep: Keep) -> Result<T, Error> {
        if !plan.refresh
            && let Some((value, place)) = self.recall(&keep).await
        {
            let _ = self.record.apply(Fact::Started);
            tracing::info!(target: "flowkit::run", "Found the result in the cache under the key '{key}'");
            let data = keep.is_durable().then(|| Box::new(place));
            let _ = self.record.apply(Fact::Recalled { data });
            return Ok(value);
        }
        self.keep = Some(Box::new(keep));
        self.attempts().await
    }

    /// Looks for a record that counts. One that cannot be read is none, but is worth a warning.
    async fn recall(&mut self, keep: &Keep) -> Option<(T, ResultRef)> {
        let place = keep.place();
        let damaged = |why: &str| {
            tracing::warn!(target: "flowkit::run", "The cached result `{place}` cannot be used and is made anew: {why}");
        };
        let staged = self.context.transaction.as_ref().and_then(|scope| scope.find(place));
        let read = match staged {
            Some(bytes) => Ok(Some(bytes)),
            None => keep.store().read(place).await,
        };
        let record = match read {
            Ok(bytes) => Record::from_bytes(&bytes?),
            Err(error) => {
                damaged(&error.chain());
                return None;
            }
        };
        let record = record.map_err(|why| damaged(&why.to_string())).ok()?;
        if record.is_expired(clock::now()) {
            if let Err(error) = keep.store().remove(place).await {
                tracing::warn!(target: "flowkit::run", "The expired result `{place}` stays: {}", error.chain());
            }
            return None;
        }
        let decode = self.job.body.returns().decode?;
        // Deserializing a value is the user's code.
        match panic::contain(|| record.read(decode)) {
            Ok(Ok(value)) => Some((value, record.place)),
            Ok(Err(why)) => {
                damaged(&why.to_string());
                None
            }
            Err(panicked) => {
                damaged(&panicked);
                None
            }
        }
    }

    /// Lets the transaction around take note of a run that has completed.
    pub(in crate::engine) async fn join_transaction(&mut self) {
        let Some((scope, done)) = self.context.transaction.clone().zip(self.done()) else { return };
        if let Err((how, done)) = scope.done(done) {
            transaction::end_late(&scope, how, done).await;
        }
    }

    /// Commits a run that has completed in no transaction as one of its own.
    pub(in crate::engine) async fn commit_alone(&mut self) {
        if self.context.transaction.is_some() {
            return;
        }
        let Some(done) = self.done() else { return };
        let txn = Transaction::new(self.run().name(), None, None);
        // The log tells what is wrong; the caller has the value all the same, as in Prefect.
        let _ = settle(Scope::alone(txn, done), End::Commit, &self.context).await;
    }

    fn done(&mut self) -> Option<Done> {
        // What was found in the cache was not done here, and is not undone here.
        if !self.run().state().is(StateName::Completed) {
            return None;
        }
        Some(Done {
            run: Arc::clone(self.run()),
            hooks: self.job.def.transaction_hooks,
            context: self.context.clone(),
            staged: self.staged.take(),
        })
    }

    /// Stores what the body returned and ends the run.
    pub(in crate::engine) async fn end_with(&mut self, value: T, keep: &Keep) -> Result<T, Error> {
        let written = keep.write_down(self.job.body.returns(), &value);
        let kept = match &self.context.transaction {
            None => keep.store_away(written).await,
            Some(_) => keep.stage(written).map(|(kept, staged)| {
                self.staged = staged.map(Box::new);
                kept
            }),
        };
        match kept {
            Ok(Kept::Durable(data)) => drop(self.record.apply(Fact::Stored { data })),
            Ok(Kept::Passing) => drop(self.record.apply(Fact::Returned)),
            Err(error) => {
                let message = format!("Task run could not store its result: {}", error.chain());
                tracing::error!(target: "flowkit::run", "{message}");
                let _ = self.record.apply(Fact::Errored { message });
                let why = format!("task run '{}' could not store its result", self.run().name());
                return Err(Error::new(ErrorKind::Results, why).with_source(error));
            }
        }
        Ok(value)
    }
}
