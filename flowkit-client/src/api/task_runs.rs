//! Task runs.

use uuid::Uuid;

use crate::model::{TaskRun, TaskRunCreate, TaskRunQuery};
use crate::request::{Method, Request};

/// Creates a task run that stands for a subflow run, or a background task run.
pub fn create(run: &TaskRunCreate) -> Request<TaskRun> {
    Request::new(Method::Post, "/task_runs/").json(run)
}

/// Reads a task run. One that was reported by events may not be there for a moment.
pub fn read(id: Uuid) -> Request<TaskRun> {
    Request::new(Method::Get, format!("/task_runs/{id}"))
}

/// Reads the task runs a query asks for.
pub fn filter(query: &TaskRunQuery) -> Request<Vec<TaskRun>> {
    Request::new(Method::Post, "/task_runs/filter").json(query)
}

/// Counts the task runs a query picks, whatever its limit.
pub fn count(query: &TaskRunQuery) -> Request<u64> {
    Request::new(Method::Post, "/task_runs/count").json(query)
}
