//! Headers that tell Prefect which flow, deployment or worker a request comes from.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Names on whose behalf requests are sent, for Prefect's usage statistics. What is `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// The flow that runs.
    pub flow_id: Option<Uuid>,
    /// The name of the flow that runs.
    pub flow_name: Option<String>,
    /// The deployment it was started from.
    pub deployment_id: Option<Uuid>,
    /// The name of that deployment.
    pub deployment_name: Option<String>,
    /// The worker that started it.
    pub worker_id: Option<Uuid>,
    /// The name of that worker.
    pub worker_name: Option<String>,
}

impl Attribution {
    /// Writes the headers. A value that a header cannot carry is left out: statistics are not worth a failure.
    pub(super) fn headers(&self) -> HeaderMap {
        let id = |id: &Option<Uuid>| id.map(|id| id.to_string());
        [
            ("x-prefect-flow-id", id(&self.flow_id)),
            ("x-prefect-flow-name", self.flow_name.clone()),
            ("x-prefect-deployment-id", id(&self.deployment_id)),
            ("x-prefect-deployment-name", self.deployment_name.clone()),
            ("x-prefect-worker-id", id(&self.worker_id)),
            ("x-prefect-worker-name", self.worker_name.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value?;
            let value = value.trim_matches([' ', '\t']);
            let value = HeaderValue::from_bytes(value.as_bytes()).ok().filter(|value| !value.is_empty())?;
            Some((HeaderName::from_static(name), value))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_and_sendable_is_sent() {
        let attribution = Attribution {
            flow_id: Some(Uuid::nil()),
            flow_name: Some(" etl ".into()),
            worker_name: Some("two\nlines".into()),
            deployment_name: Some("  ".into()),
            ..Attribution::default()
        };
        let headers = attribution.headers();
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["x-prefect-flow-name"], "etl");
        assert_eq!(headers["x-prefect-flow-id"], "00000000-0000-0000-0000-000000000000");
    }
}
