//! Queries: filters with an order and a page.

use serde::Serialize;

use super::{FlowFilter, FlowRunFilter, LogFilter, TaskRunFilter};

/// The most objects a server gives at once. A larger limit is a validation error there, so none is sent.
pub const MAX_LIMIT: u32 = 200;

/// Orders flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the words of the API explain themselves")]
pub enum FlowRunSort {
    IdDesc,
    StartTimeAsc,
    StartTimeDesc,
    ExpectedStartTimeAsc,
    ExpectedStartTimeDesc,
    NameAsc,
    NameDesc,
    NextScheduledStartTimeAsc,
    EndTimeDesc,
}

/// Orders task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the words of the API explain themselves")]
pub enum TaskRunSort {
    IdDesc,
    ExpectedStartTimeAsc,
    ExpectedStartTimeDesc,
    NameAsc,
    NameDesc,
    NextScheduledStartTimeAsc,
    EndTimeDesc,
}

/// Orders log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the words of the API explain themselves")]
pub enum LogSort {
    TimestampAsc,
    TimestampDesc,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
}

macro_rules! page {
    () => {
        /// Sets how many are given at most. Default and maximum: 200; a larger number counts as 200.
        #[must_use]
        pub fn limit(mut self, limit: u32) -> Self {
            self.page.limit = Some(limit.min(MAX_LIMIT));
            self
        }

        /// Sets how many are skipped. Default: none.
        #[must_use]
        pub fn offset(mut self, offset: u32) -> Self {
            self.page.offset = Some(offset);
            self
        }
    };
}

/// Asks for flow runs.
///
/// ```
/// use flowkit_client::model::{FlowRunFilter, FlowRunQuery, FlowRunSort, StateType};
///
/// let late = FlowRunQuery::new(FlowRunFilter::default().state_types([StateType::Scheduled]).state_names(["Late"]))
///     .sort(FlowRunSort::ExpectedStartTimeAsc)
///     .limit(50);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowRunQuery {
    flow_runs: FlowRunFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    flows: Option<FlowFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<FlowRunSort>,
    #[serde(flatten)]
    page: Page,
}

impl FlowRunQuery {
    /// Asks for the flow runs a filter picks.
    pub fn new(filter: FlowRunFilter) -> Self {
        Self { flow_runs: filter, ..Self::default() }
    }

    /// Asks for runs of some flows only.
    #[must_use]
    pub fn flows(mut self, filter: FlowFilter) -> Self {
        self.flows = Some(filter);
        self
    }

    /// Sets the order. Default: newest id first.
    #[must_use]
    pub fn sort(mut self, sort: FlowRunSort) -> Self {
        self.sort = Some(sort);
        self
    }

    page!();
}

/// Asks for task runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskRunQuery {
    task_runs: TaskRunFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_runs: Option<FlowRunFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<TaskRunSort>,
    #[serde(flatten)]
    page: Page,
}

impl TaskRunQuery {
    /// Asks for the task runs a filter picks.
    pub fn new(filter: TaskRunFilter) -> Self {
        Self { task_runs: filter, ..Self::default() }
    }

    /// Asks for task runs of some flow runs only.
    #[must_use]
    pub fn flow_runs(mut self, filter: FlowRunFilter) -> Self {
        self.flow_runs = Some(filter);
        self
    }

    /// Sets the order. Default: newest id first.
    #[must_use]
    pub fn sort(mut self, sort: TaskRunSort) -> Self {
        self.sort = Some(sort);
        self
    }

    page!();
}

/// Asks for lines of run logs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LogQuery {
    logs: LogFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<LogSort>,
    #[serde(flatten)]
    page: Page,
}

impl LogQuery {
    /// Asks for the lines a filter picks.
    pub fn new(filter: LogFilter) -> Self {
        Self { logs: filter, ..Self::default() }
    }

    /// Sets the order. Default: oldest first.
    #[must_use]
    pub fn sort(mut self, sort: LogSort) -> Self {
        self.sort = Some(sort);
        self
    }

    page!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StateType;
    use uuid::Uuid;

    #[test]
    fn queries_have_the_recorded_shape() {
        let query = FlowRunQuery::new(FlowRunFilter::default().parent_task_run_ids([Uuid::nil()]))
            .sort(FlowRunSort::ExpectedStartTimeDesc)
            .limit(1);
        assert_eq!(
            serde_json::to_string(&query).expect("json"),
            r#"{"flow_runs":{"parent_task_run_id":{"any_":["00000000-0000-0000-0000-000000000000"]}},"sort":"EXPECTED_START_TIME_DESC","limit":1}"#
        );
        let query = TaskRunQuery::new(TaskRunFilter::default().state_types([StateType::Failed]).names(["a"]))
            .limit(1000)
            .offset(3);
        assert_eq!(
            serde_json::to_string(&query).expect("json"),
            r#"{"task_runs":{"name":{"any_":["a"]},"state":{"type":{"any_":["FAILED"]}}},"limit":200,"offset":3}"#
        );
        assert_eq!(serde_json::to_string(&LogQuery::default()).expect("json"), r#"{"logs":{}}"#);
    }
}
