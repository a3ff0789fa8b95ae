//! What is stored of a delayed call for whoever runs it.

use serde::{Deserialize, Serialize};

use crate::codec::ResultCodec;
use crate::defer::Given;
use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;
use crate::record::{Record, ResultRef};
use crate::store::Store;

use super::options::Said;

/// A delayed call: its arguments, its options, and how often somebody has begun with it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) parameters: Given,
    #[serde(default)]
    pub(crate) options: Said,
    #[serde(default)]
    pub(crate) taken: u32,
}

impl Order {
    /// Tells where the order for a run is, or would be.
    pub(crate) fn place(store: &dyn Store, run: TaskRunId) -> String {
        store.locate(&format!("parameters/{run}"))
    }

    /// Stores it.
    pub(crate) async fn write(&self, store: &dyn Store, run: TaskRunId) -> Result<(), Error> {
        let place = Self::place(store, run);
        let refuse = |why: String| Error::new(ErrorKind::Results, format!("`{place}` cannot be written: {why}"));
        let reference = ResultRef::new(place.clone(), ResultCodec::Json, None);
        let record = Record::of(reference, ResultCodec::Json, self).map_err(|why| refuse(why.to_string()))?;
        let bytes = record.to_bytes().map_err(|why| refuse(why.to_string()))?;
        store.write(&place, bytes).await
    }

    /// Reads the one for a run.
    pub(crate) async fn read(store: &dyn Store, run: TaskRunId) -> Result<Self, Error> {
        let place = Self::place(store, run);
        let refuse = |why: &str| Error::new(ErrorKind::Results, format!("the parameters `{place}` {why}"));
        let bytes = store.read(&place).await?;
        let bytes = bytes.ok_or_else(|| {
            refuse(
                "are not there: whoever delays a task and whoever runs it need the same result store \
                 (FLOWKIT_RESULT_STORAGE, a folder that both see or a URL)",
            )
        })?;
        let unread = |why: String| refuse(&format!("cannot be read: {why}"));
        let record = Record::from_bytes(&bytes).map_err(|why| unread(why.to_string()))?;
        record.value().map_err(|why| unread(why.to_string()))
    }
}
