//! Log records.

use serde_json::{Value, json};

use crate::event::LogRecord;
use crate::id::id_of;

/// Prefect's `Log`. The id follows from what it says, so that it is the same whenever it is asked for.
pub(in crate::endpoint) fn log(record: &LogRecord) -> Value {
    let LogRecord { level, message, timestamp, flow_run_id, task_run_id } = record;
    let told = format!("{flow_run_id:?} {task_run_id:?} {timestamp} {level:?} {message}");
    json!({
        "id": id_of("log", &told),
        "created": timestamp,
        "updated": timestamp,
        "name": if task_run_id.is_some() { "prefect.task_runs" } else { "prefect.flow_runs" },
        "level": *level as i64,
        "message": message,
        "timestamp": timestamp,
        "flow_run_id": flow_run_id,
        "task_run_id": task_run_id,
    })
}
