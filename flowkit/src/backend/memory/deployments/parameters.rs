//! The parameters of a deployment's run. Pure.

use serde_json::{Map, Value};

use crate::deploy::{DeploymentSpec, OwnFlow};
use crate::error::{Error, ErrorKind};

/// Puts what a run is given over what the deployment says, and checks it as the deployment wishes.
pub(super) fn merged(
    spec: &DeploymentSpec,
    flow: OwnFlow,
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    let mut all = spec.parameters.clone();
    all.extend(given);
    if spec.enforce_schema {
        let refused = |error: Error| {
            let why = format!("the parameters do not fit deployment '{}'", spec.full_name());
            Error::new(ErrorKind::Parameters, why).with_source(error)
        };
        (flow.check)(&all, flow.def).map_err(refused)?;
        if let Some(missing) = missing(spec, &all) {
            return Err(refused(Error::new(ErrorKind::Parameters, format!("missing parameter `{missing}`"))));
        }
    }
    Ok(all)
}

/// The first parameter that a run cannot do without and that it is not given.
fn missing<'a>(spec: &'a DeploymentSpec, given: &Map<String, Value>) -> Option<&'a str> {
    let required = spec.schema.get("required").and_then(Value::as_array)?;
    required.iter().filter_map(Value::as_str).find(|name| !given.contains_key(*name))
}
