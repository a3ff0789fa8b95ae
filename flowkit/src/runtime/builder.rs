//! How a runtime is put together. The only place that names concrete backends.

use std::path::Path;
#[cfg(feature = "embedded")]
use std::path::PathBuf;
use std::sync::Arc;

use crate::backend::Backend;
#[cfg(feature = "embedded")]
use crate::backend::embedded::Embedded;
use crate::backend::memory::{Limits, Memory};
use crate::backend::server::{Manners, Server, ServerOptions};
use crate::durability::Durability;
#[cfg(feature = "embedded")]
use crate::duration::IntoDuration;
use crate::engine::context::Ports;
use crate::engine::panic;
use crate::engine::results::ResultPorts;
use crate::engine::results::flights::Flights;
use crate::engine::stop::Stopping;
use crate::engine::stub::Stubs;
use crate::error::Error;
#[cfg(not(feature = "embedded"))]
use crate::error::ErrorKind;
use crate::logging;
use crate::report::Report;
#[cfg(feature = "embedded")]
use crate::retention;
use crate::retention::Retention;
use crate::runtime::Runtime;
use crate::runtime::stores::{self, Location};
use crate::secret::Secret;
use crate::settings::{self, Api, ResultPlace, Settings, Signals};
use crate::store::Stores;

/// Builds a [`Runtime`].
#[derive(Debug)]
#[must_use]
pub struct RuntimeBuilder {
    settings: Result<Settings, Error>,
    limits: Limits,
    results: Option<Location>,
}

impl RuntimeBuilder {
    /// Starts from the settings of this process.
    pub(super) fn new() -> Self {
        Self { settings: Settings::of_process(), limits: Limits::default(), results: None }
    }

    /// Starts from the defaults of all settings.
    pub(super) fn plain() -> Self {
        Self { settings: Ok(Settings::default()), limits: Limits::default(), results: None }
    }

    /// Reports to the server at this URL, such as `http://127.0.0.1:4200/api`, whatever `PREFECT_API_URL` says.
    ///
    /// Credentials come from `PREFECT_API_KEY` and `PREFECT_API_AUTH_STRING`.
    pub fn server(mut self, url: impl Into<String>) -> Self {
        if let Ok(settings) = &mut self.settings {
            let named_by = "`Runtime::builder().server(..)`".to_owned();
            settings.api = Some(Api { url: url.into(), named_by, ..settings.access.clone() });
            settings.database = None;
        }
        self
    }

    /// Sets the folder that keeps what the server could not be told before this process ended, for the next one that
    /// reports to the same server; it is made if there is none. One that cannot be written is an error of
    /// [`build`](Self::build). At most 256 MiB are kept; the oldest goes first. There are no credentials in it, but there
    /// is what log lines, names, parameters of subflows and errors say.
    ///
    /// Default: what the setting `FLOWKIT_SPOOL` says (a folder, or `off`), else `flowkit/spool` in `$XDG_CACHE_HOME` or
    /// `~/.cache`. Without a server nothing is kept, and no folder is made.
    pub fn spool(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        if let Ok(settings) = &mut self.settings {
            let named_by = "the folder of `Runtime::builder().spool(..)`".to_owned();
            settings.spool = settings::chosen_spool(folder.into(), named_by);
        }
        self
    }

    /// Sets how much the server is told of task runs. Default: what the setting `FLOWKIT_REPORT` says (`auto`, `all`,
    /// `final` or `aggregate`), else [`Report::Auto`]. What is kept in memory or in a file has everything.
    pub fn report(mut self, report: Report) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.report = report;
        }
        self
    }

    /// Keeps runs, states and logs in the SQLite file `path`, whatever the environment says; the file is made if there is none.
    ///
    /// One process writes to a file at a time, any number may read it meanwhile: [`build`](Self::build) fails if
    /// another one writes, and names it. Nothing waits for the disk: what happens is written by a thread, in groups,
    /// at most 5 ms later. Runs that a process left under way when it died are
    /// [`Crashed`](crate::StateName::Crashed) after the next start.
    ///
    /// Default: what the setting `FLOWKIT_DB` says, else runs are kept in memory.
    #[cfg(feature = "embedded")]
    pub fn embedded(mut self, path: impl Into<PathBuf>) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.database = Some(path.into());
            settings.api = None;
        }
        self
    }

    /// Sets when what a resumable flow run has done counts as done. Default: what the setting `FLOWKIT_DURABILITY` says
    /// (`commit` or `fast`), else [`Durability::Commit`].
    #[cfg(feature = "embedded")]
    pub fn durability(mut self, durability: Durability) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.durability = durability;
        }
        self
    }

    /// Sets for how long the file keeps what has ended, such as `"30d"`; `0` for ever. Default: what the setting
    /// `FLOWKIT_DB_KEEP` says (a duration, or `unlimited`), else 30 days.
    ///
    /// A flow run goes with everything below it: subflow runs, task runs, states and logs. What has not ended, or can
    /// be resumed, stays. What goes is removed by the thread that writes, some milliseconds at a time.
    ///
    /// A text that is no duration is an error of [`build`](Self::build).
    #[cfg(feature = "embedded")]
    pub fn keep_for(mut self, age: impl IntoDuration) -> Self {
        self.settings = self.settings.and_then(|mut settings| {
            settings.retention.age = retention::age(age.into_duration()?);
            Ok(settings)
        });
        self
    }

    /// Sets how many bytes of the file may be in use before the oldest of what has ended goes; `0` for any number.
    /// Default: what the setting `FLOWKIT_DB_SIZE` says (bytes, `512MiB`, or `unlimited`), else 1 GiB.
    ///
    /// See [`keep_for`](Self::keep_for) for what goes. The file is greater by up to an eighth and 256 KiB of room that is
    /// filled again, for a moment after much was written, and where what has not ended needs more. SQLite's `-wal` file
    /// beside it takes some 16 MiB.
    #[cfg(feature = "embedded")]
    pub fn keep_size(mut self, bytes: u64) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.retention.size = retention::size(bytes);
        }
        self
    }

    /// Sets the key with which the file's [blocks](crate::block) that have secrets are encrypted: 32 bytes in base64.
    /// Default: what the setting `FLOWKIT_BLOCK_KEY` says; without a key, such blocks cannot be saved or loaded.
    ///
    /// Another text is an error of [`build`](Self::build).
    #[cfg(feature = "embedded")]
    pub fn block_key(mut self, key: impl Into<String>) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.block_key = Some(Secret::new(key));
        }
        self
    }

    /// Leaves SIGINT and SIGTERM to the program, as `FLOWKIT_HANDLE_SIGNALS=false` does: for one that shuts down by itself,
    /// such as a web server.
    ///
    /// Default: while a flow run of the runtime is under way, the first signal stops all runs gracefully. Nothing new
    /// starts, code that listens is given its grace (see [`cancelled`](crate::runtime::cancelled)), hooks run, runs end as
    /// Crashed, everything is delivered, and the process dies by the signal. A second signal does not wait for the code.
    /// A signal for which the program has installed a handler before its first flow run is left alone in any case. At a
    /// panic or an early `process::exit`, `on_crashed` hooks are not called.
    pub fn leave_signals_alone(mut self) -> Self {
        if let Ok(settings) = &mut self.settings {
            settings.signals = Signals::LeftAlone;
        }
        self
    }

    /// Sets how many task runs the in-memory history keeps. Default: 200 000.
    pub fn keep_task_runs(mut self, count: usize) -> Self {
        self.limits.task_runs = count;
        self
    }

    /// Sets how many flow runs the in-memory history keeps. Default: 10 000. For each of them four events are kept, but
    /// 1 000 at least and 10 000 at most in all.
    pub fn keep_flow_runs(mut self, count: usize) -> Self {
        self.limits.flow_runs = count;
        self
    }

    /// Sets how many log records the in-memory history keeps. Default: 100 000.
    pub fn keep_logs(mut self, count: usize) -> Self {
        self.limits.logs = count;
        self
    }

    /// Sets where results are stored: a folder, its URL, or that of an object store.
    ///
    /// | location | feature | options, from the environment |
    /// | --- | --- | --- |
    /// | `/srv/results`, `file:///srv/results` | | |
    /// | `s3://bucket/prefix`, and what speaks like S3 | `object-store-aws` | `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`, .. |
    /// | `gs://bucket/prefix` | `object-store-gcp` | `GOOGLE_SERVICE_ACCOUNT`, .. |
    /// | `az://container/prefix`, `abfss://..` | `object-store-azure` | `AZURE_STORAGE_ACCOUNT_NAME`, .. |
    /// | `https://host/prefix` (WebDAV) | `object-store-http` | |
    /// | `memory:///prefix`, gone with the runtime, without a bound: for tests | `object-store` | |
    ///
    /// The options are those of the `object_store` crate (`AmazonS3Builder::from_env` and its kind), which reads no
    /// configuration files of the providers. `s3://` of another endpoint than AWS over plain HTTP takes
    /// `AWS_ALLOW_HTTP=true`. Credentials in the URL are refused: states tell where a result is.
    ///
    /// Locks, for serializable isolation, are objects next to the results that are written under a condition, again and
    /// again; one of a dead process is free after 30 seconds. WebDAV has no such writes, and its locks are an error.
    ///
    /// Default: what the setting `FLOWKIT_RESULT_STORAGE` says (a folder or a URL), else the folder that Prefect's
    /// `PREFECT_RESULTS_LOCAL_STORAGE_PATH` or `PREFECT_LOCAL_STORAGE_PATH` names, else `~/.prefect/storage`; where
    /// there is no home folder, storing a result is an error. Nothing is made and nothing is asked before the first
    /// result is stored. A location that cannot be used is an error of
    /// [`build`](Self::build).
    pub fn result_store(mut self, location: impl AsRef<str>) -> Self {
        self.results = Some(Location::of(location.as_ref(), "`Runtime::builder().result_store(..)`"));
        self
    }

    fn location(&self, settings: &Settings) -> Location {
        let set = || match settings.results.place.clone() {
            Some(ResultPlace::Url(url)) => Location::of(&url, settings::STORAGE),
            Some(ResultPlace::Folder { path, named_by }) => Location::Folder { path, named_by },
            None => Location::Nowhere,
        };
        self.results.clone().unwrap_or_else(set)
    }

    /// Builds a runtime that keeps everything in memory, even if a server is set.
    #[must_use]
    pub fn ephemeral(self) -> Runtime {
        let settings = self.settings.clone().unwrap_or_default();
        let stores = stores::open(&self.location(&settings)).unwrap_or_else(stores::without);
        assemble(&settings, Arc::new(Memory::new(self.limits)), stores, Signals::LeftAlone)
    }

    /// Builds the runtime that the settings ask for.
    ///
    /// # Errors
    /// An error of kind [`Settings`](crate::ErrorKind::Settings) that names the setting that cannot be used.
    pub fn build(self) -> Result<Runtime, Error> {
        let mut settings = self.settings.clone()?;
        let stores = stores::open(&self.location(&settings))?;
        settings.task_defaults.results.durable_cache = settings.api.is_some();
        let backend: Arc<dyn Backend> = match (&settings.api, &settings.database) {
            (Some(api), _) => Arc::new(Server::start(server_options(api, &settings))?),
            (None, Some(path)) => {
                // What is found in the file is told while it is opened.
                logging::install(&settings.logging);
                let key = settings.block_key.as_ref();
                embedded(path, self.limits, settings.durability, settings.retention, key)?
            }
            (None, None) => Arc::new(Memory::new(self.limits)),
        };
        Ok(assemble(&settings, backend, stores, settings.signals))
    }
}

#[cfg(feature = "embedded")]
fn embedded(
    path: &Path,
    limits: Limits,
    durability: Durability,
    keep: Retention,
    key: Option<&Secret>,
) -> Result<Arc<dyn Backend>, Error> {
    let opened = Embedded::open(path, limits, durability, keep)?;
    Ok(Arc::new(opened.sealed_with(key.map(|key| key.expose().as_str()))?))
}

#[cfg(not(feature = "embedded"))]
fn embedded(
    path: &Path,
    _: Limits,
    _: Durability,
    _: Retention,
    _: Option<&Secret>,
) -> Result<Arc<dyn Backend>, Error> {
    let why = format!(
        "the setting {} is `{}`, but this program was built without flowkit's feature `embedded`, which it needs",
        settings::DATABASE,
        path.display()
    );
    Err(Error::new(ErrorKind::Settings, why))
}

fn server_options(api: &Api, settings: &Settings) -> ServerOptions {
    ServerOptions {
        url: api.url.clone(),
        named_by: api.named_by.clone(),
        manners: Manners {
            cloud_url: api.client.cloud_url.clone(),
            timeout: api.client.timeout,
            csrf: api.client.csrf,
            check_version: api.client.check_version,
            headers: api.client.headers.clone(),
        },
        ui_url: api.ui_url.clone(),
        key: api.key.clone(),
        auth_string: api.auth_string.clone(),
        insecure: api.insecure,
        cert_file: api.cert_file.clone(),
        heartbeat: settings.heartbeat.0,
        logs_to_api: settings.logging.to_api,
        poll: settings.poll.0,
        patience: settings.flush_patience.0,
        assigned: settings.assigned,
        spool: settings.spool.clone(),
        report: settings.report,
    }
}

fn assemble(settings: &Settings, backend: Arc<dyn Backend>, stores: Stores, signals: Signals) -> Runtime {
    let stopping = Stopping::new(settings.cancel_grace.0);
    let stopping = if signals == Signals::Handled { stopping.handling_signals() } else { stopping };
    logging::install(&settings.logging);
    panic::remember_places();
    let ports = Ports {
        backend,
        task_defaults: settings.task_defaults.clone(),
        flow_defaults: settings.flow_defaults.clone(),
        log_prints: settings.logging.log_prints,
        stubs: Stubs::default(),
        stopping,
        results: ResultPorts { stores, flights: Flights::default() },
    };
    Runtime { ports: Arc::new(ports) }
}
