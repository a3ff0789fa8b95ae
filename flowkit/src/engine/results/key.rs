//! The key under which the result of a call is stored.

use crate::cache::{CachePolicy, file_name};
use crate::canonical::Canonical;
use crate::def::TaskDef;
use crate::engine::body::Body;
use crate::engine::fingerprint::{Unfit, of_arguments};
use crate::engine::panic;
use crate::error::{Error, ErrorKind};
use crate::result_options::KeyBy;
use crate::run::TaskRun;

/// Changes whenever a key is made in another way, so that old records are not taken for new ones.
const FORMAT: &str = "flowkit cache key 1";

/// Makes the key; `None` if the author's function wants no caching for this call.
pub(crate) fn key_of<T>(by: &KeyBy, run: &TaskRun, body: &dyn Body<T>) -> Result<Option<String>, Error> {
    match by {
        KeyBy::Given(key) => given(run.def, key).map(Some),
        KeyBy::Policy(policy) if policy.has_function() => by_function(run.def, body),
        KeyBy::Policy(policy) => by_policy(*policy, run, body).map(Some),
    }
}

fn given(def: &TaskDef, key: &str) -> Result<String, Error> {
    if key.trim().is_empty() {
        let why = format!("the cache key of task `{}` is empty: it takes any text, or no caching", def.name);
        return Err(Error::new(ErrorKind::Definition, why));
    }
    Ok(file_name(key))
}

fn by_function<T>(def: &TaskDef, body: &dyn Body<T>) -> Result<Option<String>, Error> {
    match panic::contain(|| body.cache_key()) {
        Ok(Some(Some(key))) => given(def, &key).map(Some),
        Ok(Some(None)) => Ok(None),
        Ok(None) => {
            let why = format!("task `{}` has no function for its cache key: `cache_key = ..` sets it", def.name);
            Err(Error::new(ErrorKind::Definition, why))
        }
        Err(panicked) => {
            let why = format!("the function for the cache key of task `{}` {panicked}", def.name);
            Err(Error::new(ErrorKind::Results, why))
        }
    }
}

fn by_policy<T>(policy: CachePolicy, run: &TaskRun, body: &dyn Body<T>) -> Result<String, Error> {
    let def = run.def;
    if let Some(unknown) = policy.left_out().iter().find(|name| !def.params.contains(name)) {
        let known = if def.params.is_empty() { "none".to_owned() } else { def.params.join(", ") };
        let why = format!("the cache policy of task `{}` leaves out `{unknown}`; its arguments: {known}", def.name);
        return Err(Error::new(ErrorKind::Definition, why));
    }
    let mut key = Canonical::default();
    for word in [FORMAT, def.name, def.module, std::any::type_name::<T>()] {
        key.word(word);
    }
    if policy.has_inputs() {
        let in_use = |name: &str| !policy.left_out().contains(&name);
        let inputs = of_arguments(body, def.params, in_use).map_err(|(name, why)| unfit(def, name, why))?;
        key.word("inputs");
        key.word(&inputs.to_string());
    }
    if policy.has_source() {
        key.word("source");
        key.word(def.key);
    }
    if policy.has_run_id() {
        key.word("run");
        key.word(&run.flow_run.as_ref().map_or_else(|| run.id.to_string(), |flow_run| flow_run.id.to_string()));
    }
    if let (true, Some(flow_run)) = (policy.has_flow_parameters(), &run.flow_run) {
        key.word("parameters");
        let failed = |why| Error::new(ErrorKind::Results, format!("the parameters of the flow run have no key: {why}"));
        key.write(&flow_run.parameters).map_err(failed)?;
    }
    Ok(key.finish().to_string())
}

fn unfit(def: &TaskDef, argument: &str, why: Unfit) -> Error {
    let task = def.name;
    match why {
        Unfit::Type => {
            let why = format!(
                "task `{task}` cannot be cached by its inputs: argument `{argument}` is not Serialize; leave it out of the policy, or derive it"
            );
            Error::new(ErrorKind::Definition, why)
        }
        Unfit::Value(why) => {
            let why = format!("argument `{argument}` of task `{task}` cannot be part of the cache key: {why}");
            Error::new(ErrorKind::Results, why)
        }
    }
}
