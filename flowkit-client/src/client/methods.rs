//! One method for each call of the API, named after it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Client;
use crate::api::flow_runs::Orchestrate;
use crate::api::{
    admin, artifacts, automations, deployments, events, flow_runs, flows, logs, run_input, task_runs, variables,
};
use crate::error::Error;
use crate::model::{
    Artifact, ArtifactCreate, ArtifactQuery, ArtifactUpdate, Automation, AutomationCreate, Deployment,
    DeploymentCreate, DeploymentFlowRunCreate, DeploymentUpdate, Event, EventFilter, EventPage, Flow, FlowCreate,
    FlowRun, FlowRunCreate, FlowRunInput, FlowRunInputCreate, FlowRunInputQuery, FlowRunQuery, FlowRunUpdate,
    JsonObject, Labels, Log, LogCreate, LogQuery, OrchestrationResult, StateCreate, TaskRun, TaskRunCreate,
    TaskRunQuery, Variable, VariableCreate, VariableUpdate,
};
use crate::version::ServerVersion;

/// The calls of the API. All of them fail as [`Client::send`] does.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Client {
    /// Asks whether the server is up. Needs no credentials and no version check.
    pub async fn health(&self) -> Result<(), Error> {
        self.send(admin::health()).await.map(drop)
    }

    /// Gives the server's version and, if it is older than this crate, a warning. Asked once for all clones.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        let until = self.deadline.map(|limit| tokio::time::Instant::now() + limit);
        self.known_version(until).await.cloned()
    }

    /// Registers a flow, or gives the one of that name.
    pub async fn create_flow(&self, flow: &FlowCreate) -> Result<Flow, Error> {
        self.send(flows::create(flow)).await
    }

    /// Reads a flow.
    pub async fn read_flow(&self, id: Uuid) -> Result<Flow, Error> {
        self.send(flows::read(id)).await
    }

    /// Creates a flow run.
    pub async fn create_flow_run(&self, run: &FlowRunCreate) -> Result<FlowRun, Error> {
        self.send(flow_runs::create(run)).await
    }

    /// Reads a flow run.
    pub async fn read_flow_run(&self, id: Uuid) -> Result<FlowRun, Error> {
        self.send(flow_runs::read(id)).await
    }

    /// Changes fields of a flow run.
    pub async fn update_flow_run(&self, id: Uuid, update: &FlowRunUpdate) -> Result<(), Error> {
        self.send(flow_runs::update(id, update)).await.map(drop)
    }

    /// Adds labels to a flow run.
    pub async fn update_flow_run_labels(&self, id: Uuid, labels: &Labels) -> Result<(), Error> {
        self.send(flow_runs::update_labels(id, labels)).await.map(drop)
    }

    /// Proposes a state for a flow run; the answer says what became of it.
    pub async fn set_flow_run_state(
        &self,
        id: Uuid,
        state: &StateCreate,
        how: Orchestrate,
    ) -> Result<OrchestrationResult, Error> {
        self.send(flow_runs::set_state(id, state, how)).await
    }

    /// Resumes a paused or suspended flow run.
    pub async fn resume_flow_run(&self, id: Uuid, input: Option<&JsonObject>) -> Result<OrchestrationResult, Error> {
        self.send(flow_runs::resume(id, input)).await
    }

    /// Creates an input of a flow run.
    pub async fn create_flow_run_input(&self, run: Uuid, input: &FlowRunInputCreate) -> Result<(), Error> {
        self.send(run_input::create(run, input)).await.map(drop)
    }

    /// Reads the value of an input of a flow run; `None` if there is none.
    pub async fn read_flow_run_input(&self, run: Uuid, key: &str) -> Result<Option<serde_json::Value>, Error> {
        self.send_opt(run_input::read(run, key)).await
    }

    /// Reads the inputs of a flow run that a query asks for, oldest first.
    pub async fn filter_flow_run_inputs(
        &self,
        run: Uuid,
        query: &FlowRunInputQuery,
    ) -> Result<Vec<FlowRunInput>, Error> {
        self.send(run_input::filter(run, query)).await
    }

    /// Removes an input of a flow run.
    pub async fn delete_flow_run_input(&self, run: Uuid, key: &str) -> Result<(), Error> {
        self.send(run_input::delete(run, key)).await.map(drop)
    }

    /// Reads the flow runs a query asks for.
    pub async fn filter_flow_runs(&self, query: &FlowRunQuery) -> Result<Vec<FlowRun>, Error> {
        self.send(flow_runs::filter(query)).await
    }

    /// Counts the flow runs a query picks.
    pub async fn count_flow_runs(&self, query: &FlowRunQuery) -> Result<u64, Error> {
        self.send(flow_runs::count(query)).await
    }

    /// Creates a task run that stands for a subflow run, or a background task run.
    pub async fn create_task_run(&self, run: &TaskRunCreate) -> Result<TaskRun, Error> {
        self.send(task_runs::create(run)).await
    }

    /// Reads a task run; `None` if the server does not know it (yet).
    pub async fn read_task_run(&self, id: Uuid) -> Result<Option<TaskRun>, Error> {
        self.send_opt(task_runs::read(id)).await
    }

    /// Reads the task runs a query asks for.
    pub async fn filter_task_runs(&self, query: &TaskRunQuery) -> Result<Vec<TaskRun>, Error> {
        self.send(task_runs::filter(query)).await
    }

    /// Counts the task runs a query picks.
    pub async fn count_task_runs(&self, query: &TaskRunQuery) -> Result<u64, Error> {
        self.send(task_runs::count(query)).await
    }

    /// Stores log lines.
    pub async fn create_logs(&self, lines: &[LogCreate]) -> Result<(), Error> {
        self.send(logs::create(lines)).await.map(drop)
    }

    /// Reads the log lines a query asks for.
    pub async fn filter_logs(&self, query: &LogQuery) -> Result<Vec<Log>, Error> {
        self.send(logs::filter(query)).await
    }

    /// Stores events with one request.
    pub async fn create_events(&self, events: &[Event]) -> Result<(), Error> {
        self.send(events::create(events)).await.map(drop)
    }

    /// Reads the first page of the events a filter picks, at most 50.
    pub async fn filter_events(&self, filter: &EventFilter, limit: u32) -> Result<EventPage, Error> {
        self.send(events::filter(filter, limit)).await
    }

    /// Reads the page of events after another one, if there is one.
    pub async fn next_events(&self, page: &EventPage) -> Result<Option<EventPage>, Error> {
        match events::next_page(page) {
            Some(next) => self.send(next).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads a deployment.
    pub async fn read_deployment(&self, id: Uuid) -> Result<Deployment, Error> {
        self.send(deployments::read(id)).await
    }

    /// Reads a deployment by the names of its flow and its own; `None` if there is none.
    pub async fn read_deployment_by_name(&self, flow: &str, deployment: &str) -> Result<Option<Deployment>, Error> {
        self.send_opt(deployments::read_by_name(flow, deployment)).await
    }

    /// Creates a deployment, or replaces the one of that flow and name.
    pub async fn create_deployment(&self, deployment: &DeploymentCreate) -> Result<Deployment, Error> {
        self.send(deployments::create(deployment)).await
    }

    /// Changes a deployment.
    pub async fn update_deployment(&self, id: Uuid, update: &DeploymentUpdate) -> Result<(), Error> {
        self.send(deployments::update(id, update)).await.map(drop)
    }

    /// Deletes a deployment.
    pub async fn delete_deployment(&self, id: Uuid) -> Result<(), Error> {
        self.send(deployments::delete(id)).await.map(drop)
    }

    /// Pauses the schedules of a deployment.
    pub async fn pause_deployment(&self, id: Uuid) -> Result<(), Error> {
        self.send(deployments::pause(id)).await.map(drop)
    }

    /// Lets the schedules of a deployment make runs again.
    pub async fn resume_deployment(&self, id: Uuid) -> Result<(), Error> {
        self.send(deployments::resume(id)).await.map(drop)
    }

    /// Asks for the runs of some deployments that are to start before a time, late ones included.
    pub async fn get_scheduled_flow_runs(
        &self,
        deployments: &[Uuid],
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<FlowRun>, Error> {
        self.send(deployments::get_scheduled_flow_runs(deployments, before, limit)).await
    }

    /// Creates an automation.
    pub async fn create_automation(&self, automation: &AutomationCreate) -> Result<Automation, Error> {
        self.send(automations::create(automation)).await
    }

    /// Deletes the automations that belong to a resource; a server without automations has none.
    pub async fn delete_automations_owned_by(&self, resource: &str) -> Result<(), Error> {
        self.send_opt(automations::delete_owned_by(resource)).await.map(drop)
    }

    /// Creates a flow run from a deployment.
    pub async fn create_flow_run_from_deployment(
        &self,
        id: Uuid,
        run: &DeploymentFlowRunCreate,
    ) -> Result<FlowRun, Error> {
        self.send(deployments::create_flow_run(id, run)).await
    }

    /// Creates a variable.
    pub async fn create_variable(&self, variable: &VariableCreate) -> Result<Variable, Error> {
        self.send(variables::create(variable)).await
    }

    /// Reads a variable by its name; `None` if there is none.
    pub async fn read_variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        self.send_opt(variables::read(name)).await
    }

    /// Replaces the value and the tags of a variable.
    pub async fn update_variable(&self, name: &str, update: &VariableUpdate) -> Result<(), Error> {
        self.send(variables::update(name, update)).await.map(drop)
    }

    /// Deletes a variable.
    pub async fn delete_variable(&self, name: &str) -> Result<(), Error> {
        self.send(variables::delete(name)).await.map(drop)
    }

    /// Creates an artifact.
    pub async fn create_artifact(&self, artifact: &ArtifactCreate) -> Result<Artifact, Error> {
        self.send(artifacts::create(artifact)).await
    }

    /// Replaces what an artifact holds.
    pub async fn update_artifact(&self, id: Uuid, update: &ArtifactUpdate) -> Result<(), Error> {
        self.send(artifacts::update(id, update)).await.map(drop)
    }

    /// Reads the artifacts a query asks for.
    pub async fn filter_artifacts(&self, query: &ArtifactQuery) -> Result<Vec<Artifact>, Error> {
        self.send(artifacts::filter(query)).await
    }
}
