//! Storing the value of a run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::cache::CacheIsolation;
use crate::clock;
use crate::codec::ResultCodec;
use crate::engine::panic;
use crate::engine::results::ResultPorts;
use crate::engine::timers;
use crate::engine::transaction::Staged;
use crate::error::{Error, ErrorKind};
use crate::record::{Record, ResultRef};
use crate::result_options::{Place, ResultPlan};
use crate::returns::Returns;
use crate::store::Store;

/// Where the value of a run is to go.
pub(crate) struct Keep {
    store: Arc<dyn Store>,
    place: String,
    why: Place,
    codec: ResultCodec,
    expiration: Option<Duration>,
}

/// What came of storing a value.
pub(crate) enum Kept {
    /// It can be read by others.
    Durable(Box<ResultRef>),
    /// It can be found again in this process, or not at all.
    Passing,
}

impl Keep {
    /// Chooses the store and the place: that of the key, or a new one.
    pub(crate) fn new(ports: &ResultPorts, plan: &ResultPlan, key: Option<&str>) -> Self {
        let store = match plan.place {
            Place::Asked | Place::ByDefault | Place::DurableCache => &ports.stores.durable,
            Place::PassingCache => &ports.stores.passing,
        };
        let place = match key {
            Some(key) => store.locate(key),
            None => store.locate(&Uuid::new_v4().simple().to_string()),
        };
        let ResultPlan { place: why, codec, expiration, .. } = *plan;
        Self { store: Arc::clone(store), place, why, codec, expiration }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.why != Place::PassingCache
    }

    /// Writes a value down. To be called without waiting in between, since the value may not be lent to others.
    pub(crate) fn write_down<T>(&self, returns: &Returns<T>, value: &T) -> Result<(ResultRef, Vec<u8>), Error> {
        let refuse = |why: String| {
            Error::new(
                ErrorKind::Results,
                format!("the result cannot be written down as {}: {why}", self.codec.as_str()),
            )
        };
        let encode = returns.encode.ok_or_else(|| refuse("its type is not Serialize".to_owned()))?;
        let expiration = self.expiration.map(|time| clock::now().after(time));
        let place = ResultRef::new(self.place.clone(), self.codec, expiration);
        // Serializing a value is the user's code.
        let written = panic::contain(|| {
            let record = Record::of(place.clone(), self.codec, encode(value))?;
            record.to_bytes()
        });
        let bytes = written.map_err(&refuse)?.map_err(|why| refuse(why.to_string()))?;
        Ok((place, bytes))
    }

    /// Leaves what was written down to the transaction around, which writes it when it is committed.
    pub(crate) fn stage(&self, written: Result<(ResultRef, Vec<u8>), Error>) -> Result<(Kept, Option<Staged>), Error> {
        let (data, bytes) = match written {
            Ok(written) => written,
            Err(error) => return self.go_without(error).map(|kept| (kept, None)),
        };
        let kept = if self.is_durable() { Kept::Durable(Box::new(data)) } else { Kept::Passing };
        Ok((kept, Some(Staged { store: Arc::clone(&self.store), place: self.place.clone(), bytes })))
    }

    /// Only a result that somebody asked to be stored is worth an error.
    fn go_without(&self, error: Error) -> Result<Kept, Error> {
        if self.why == Place::Asked {
            return Err(error);
        }
        tracing::warn!(target: "flowkit::run", "The result was not stored: {}", error.chain());
        Ok(Kept::Passing)
    }

    /// Stores what was written down.
    pub(crate) async fn store_away(&self, written: Result<(ResultRef, Vec<u8>), Error>) -> Result<Kept, Error> {
        let stored = match written {
            Ok((place, bytes)) => self.store.write(&self.place, bytes).await.map(|()| place),
            Err(error) => Err(error),
        };
        match stored {
            Ok(place) if self.is_durable() => Ok(Kept::Durable(Box::new(place))),
            Ok(_) => Ok(Kept::Passing),
            Err(error) => self.go_without(error),
        }
    }
}

/// Refuses what was asked for where the store cannot do it.
pub(crate) fn check_place(ports: &ResultPorts, plan: &ResultPlan, whose: fmt::Arguments<'_>) -> Result<(), Error> {
    if plan.place == Place::PassingCache || !ports.stores.durable.needs_tokio() {
        return Ok(());
    }
    if plan.isolation == CacheIsolation::Serializable && plan.key.is_some() {
        // A lock that somebody else has is tried again after a while.
        return timers::check(format_args!("{whose} has serializable isolation"));
    }
    if plan.place == Place::Asked {
        return timers::check_tokio(format_args!("the result of {whose} is to be stored"));
    }
    Ok(())
}

/// Tells why values of this type cannot be stored and read back, if they cannot.
pub(crate) fn obstacle<T>(returns: &Returns<T>) -> Option<&'static str> {
    match (returns.encode, returns.decode) {
        (None, _) => Some("is not Serialize"),
        (_, None) => Some("is not DeserializeOwned"),
        _ => None,
    }
}
