//! What a body notes of the assets it makes.

use serde_json::Value;

use crate::engine::context;
use crate::error::{Error, ErrorKind};
use crate::run::lock;

/// Notes facts about an asset that the present task makes; they go with the event of its materialization (Prefect's
/// `add_asset_metadata`). What is noted later adds to what was before, and replaces what has the same name.
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task(materializes = "s3://lake/articles")]
/// async fn load(rows: u64) -> flowkit::Result<u64> {
///     flowkit::asset_metadata("s3://lake/articles", serde_json::json!({"rows": rows}))?;
///     Ok(rows)
/// }
/// ```
///
/// # Errors
/// An error of kind [`Definition`](ErrorKind::Definition) outside of a task, for an asset that is not in the task's
/// `materializes`, and for facts that are no JSON object.
pub fn asset_metadata(key: &str, facts: Value) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Definition, format!("metadata of asset `{key}`: {why}")));
    let Some(run) = context::with(|context| context.task.clone()).flatten() else {
        return refuse("there is no task here that could make it".to_owned());
    };
    let made = run.def.assets.map_or(&[][..], |def| def.materializes);
    let notes = run.extra.as_ref().and_then(|extra| extra.assets.as_ref());
    let (Some(asset), Some(notes)) = (made.iter().find(|asset| asset.key() == key), notes) else {
        let made: Vec<&str> = made.iter().map(crate::Asset::key).collect();
        let made = if made.is_empty() { "none".to_owned() } else { made.join(", ") };
        return refuse(format!("task `{}` does not materialize it (it does {made})", run.def.name));
    };
    let Value::Object(facts) = facts else {
        return refuse(format!("a JSON object is expected, not `{facts}`"));
    };
    lock(&notes.metadata).entry(asset.key()).or_default().extend(facts);
    Ok(())
}
