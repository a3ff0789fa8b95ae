//! Flow parameters in JSON: reading them, and the schema that describes them. Pure.

mod schema;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::def::{FlowDef, ParamDef};
use crate::error::{Error, ErrorKind};

pub(crate) use schema::{schema, schema_of};

fn refuse(message: String) -> Error {
    Error::new(ErrorKind::Parameters, message)
}

/// Takes the object that parameters must be; nothing at all counts as an empty one.
pub(crate) fn object(parameters: &Value) -> Result<Map<String, Value>, Error> {
    match parameters {
        Value::Object(given) => Ok(given.clone()),
        Value::Null => Ok(Map::new()),
        other => Err(refuse(format!("parameters must be a JSON object, and are `{other}`"))),
    }
}

/// What is wrong with the parameters of one call; all of it is told at once.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Error>);

impl Mistakes {
    /// Takes note of a mistake.
    pub(crate) fn keep<T>(&mut self, read: Result<T, Error>) -> Option<T> {
        read.map_err(|error| self.0.push(error)).ok()
    }

    /// Makes one error of all.
    pub(crate) fn into_error(self) -> Option<Error> {
        let mut mistakes = self.0;
        match mistakes.len() {
            0 => None,
            1 => mistakes.pop(),
            _ => Some(refuse(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
        }
    }
}

/// Refuses parameters that the flow does not have.
pub(crate) fn no_unknown(given: &Map<String, Value>, def: &FlowDef) -> Result<(), Error> {
    let known: Vec<&str> = def.params.iter().map(|param| param.name).collect();
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if known.is_empty() => Err(refuse(format!("unknown parameter `{name}`: the flow has none"))),
        Some(name) => Err(refuse(format!("unknown parameter `{name}`: the flow has {}", known.join(", ")))),
    }
}

/// Reads one parameter; one that is not given takes its default, or is `None` if its type is an `Option`.
pub(crate) fn read<T: DeserializeOwned>(given: &mut Map<String, Value>, param: &ParamDef) -> Result<T, Error> {
    let name = param.name;
    match (given.remove(name), param.default) {
        (Some(value), _) => fit(name, value),
        (None, Some(default)) => fit(name, default()),
        (None, None) => T::deserialize(Value::Null).map_err(|_| refuse(format!("missing parameter `{name}`"))),
    }
}

/// Checks one parameter if it is given.
pub(crate) fn check<T: DeserializeOwned>(given: &Map<String, Value>, param: &ParamDef) -> Result<(), Error> {
    given.get(param.name).map_or(Ok(()), |value| fit::<T>(param.name, value.clone()).map(drop))
}

fn fit<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => name.to_owned(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        refuse(format!("parameter `{path}`: {}", error.inner()))
    })
}
