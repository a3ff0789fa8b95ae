//! The port of interaction, by requests to the server.

use flowkit_client::Client;
use flowkit_client::model::{FlowRunInputCreate, FlowRunInputQuery, OrchestrationStatus};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::backend::convert;
use crate::backend::server::Server;
use crate::backend::server::link::patient;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::interact::{Changes, Form, Given, Interact};
use crate::pause_details::InputKeys;
use crate::state::State;

/// How many inputs are asked for at once: the server takes `_` in a prefix for any character, so that not all fit.
const INPUTS: u32 = 50;

type Answered<T> = Result<T, flowkit_client::Error>;

impl Server {
    /// Sends requests about a flow run, on the reporter's thread.
    fn about<T, F>(
        &self,
        run: FlowRunId,
        what: &'static str,
        requests: impl FnOnce(Client, Uuid) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Answered<T>> + Send + 'static,
    {
        self.job(move |shared| {
            let requests = requests(patient(&shared), shared.server_id(run));
            async move {
                requests.await.map_err(|error| match error.is_not_found() {
                    true => Error::new(ErrorKind::Refused, format!("there is no flow run {run} at the server")),
                    false => Error::new(ErrorKind::Backend, format!("cannot {what} flow run {run}")).with_source(error),
                })
            }
        })
    }
}

impl Interact for Server {
    fn changes(&self, _: FlowRunId) -> Changes {
        Changes::unknown()
    }

    fn state_of(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        let state = self.about(run, "read the state of", |client, run| async move { client.read_flow_run(run).await });
        async move {
            let none = || Error::new(ErrorKind::Backend, format!("flow run {run} has no state at the server"));
            state.await?.state.as_ref().map(convert::answered).ok_or_else(none)
        }
        .boxed()
    }

    fn ask_for_input(&self, run: FlowRunId, keys: InputKeys, form: Form) -> BoxFuture<'_, Result<(), Error>> {
        self.about(run, "ask for the input of", |client, run| async move {
            if let Some(text) = form.description {
                create_once(&client, run, &FlowRunInputCreate::new(keys.description, &Value::String(text))).await?;
            }
            create_once(&client, run, &FlowRunInputCreate::new(keys.schema, &form.schema)).await
        })
    }

    fn resume(&self, run: FlowRunId, input: Option<Map<String, Value>>) -> BoxFuture<'_, Result<(), Error>> {
        let answer =
            self.about(run, "resume", |client, run| async move { client.resume_flow_run(run, input.as_ref()).await });
        async move {
            let answer = answer.await?;
            if answer.status == OrchestrationStatus::Accept {
                return Ok(());
            }
            let why = answer.reason().unwrap_or("the server does not say why").to_owned();
            Err(Error::new(ErrorKind::Refused, format!("flow run {run} is not resumed: {why}")))
        }
        .boxed()
    }

    fn give(&self, run: FlowRunId, given: Given) -> BoxFuture<'_, Result<(), Error>> {
        self.about(run, "send input to", |client, run| async move {
            let mut input = FlowRunInputCreate::new(given.key, &given.value);
            input.sender = given.sender;
            client.create_flow_run_input(run, &input).await
        })
    }

    fn given(&self, run: FlowRunId, key: String) -> BoxFuture<'_, Result<Option<Value>, Error>> {
        self.about(run, "read the input of", |client, run| async move { client.read_flow_run_input(run, &key).await })
    }

    fn next_given(
        &self,
        run: FlowRunId,
        prefix: String,
        except: Vec<String>,
    ) -> BoxFuture<'_, Result<Option<Given>, Error>> {
        self.about(run, "read the inputs of", |client, run| async move {
            let query = FlowRunInputQuery { prefix, limit: INPUTS, exclude_keys: except };
            let found = client.filter_flow_run_inputs(run, &query).await?;
            let first = found.into_iter().find(|input| input.key.starts_with(&query.prefix));
            Ok(first.map(|input| Given {
                // What is no JSON is text.
                value: serde_json::from_str(&input.value).unwrap_or(Value::String(input.value)),
                key: input.key,
                sender: input.sender,
            }))
        })
    }
}

/// Creates an input unless it is there, as it is when a flow is run again.
async fn create_once(client: &Client, run: Uuid, input: &FlowRunInputCreate) -> Answered<()> {
    match client.create_flow_run_input(run, input).await {
        Err(error) if error.is_conflict() => Ok(()),
        other => other,
    }
}
