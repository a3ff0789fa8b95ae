//! The environment of a process that is started for one run.

use flowkit_client::model::JsonObject;
use serde_json::Value;

use super::{failed, persistent};
use crate::backend::server::shared::Shared;
use crate::deploy::{CLAIM, DueRun, Variables};
use crate::error::Error;

/// Gives the variables that the deployment's `job_variables.env` sets, or the run's, which counts more, and the claim that
/// the process is to find at the run.
pub(super) async fn environment(shared: &Shared, run: &DueRun) -> Result<Variables, Error> {
    let client = persistent(shared);
    let both = futures::try_join!(client.read_flow_run(run.id.uuid()), client.read_deployment(run.deployment));
    let (own, deployment) = both.map_err(|error| failed(format!("cannot read flow run {}", run.id), error))?;
    let mut variables = Variables::new();
    for variables_of in [Some(&deployment.job_variables), own.job_variables.as_ref()].into_iter().flatten() {
        merge(&mut variables, variables_of);
    }
    let claim = own.state.and_then(|state| state.state_details.transition_id);
    variables.extend(claim.map(|claim| (CLAIM.to_owned(), Some(claim.to_string()))));
    Ok(variables)
}

/// Takes over what `env` says; null takes a variable away.
fn merge(variables: &mut Variables, job_variables: &JsonObject) {
    let Some(env) = job_variables.get("env").and_then(Value::as_object) else { return };
    for (name, value) in env {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        // A process cannot be given any other.
        let fits =
            !name.is_empty() && !name.contains(['=', '\0']) && !value.as_ref().is_some_and(|it| it.contains('\0'));
        if fits {
            variables.insert(name.clone(), value);
        } else {
            tracing::warn!(target: "flowkit::serve", "The job variables have a variable `{name:?}` that no process can have");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_run_says_counts_more_than_what_the_deployment_says() {
        let mut variables = Variables::new();
        for said in [json!({"env": {"A": "a", "B": 1, "C": "c"}}), json!({"env": {"B": true, "C": null, "=": "no"}})] {
            merge(&mut variables, said.as_object().expect("an object"));
        }
        let found: Vec<(&str, Option<&str>)> =
            variables.iter().map(|(name, it)| (name.as_str(), it.as_deref())).collect();
        assert_eq!(found, [("A", Some("a")), ("B", Some("true")), ("C", None)]);
    }
}
