//! Settings: what they are, where they come from, and what a program has.
//!
//! They are Prefect's, and are found where Prefect finds them. What comes first counts:
//!
//! 1. code, such as [`Runtime::builder`](crate::Runtime::builder)
//! 2. the environment: `PREFECT_API_URL`
//! 3. the file `.env` in the working directory, with the same names
//! 4. the file `prefect.toml` there: `url` in the table `[api]`
//! 5. the file `pyproject.toml` there: `url` in the table `[tool.prefect.api]`
//! 6. the active profile in `profiles.toml`: `PREFECT_API_URL` in the table `[profiles.<name>]`. `PREFECT_PROFILE` names it, else
//!    the key `active` in the file. The file is what `PREFECT_PROFILES_PATH` says, else it is in `PREFECT_HOME`, else in
//!    `~/.prefect`.
//! 7. the default
//!
//! Settings that Prefect has not are called `FLOWKIT_*`, and are in the table `[flowkit]` in TOML: `db = "runs.db"`. Names
//! in the environment and in `.env` may be in lower case. A value that is empty counts as one: the default holds, whatever
//! a place farther away says. Two settings that exclude each other, `PREFECT_API_URL` and `FLOWKIT_DB`, are an error in one
//! place; of different places the nearer one counts.
//!
//! Files are read once, and only if they exist. One that cannot be read, and a value that cannot be used, is one error, of
//! kind [`Settings`](crate::ErrorKind::Settings), that names the file and the line. Unlike with Prefect, which goes on with
//! its defaults, this is so for a profile that does not exist and for a `profiles.toml` that is not TOML.
//!
//! With `PREFECT_TEST_MODE` set, no profile is read. [`Runtime::ephemeral`](crate::Runtime::ephemeral) and
//! `#[flowkit::test]` read no settings at all.

mod client;
mod document;
mod dotenv;
mod endpoint;
mod files;
mod known;
#[cfg(test)]
mod order;
mod origin;
mod profiles;
mod read;
mod results;
mod show;
mod sources;
mod spool;

use std::cmp::Ordering;
use std::path::PathBuf;
use std::time::Duration;

use crate::durability::Durability;
use crate::error::{Error, ErrorKind};
use crate::event::Level;
use crate::id::FlowRunId;
use crate::options::Defaults;
use crate::report::Report;
use crate::retention::Retention;
use crate::secret::Secret;
use crate::spool_place::SpoolPlace;
pub(crate) use client::ClientSettings;
pub(crate) use endpoint::{ADDRESS as ENDPOINT, EndpointPlace};
pub use origin::Origin;
use read::Source;
pub(crate) use results::{ResultPlace, Results, STORAGE};
pub use show::{Setting, Shown, show};
use sources::Sources;
pub(crate) use spool::chosen as chosen_spool;

/// Names the setting that says which file keeps the runs.
pub(crate) const DATABASE: &str = "FLOWKIT_DB";

/// All settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The server; `None` means that runs are kept in this process.
    pub(crate) api: Option<Api>,
    /// Credentials for a server that the program itself names.
    pub(crate) access: Api,
    pub(crate) logging: Logging,
    pub(crate) task_defaults: Defaults,
    pub(crate) flow_defaults: Defaults,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) flush_patience: FlushPatience,
    pub(crate) cancel_grace: CancelGrace,
    pub(crate) poll: Poll,
    pub(crate) signals: Signals,
    pub(crate) results: Results,
    /// The file that runs are kept in, if they are.
    pub(crate) database: Option<PathBuf>,
    /// Whether this process was started for one flow run.
    pub(crate) assigned: bool,
    pub(crate) durability: Durability,
    pub(crate) retention: Retention,
    /// Where it is kept what a server cannot be told.
    pub(crate) spool: SpoolPlace,
    /// What blocks with secrets are encrypted with in a file.
    pub(crate) block_key: Option<Secret>,
    /// How much a server is told of task runs.
    pub(crate) report: Report,
}

/// How a server is reached.
#[derive(Clone, Default)]
pub(crate) struct Api {
    pub(crate) url: String,
    pub(crate) ui_url: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) auth_string: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) cert_file: Option<String>,
    /// What names the URL.
    pub(crate) named_by: String,
    pub(crate) client: ClientSettings,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What becomes of log lines.
#[derive(Clone, Debug)]
pub(crate) struct Logging {
    pub(crate) level: Level,
    /// `None` means colours on a terminal only.
    pub(crate) colors: Option<bool>,
    pub(crate) to_api: bool,
    pub(crate) log_prints: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: Level::Info, colors: None, to_api: true, log_prints: false }
    }
}

/// How often a running flow run says that it is alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat(pub(crate) Duration);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Duration::from_secs(180))
    }
}

/// How long delivery at exit may stand still before the process ends without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushPatience(pub(crate) Duration);

impl FlushPatience {
    /// That of a process that somebody has started for one flow run: nobody waits for it at a terminal, and a run whose
    /// end is not told would look as if it went on.
    const ASSIGNED: Self = Self(Duration::from_secs(600));
}

impl Default for FlushPatience {
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

/// How long code that listens may take to end by itself once it is told to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CancelGrace(pub(crate) Duration);

impl Default for CancelGrace {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

/// Reads which flow run a worker has started this process for.
pub(crate) fn assigned_flow_run() -> Result<Option<FlowRunId>, Error> {
    assigned(&Source(&*Sources::of_process()?))
}

fn assigned(source: &Source<'_>) -> Result<Option<FlowRunId>, Error> {
    source.id("PREFECT__FLOW_RUN_ID").map(|id| id.map(Into::into))
}

/// The claim with which a runner has started this process for a run.
pub(crate) fn assigned_claim() -> Result<Option<uuid::Uuid>, Error> {
    Source(&*Sources::of_process()?).id(crate::deploy::CLAIM)
}

/// What becomes of SIGINT and SIGTERM while flow runs are under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Signals {
    /// The runs are stopped and reported, and then the process ends.
    #[default]
    Handled,
    /// Whatever the program does with them.
    LeftAlone,
}

/// How often the server is asked what others have done to the runs of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll(pub(crate) Duration);

impl Default for Poll {
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

/// How deployments are served.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    /// How often it is asked for runs that are due.
    pub(crate) poll: Duration,
    /// How many runs there may be at the same time.
    pub(crate) limit: usize,
    pub(crate) webserver: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// After how many polls that have not happened the runner counts as dead.
    pub(crate) missed_polls: u32,
    /// How long runs may take to end after the first signal to stop.
    pub(crate) grace: Duration,
    pub(crate) endpoint: EndpointPlace,
}

impl Serving {
    /// Reads them where they are.
    pub(crate) fn of_process() -> Result<Self, Error> {
        Self::read(&*Sources::of_process()?)
    }

    fn read(sources: &Sources) -> Result<Self, Error> {
        let source = Source(sources);
        Ok(Self {
            poll: source.seconds("PREFECT_RUNNER_POLL_FREQUENCY")?.unwrap_or(Duration::from_secs(10)),
            limit: source.at_least_one("PREFECT_RUNNER_PROCESS_LIMIT")?.unwrap_or(5),
            webserver: source.flag("PREFECT_RUNNER_SERVER_ENABLE")?.unwrap_or(false),
            host: source.text("PREFECT_RUNNER_SERVER_HOST").unwrap_or_else(|| "localhost".to_owned()),
            port: source.port("PREFECT_RUNNER_SERVER_PORT")?.unwrap_or(8080),
            missed_polls: source.count("PREFECT_RUNNER_SERVER_MISSED_POLLS_TOLERANCE")?.unwrap_or(2),
            grace: source.seconds("FLOWKIT_SHUTDOWN_GRACE")?.unwrap_or(Duration::from_secs(30)),
            endpoint: EndpointPlace::read(&source)?,
        })
    }
}

impl Settings {
    /// Reads them where they are.
    pub(crate) fn of_process() -> Result<Self, Error> {
        Self::read(&*Sources::of_process()?)
    }

    fn read(sources: &Sources) -> Result<Self, Error> {
        let source = Source(sources);
        let default = Self::default();
        let assigned = assigned(&source)?.is_some();
        let url = source.text("PREFECT_API_URL");
        let access = Api {
            url: String::new(),
            ui_url: source.text("PREFECT_UI_URL"),
            key: source.text("PREFECT_API_KEY"),
            auth_string: source.text("PREFECT_API_AUTH_STRING"),
            cert_file: source.text("PREFECT_API_SSL_CERT_FILE"),
            insecure: source.flag("PREFECT_API_TLS_INSECURE_SKIP_VERIFY")?.unwrap_or(false),
            named_by: format!("the setting {}", source.named("PREFECT_API_URL")),
            client: ClientSettings::read(&source)?,
        };
        let verbose =
            source.flag("PREFECT_DEBUG_MODE")? == Some(true) || source.flag("PREFECT_TESTING_TEST_MODE")? == Some(true);
        let level = source.level("PREFECT_LOGGING_LEVEL")?.unwrap_or(default.logging.level);
        let logging = Logging {
            level: if verbose { Level::Debug } else { level },
            colors: source.flag("PREFECT_LOGGING_COLORS")?,
            to_api: source.flag("PREFECT_LOGGING_TO_API_ENABLED")?.unwrap_or(default.logging.to_api),
            log_prints: source.flag("PREFECT_LOGGING_LOG_PRINTS")?.unwrap_or(default.logging.log_prints),
        };
        let results = Results::read(&source)?;
        let database = source.text(DATABASE).map(PathBuf::from);
        let (url, database) = one_place(&source, url, database)?;
        let defaults = |defaults: Defaults| Defaults { results: results.defaults, ..defaults };
        let task_defaults =
            source.retries("PREFECT_TASKS_DEFAULT_RETRIES", "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS")?;
        let flow_defaults =
            source.retries("PREFECT_FLOWS_DEFAULT_RETRIES", "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS")?;
        Ok(Self {
            api: url.map(|url| Api { url, ..access.clone() }),
            access,
            logging,
            task_defaults: defaults(task_defaults),
            flow_defaults: defaults(flow_defaults),
            heartbeat: source.heartbeat("PREFECT_FLOWS_HEARTBEAT_FREQUENCY")?.map_or(default.heartbeat, Heartbeat),
            flush_patience: source
                .seconds("FLOWKIT_FLUSH_TIMEOUT")?
                .map_or(if assigned { FlushPatience::ASSIGNED } else { default.flush_patience }, FlushPatience),
            poll: source.poll("PREFECT_RUNNER_POLL_FREQUENCY")?.map_or(default.poll, Poll),
            signals: match source.flag("FLOWKIT_HANDLE_SIGNALS")? {
                Some(false) => Signals::LeftAlone,
                Some(true) | None => Signals::Handled,
            },
            cancel_grace: source.seconds("FLOWKIT_CANCEL_GRACE")?.map_or(default.cancel_grace, CancelGrace),
            results,
            database,
            assigned,
            durability: source.durability("FLOWKIT_DURABILITY")?.unwrap_or_default(),
            retention: source.retention("FLOWKIT_DB_KEEP", "FLOWKIT_DB_SIZE")?,
            spool: spool::place(&source),
            block_key: source.text("FLOWKIT_BLOCK_KEY").map(Secret::new),
            report: source.report("FLOWKIT_REPORT")?.unwrap_or_default(),
        })
    }
}

/// Runs are at a server or in a file: what is said nearer counts.
fn one_place(
    source: &Source<'_>,
    url: Option<String>,
    database: Option<PathBuf>,
) -> Result<(Option<String>, Option<PathBuf>), Error> {
    let (Some(server), Some(file)) = (&url, &database) else { return Ok((url, database)) };
    match source.origin(DATABASE).rank().cmp(&source.origin("PREFECT_API_URL").rank()) {
        Ordering::Less => Ok((None, database)),
        Ordering::Greater => Ok((url, None)),
        Ordering::Equal => {
            let why = format!(
                "the settings {} (`{}`) and {} (`{server}`) name two places for the same runs: unset one",
                source.named(DATABASE),
                file.display(),
                source.named("PREFECT_API_URL")
            );
            Err(Error::new(ErrorKind::Settings, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(&Sources::of(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_means_no_server_and_info() {
        let settings = read(&[("PREFECT_API_URL", "")]).expect("valid");
        assert!(settings.api.is_none());
        assert_eq!(settings.logging.level, Level::Info);
        assert_eq!(settings.task_defaults.retries, 0);
    }

    #[test]
    fn values_are_read() {
        let settings = read(&[
            ("PREFECT_API_URL", "http://127.0.0.1:4200/api"),
            ("PREFECT_LOGGING_LEVEL", "warning"),
            ("PREFECT_TASKS_DEFAULT_RETRIES", "3"),
            ("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "[1, 2.5]"),
            ("PREFECT_LOGGING_COLORS", "false"),
        ])
        .expect("valid");
        assert_eq!(settings.api.map(|api| api.url).as_deref(), Some("http://127.0.0.1:4200/api"));
        assert_eq!(settings.logging.level, Level::Warning);
        assert_eq!(settings.logging.colors, Some(false));
        assert_eq!(settings.task_defaults.retries, 3);
        assert_eq!(settings.task_defaults.retry_delay.before(2), Duration::from_millis(2500));
    }

    #[test]
    fn a_file_keeps_30_days_and_1_gib_unless_something_else_is_said() {
        let keep = |pairs: &[(&str, &str)]| read(pairs).expect("valid").retention;
        assert_eq!(keep(&[]), Retention { age: Some(Duration::from_secs(2_592_000)), size: Some(1_073_741_824) });
        let said = keep(&[("FLOWKIT_DB_KEEP", "12h"), ("FLOWKIT_DB_SIZE", "64 MiB")]);
        assert_eq!(said, Retention { age: Some(Duration::from_secs(43_200)), size: Some(67_108_864) });
        let off = keep(&[("FLOWKIT_DB_KEEP", "unlimited"), ("FLOWKIT_DB_SIZE", "0")]);
        assert_eq!(off, Retention { age: None, size: None });
    }

    #[test]
    fn a_bad_value_names_the_variable_and_what_is_accepted() {
        for (name, value, accepted) in [
            ("PREFECT_LOGGING_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"),
            ("PREFECT_LOGGING_COLORS", "maybe", "true or false"),
            ("PREFECT_TASKS_DEFAULT_RETRIES", "-1", "a whole number"),
            ("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "5", "30 or more"),
            ("FLOWKIT_DB_KEEP", "a while", "a duration such as 30d"),
            ("FLOWKIT_DB_SIZE", "1 elephant", "a number of bytes, or with a unit"),
            ("FLOWKIT_REPORT", "some", "auto, all, final or aggregate"),
        ] {
            let error = read(&[(name, value)]).expect_err(name);
            assert!(error.contains(name) && error.contains(value) && error.contains(accepted), "{error}");
        }
    }

    #[test]
    fn the_flow_run_that_a_worker_assigns_is_an_id() {
        let id = "01a1fbc6-ad2e-7226-906b-efc2b01dc581";
        let read = |value: &str| assigned(&Source(&Sources::of(&[("PREFECT__FLOW_RUN_ID", value)])));
        assert_eq!(read("").ok(), Some(None));
        assert_eq!(read(id).ok().flatten().map(|run| run.to_string()).as_deref(), Some(id));
        let error = read("first").expect_err("it is no id").to_string();
        assert!(error.contains("PREFECT__FLOW_RUN_ID is `first`") && error.contains("a UUID"), "{error}");
    }
}
