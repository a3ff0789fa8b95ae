//! The variables of the server.

use flowkit_client::model::{VariableCreate, VariableUpdate};
use flowkit_client::{Client, Error as Refusal, RetryPolicy};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::backend::server::Server;
use crate::backend::server::link::patient;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::variables::{Existing, NewVariable, Variable, Variables, exists};

impl Server {
    /// Sends requests about a variable, on the reporter's thread.
    fn about_variable<T, F>(
        &self,
        what: &'static str,
        name: String,
        requests: impl FnOnce(Client, String) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        self.job(move |shared| {
            let requests = requests(patient(&shared), name.clone());
            async move {
                requests.await.map_err(|error| {
                    let kind = if error.is_validation() { ErrorKind::Input } else { ErrorKind::Backend };
                    Error::new(kind, format!("the server did not {what} variable `{name}`")).with_source(error)
                })
            }
        })
    }
}

impl Variables for Server {
    fn variable(&self, name: String) -> BoxFuture<'_, Result<Option<Variable>, Error>> {
        self.about_variable("tell", name, |client, name| async move {
            let found = client.read_variable(&name).await?;
            let moment = |at: Option<_>| at.map_or(Timestamp::from_unix_micros(0), Timestamp::from);
            Ok(found.map(|found| Variable {
                name: found.name,
                value: found.value,
                tags: found.tags,
                created: moment(found.created),
                updated: moment(found.updated),
            }))
        })
    }

    fn set_variable(&self, new: NewVariable) -> BoxFuture<'_, Result<(), Error>> {
        let name = new.name.clone();
        let done = self.about_variable("set", new.name.clone(), |client, _| async move {
            match new.existing {
                Existing::Refused => create(&client, new).await,
                Existing::Replaced => replace(&client, new).await.map(|()| Created::Now),
            }
        });
        async move {
            match done.await? {
                Created::Now => Ok(()),
                Created::Before => Err(exists(&name)),
            }
        }
        .boxed()
    }

    fn unset_variable(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        self.about_variable("unset", name, |client, name| async move {
            if client.read_variable(&name).await?.is_none() {
                return Ok(false);
            }
            match client.delete_variable(&name).await {
                // It was there: the request was repeated, since the answer to the first one was lost.
                Err(error) if error.is_not_found() => Ok(true),
                done => done.map(|()| true),
            }
        })
    }
}

enum Created {
    Now,
    Before,
}

async fn create(client: &Client, new: NewVariable) -> Result<Created, Refusal> {
    let NewVariable { name, value, tags, .. } = new;
    let new = VariableCreate { name, value, tags };
    // Tried once, so that the answer is about this very request.
    match made(&client.with_retry(RetryPolicy::none()), &new).await {
        Err(error) if error.is_transient() => {}
        done => return done,
    }
    match made(client, &new).await? {
        Created::Now => Ok(Created::Now),
        // Perhaps only the answer was lost.
        Created::Before => {
            let found = client.read_variable(&new.name).await?;
            let is_ours = found.is_some_and(|found| found.value == new.value && found.tags == new.tags);
            Ok(if is_ours { Created::Now } else { Created::Before })
        }
    }
}

async fn made(client: &Client, new: &VariableCreate) -> Result<Created, Refusal> {
    match client.create_variable(new).await {
        Ok(_) => Ok(Created::Now),
        Err(error) if error.is_conflict() => Ok(Created::Before),
        Err(error) => Err(error),
    }
}

/// Replaces a variable, or creates it. Another program may create or delete it between two requests, but not for ever.
async fn replace(client: &Client, new: NewVariable) -> Result<(), Refusal> {
    let update = VariableUpdate { value: new.value.clone(), tags: new.tags.clone() };
    match client.update_variable(&new.name, &update).await {
        Err(error) if error.is_not_found() => {}
        done => return done,
    }
    let name = new.name.clone();
    match create(client, new).await? {
        Created::Now => Ok(()),
        Created::Before => client.update_variable(&name, &update).await,
    }
}
