//! What can be said of serving, written once for one deployment and for several.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Where the runs of a served deployment take place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Isolation {
    /// Each in a process of its own: this program is started again for one run. What stands in `main` before the
    /// serving is done there too. A run that kills its process leaves the others alone. It takes a Prefect server, to which
    /// that process reports.
    Process,
    /// In this process, beside each other. They start within microseconds, and share its fate.
    InProcess,
}

/// What the program says of its endpoint.
#[cfg(feature = "endpoint")]
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointOptions {
    pub(crate) address: Option<String>,
    pub(crate) token: Option<crate::secret::Secret>,
}

/// How deployments are served; what is `None` is left to the settings.
#[derive(Clone, Debug)]
pub(crate) struct ServeOptions {
    pub(crate) limit: Option<usize>,
    pub(crate) poll: Option<Duration>,
    pub(crate) webserver: Option<bool>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) pause_on_shutdown: bool,
    #[cfg(feature = "endpoint")]
    pub(crate) endpoint: EndpointOptions,
    pub(crate) refused: Option<Error>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            limit: None,
            poll: None,
            webserver: None,
            isolation: None,
            pause_on_shutdown: true,
            #[cfg(feature = "endpoint")]
            endpoint: EndpointOptions::default(),
            refused: None,
        }
    }
}

impl ServeOptions {
    /// Decides where runs take place; `local` says that no other process can report to the place that keeps them.
    pub(crate) fn isolation(&self, local: bool) -> Result<Isolation, Error> {
        match (self.isolation, local) {
            (Some(Isolation::Process), true) => {
                let why = "runs cannot be done in processes of their own without a Prefect server, to which these report: \
                           set PREFECT_API_URL, or leave `.isolation(Isolation::Process)` out";
                Err(Error::new(ErrorKind::Settings, why))
            }
            (Some(isolation), _) => Ok(isolation),
            (None, true) => Ok(Isolation::InProcess),
            (None, false) => Ok(Isolation::Process),
        }
    }
}

/// Writes the option methods of a builder, a struct with `options`.
macro_rules! serve_options {
    ($call:ident) => {
        impl $call {
            /// Sets how many runs there may be at the same time in this process and those that it starts. Runs beyond that
            /// wait. Default: `PREFECT_RUNNER_PROCESS_LIMIT`, else 5.
            pub fn limit(mut self, runs: usize) -> Self {
                if runs == 0 {
                    let why = "`.limit(0)`: a limit of no runs at the same time would start none; it must be 1 or more";
                    let kind = $crate::error::ErrorKind::Definition;
                    self.options.refused.get_or_insert($crate::error::Error::new(kind, why));
                }
                self.options.limit = Some(runs);
                self
            }

            /// Sets how often the server is asked for runs that are due, give or take 30 %: `"5s"`, a `Duration`, or seconds.
            /// Default: `PREFECT_RUNNER_POLL_FREQUENCY`, else 10 s. Without a server nothing is asked: what is due is known.
            pub fn poll_interval(mut self, interval: impl $crate::duration::IntoDuration) -> Self {
                match interval.into_duration() {
                    Ok(interval) => self.options.poll = Some(interval),
                    Err(error) => drop(self.options.refused.get_or_insert(error)),
                }
                self
            }

            /// Sets whether the schedules are paused when serving ends. Default: they are.
            pub fn pause_on_shutdown(mut self, pause: bool) -> Self {
                self.options.pause_on_shutdown = pause;
                self
            }

            /// Sets whether `GET /health` is answered, at `PREFECT_RUNNER_SERVER_HOST` (default: `localhost`) and
            /// `PREFECT_RUNNER_SERVER_PORT` (default: 8080): 200 while the server is asked for runs in time, else 503.
            /// Default: `PREFECT_RUNNER_SERVER_ENABLE`, else it is not.
            pub fn webserver(mut self, on: bool) -> Self {
                self.options.webserver = Some(on);
                self
            }

            /// Sets where runs take place. Default: each in a process of its own with a Prefect server, in this one without.
            pub fn isolation(mut self, isolation: $crate::serve::Isolation) -> Self {
                self.options.isolation = Some(isolation);
                self
            }

            /// Opens an HTTP endpoint at this address, such as `127.0.0.1:4200`, over which others start, list, watch and
            /// cancel runs of this program while there is no Prefect server. It speaks the part of Prefect's API that takes:
            /// [`run_deployment`](crate::run_deployment), Python's, and the `prefect` command (`deployment run`, `flow-run
            /// ls`, `cancel`, `logs` ..) work with `PREFECT_API_URL=http://127.0.0.1:4200/api`. Port 0 is any that is free; the
            /// log tells which. Default: the setting `FLOWKIT_ENDPOINT`, else there is none.
            ///
            /// Without a [token](Self::endpoint_token) it answers to this machine only, and an address that others can
            /// reach is an error. What is said is not encrypted: towards other machines, put a proxy with TLS before it.
            /// With a Prefect server (`PREFECT_API_URL`) it is an error too: that is the one to be asked.
            #[cfg(feature = "endpoint")]
            pub fn endpoint(mut self, address: impl Into<String>) -> Self {
                self.options.endpoint.address = Some(address.into());
                self
            }

            /// Sets the token that those who ask at the [endpoint](Self::endpoint) have to show, as `PREFECT_API_KEY` or,
            /// `user:password`, as `PREFECT_API_AUTH_STRING`. Default: the setting `FLOWKIT_ENDPOINT_TOKEN`, else Prefect's
            /// `PREFECT_SERVER_API_AUTH_STRING`, else there is none.
            #[cfg(feature = "endpoint")]
            pub fn endpoint_token(mut self, token: impl Into<String>) -> Self {
                self.options.endpoint.token = Some($crate::secret::Secret::new(token));
                self
            }
        }
    };
}

pub(crate) use serve_options;
