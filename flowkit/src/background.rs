//! What a flow run has around it: the runs above, its deployment, and the addresses of a server that shows it.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{FlowRunId, TaskRunId};

/// The tag of runs that a schedule has made, as in Prefect.
pub(crate) const AUTO_SCHEDULED: &str = "auto-scheduled";

/// Where a flow run stands. Most runs have nothing of this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Background {
    /// The flow run that called it, if it is a subflow.
    pub(crate) parent_flow_run: Option<FlowRunId>,
    /// The flow run at the top of the calls, if it is a subflow.
    pub(crate) root_flow_run: Option<FlowRunId>,
    /// The deployment that it is a run of. An adopted run, one that others have created, may have one.
    pub(crate) deployment: Option<Arc<Deployment>>,
    /// When it was to start, if somebody else decided that.
    pub(crate) scheduled: Option<Timestamp>,
    /// How often its body was started before this process took it over.
    pub(crate) run_count: u32,
    /// The server that knows it.
    pub(crate) links: Option<Arc<Links>>,
}

/// The deployment that a flow run belongs to (Prefect's `runtime.deployment`).
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Deployment {
    /// The id.
    pub id: Uuid,
    /// The name, without that of the flow.
    pub name: String,
    /// The version of the deployment, if it has one.
    pub version: Option<String>,
    /// The parameters that the flow run was created with, an object.
    pub parameters: Value,
}

/// The addresses of a server, from which those of runs are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Links {
    api: String,
    ui: String,
}

impl Links {
    /// `ui` is the address of the UI if somebody has set it; else it follows from that of the API, as in Prefect.
    pub(crate) fn new(api: &str, ui: Option<&str>) -> Self {
        let api = api.trim_end_matches('/').to_owned();
        let ui = ui.map_or_else(|| ui_of(&api), |ui| ui.trim_end_matches('/').to_owned());
        Self { api, ui }
    }

    pub(crate) fn api_of_flow_run(&self, id: FlowRunId) -> String {
        format!("{}/flow_runs/{id}", self.api)
    }

    pub(crate) fn ui_of_flow_run(&self, id: FlowRunId) -> String {
        format!("{}/runs/flow-run/{id}", self.ui)
    }

    pub(crate) fn ui_of_deployment(&self, id: Uuid) -> String {
        format!("{}/deployments/deployment/{id}", self.ui)
    }

    pub(crate) fn api_of_task_run(&self, id: TaskRunId) -> String {
        format!("{}/task_runs/{id}", self.api)
    }

    pub(crate) fn ui_of_task_run(&self, id: TaskRunId) -> String {
        format!("{}/runs/task-run/{id}", self.ui)
    }
}

fn ui_of(api: &str) -> String {
    let host = api.replacen("https://api.prefect.cloud", "https://app.prefect.cloud", 1);
    let ui = host.strip_suffix("/api").map_or_else(|| host.replace("/api/", "/"), ToOwned::to_owned);
    ui.replace("/accounts/", "/account/").replace("/workspaces/", "/workspace/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_ui_follows_from_that_of_the_api() {
        let id = FlowRunId::from(Uuid::nil());
        for (api, ui) in [
            ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200"),
            ("http://127.0.0.1:4200/api/", "http://127.0.0.1:4200"),
            (
                "https://api.prefect.cloud/api/accounts/a/workspaces/w",
                "https://app.prefect.cloud/account/a/workspace/w",
            ),
            ("https://proxy.test/prefect", "https://proxy.test/prefect"),
        ] {
            assert_eq!(Links::new(api, None).ui_of_flow_run(id), format!("{ui}/runs/flow-run/{}", Uuid::nil()));
        }
        let set = Links::new("http://127.0.0.1:4200/api", Some("https://flows.test/"));
        assert_eq!(set.ui_of_task_run(Uuid::nil().into()), format!("https://flows.test/runs/task-run/{}", Uuid::nil()));
        assert_eq!(set.api_of_flow_run(id), format!("http://127.0.0.1:4200/api/flow_runs/{}", Uuid::nil()));
    }
}
