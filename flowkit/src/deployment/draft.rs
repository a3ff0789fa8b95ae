//! A deployment as the author describes it, with the first mistake in the description.

use serde_json::{Map, Value};

use crate::clock;
use crate::def::FlowDef;
use crate::deploy::{Concurrency, DeploymentSpec, OwnFlow, ScheduleSpec, VersionInfo};
use crate::error::{Error, ErrorKind};
use crate::parameters;
use crate::schedule::Schedule;
use crate::trigger::DeploymentTrigger;

/// Checks parameters against the types of a flow; the flow's others need not be given.
pub(crate) type Check = fn(&Map<String, Value>, &FlowDef) -> Result<(), Error>;

/// What a deployment's builder has gathered.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    spec: DeploymentSpec,
    def: Option<&'static FlowDef>,
    check: Check,
    refused: Option<Error>,
}

impl Draft {
    /// Starts from a flow, or from why there is none.
    pub(crate) fn new(def: Result<&'static FlowDef, Error>, check: Check, name: String) -> Self {
        let refused = def.as_ref().err().cloned();
        let def = def.ok();
        let schema = def.map(parameters::schema).unwrap_or_default();
        let version = def.map_or("", |def| def.version).to_owned();
        let description = def.map(|def| def.description.to_owned()).filter(|text| !text.is_empty());
        let spec = DeploymentSpec {
            flow: def.map_or("", |def| def.name),
            own: def.map(|def| OwnFlow { def, check }),
            name,
            description,
            version: VersionInfo { kind: "prefect:simple", version, more: Map::new() },
            tags: Vec::new(),
            parameters: Map::new(),
            schema: schema.as_object().cloned().unwrap_or_default(),
            enforce_schema: true,
            schedules: Vec::new(),
            paused: false,
            triggers: Vec::new(),
            concurrency: None,
            job_variables: Map::new(),
            work_pool: None,
            work_queue: None,
            entrypoint: format!("{}:{}", program(), def.map_or("", function)),
        };
        let mut draft = Self { spec, def, check, refused };
        draft.check_name();
        draft
    }

    fn check_name(&mut self) {
        let name = &self.spec.name;
        if name.trim().is_empty() || name.contains(['/', '%', '&', '>', '<']) || name.contains(char::is_control) {
            let name = name.escape_debug();
            let why = format!(
                "`{name}` cannot be the name of a deployment: it is blank, or has a control character or one of / % & > <"
            );
            self.refuse(Error::new(ErrorKind::Definition, why));
        }
    }

    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut DeploymentSpec)) {
        edit(&mut self.spec);
    }

    pub(crate) fn refuse(&mut self, error: Error) {
        let place = format!("deployment '{}'", self.spec.full_name());
        let error = Error::new(error.kind(), format!("{place}: {error}"));
        self.refused.get_or_insert(error);
    }

    /// Adds parameters, checked against the flow's types.
    pub(crate) fn parameters(&mut self, given: Map<String, Value>) {
        self.fit(&given);
        self.spec.parameters.extend(given);
    }

    fn fit(&mut self, given: &Map<String, Value>) {
        if let Some(Err(error)) = self.def.map(|def| (self.check)(given, def)) {
            self.refuse(error);
        }
    }

    /// Adds a schedule, with its parameters checked.
    pub(crate) fn schedule(&mut self, schedule: &Schedule) {
        self.fit(schedule.parameters());
        let now = clock::now();
        match schedule.to_json(now) {
            Ok(json) => self.spec.schedules.push(ScheduleSpec::new(schedule, json, now)),
            Err(error) => self.refuse(error),
        }
        let slugs: Vec<&str> = self.spec.schedules.iter().filter_map(|schedule| schedule.slug.as_deref()).collect();
        if let Some(slug) = slugs.last().filter(|slug| slugs[..slugs.len() - 1].contains(slug)) {
            let why = format!("two schedules have the slug `{slug}`");
            self.refuse(Error::new(ErrorKind::Definition, why));
        }
    }

    /// Adds a trigger. Its parameters may be templates, so only their names are checked.
    pub(crate) fn trigger(&mut self, mut trigger: DeploymentTrigger) {
        let unknown = trigger.parameters.as_ref().zip(self.def).map(|(given, def)| parameters::no_unknown(given, def));
        if let Some(Err(error)) = unknown {
            self.refuse(error);
        }
        match trigger.trigger.checked() {
            Ok(checked) => {
                trigger.trigger = checked;
                self.spec.triggers.push(trigger);
            }
            Err(error) => self.refuse(error),
        }
    }

    pub(crate) fn version(&mut self, version: String) {
        self.spec.version.version = version;
    }

    /// The concurrency limit that the options refine.
    pub(crate) fn concurrency(&mut self) -> &mut Concurrency {
        self.spec.concurrency.get_or_insert(Concurrency { limit: 0, collision: None, grace: None })
    }

    /// Ends the description: the first mistake in it, or all that is to be registered.
    pub(crate) fn finish(mut self) -> Result<DeploymentSpec, Error> {
        if self.spec.concurrency.as_ref().is_some_and(|concurrency| concurrency.limit == 0) {
            let why = "a concurrency limit must be 1 or more; `.concurrency_limit(n)` sets it";
            self.refuse(Error::new(ErrorKind::Definition, why));
        }
        if self.spec.work_queue.is_some() && self.spec.work_pool.is_none() {
            let why = "a work queue belongs to a work pool; `.work_pool(name)` sets that";
            self.refuse(Error::new(ErrorKind::Definition, why));
        }
        let lacking = self.spec.schedules.iter().find_map(|schedule| lacking(&self.spec, schedule));
        if let Some(error) = lacking {
            self.refuse(error);
        }
        match self.refused {
            Some(refused) => Err(refused),
            None => Ok(self.spec),
        }
    }
}

/// Tells of parameters that neither a schedule, nor its deployment, nor the flow itself has a value for: each of its runs
/// would fail. Runs that somebody asks for can bring theirs.
fn lacking(spec: &DeploymentSpec, schedule: &ScheduleSpec) -> Option<Error> {
    let given = |name: &str| spec.parameters.contains_key(name) || schedule.parameters.contains_key(name);
    let required = spec.schema.get("required").and_then(Value::as_array).filter(|_| schedule.active)?;
    let lacking: Vec<String> =
        required.iter().filter_map(Value::as_str).filter(|name| !given(name)).map(|name| format!("`{name}`")).collect();
    (!lacking.is_empty()).then(|| {
        let why = format!(
            "a schedule would start runs without {}, and the flow has no default: give it with `.parameter(..)` to the \
             deployment or to the schedule",
            lacking.join(", ")
        );
        Error::new(ErrorKind::Parameters, why)
    })
}

/// The name of this program's file.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of a flow's function.
fn function(def: &'static FlowDef) -> &'static str {
    def.key.rsplit_once('-').map_or(def.key, |(name, _)| name)
}
