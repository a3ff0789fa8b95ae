//! Deployments of flows: what they are made of, and registering them (Prefect's `to_deployment`, `serve`, `deploy`).

mod call;
mod draft;
mod options;
mod version;

pub use call::DeploymentCall;
pub(crate) use draft::{Check, Draft};
pub(crate) use options::deployment_options;
pub(crate) use version::complete;

use crate::backend::Backend;
use crate::deploy::Deploy;
use crate::error::{Error, ErrorKind};

/// Lends the place that keeps deployments; without a server there is none.
pub(crate) fn place(backend: &dyn Backend) -> Result<&dyn Deploy, Error> {
    backend.deploy().ok_or_else(|| {
        let why = "deployments need a Prefect server: set PREFECT_API_URL, such as to http://127.0.0.1:4200/api";
        Error::new(ErrorKind::Settings, why)
    })
}
