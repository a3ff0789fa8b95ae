//! Variables: named JSON values.

use crate::model::{Variable, VariableCreate, VariableUpdate};
use crate::request::{Ignored, Method, Request, segment};

/// Creates a variable. A name that exists already is a conflict (409).
pub fn create(variable: &VariableCreate) -> Request<Variable> {
    Request::new(Method::Post, "/variables/").json(variable)
}

/// Reads a variable by its name.
pub fn read(name: &str) -> Request<Variable> {
    Request::new(Method::Get, format!("/variables/name/{}", segment(name)))
}

/// Changes a variable, found by its name.
pub fn update(name: &str, update: &VariableUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/variables/name/{}", segment(name))).json(update)
}

/// Deletes a variable by its name.
pub fn delete(name: &str) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/variables/name/{}", segment(name)))
}
