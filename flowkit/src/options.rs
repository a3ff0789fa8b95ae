//! How a run is to be run, and whose word counts.
//!
//! The call beats a reusable value, which beats the definition, which beats the settings, which beat the
//! default. [`Effective::resolve`] is that rule.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{CacheIsolation, CachePolicy};
use crate::codec::ResultCodec;
use crate::error::Error;
use crate::result_options::{self, ResultDefaults, ResultOptions, ResultOverrides, ResultPlan};
use crate::retry_delay::{Delays, RetryDelay};
use crate::run::{Adopted, OfMap};

/// Tells of a body's error whether there is any use in trying again.
pub type RetryIf = fn(&(dyn StdError + 'static)) -> bool;

/// Options of a task or a flow that can be kept in a constant and given to any call with `.with(..)`.
///
/// ```
/// use std::time::Duration;
/// use flowkit::Options;
///
/// const PATIENT: Options = Options::new().retries(5).timeout(Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Options {
    pub(crate) retries: Option<u32>,
    pub(crate) retry_delay: Option<RetryDelay>,
    pub(crate) retry_jitter_factor: Option<f64>,
    pub(crate) retry_if: Option<RetryIf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) run_name: Option<&'static str>,
    pub(crate) tags: &'static [&'static str],
    pub(crate) log_prints: Option<bool>,
    pub(crate) results: Option<ResultOptions>,
    pub(crate) resumable: bool,
}

impl Options {
    /// Makes options that say nothing.
    pub const fn new() -> Self {
        Self {
            retries: None,
            retry_delay: None,
            retry_jitter_factor: None,
            retry_if: None,
            timeout: None,
            run_name: None,
            tags: &[],
            log_prints: None,
            results: None,
            resumable: false,
        }
    }

    /// Sets how often a failed run is tried again. Default: 0.
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets how long to wait before each retry. Default: not at all.
    pub const fn retry_delay(mut self, delay: RetryDelay) -> Self {
        self.retry_delay = Some(delay);
        self
    }

    /// Sets by which share of itself each delay before a retry of a task is lengthened at most, at random. Default: 0.
    ///
    /// With 0.5, a delay of 10 seconds becomes one of 10 to 15 seconds. Flows have no jitter, as in Prefect.
    pub const fn retry_jitter_factor(mut self, factor: f64) -> Self {
        self.retry_jitter_factor = Some(factor);
        self
    }

    /// Sets which errors of a body are worth a retry; the condition looks into the error by `downcast_ref`. Default:
    /// what `retry_if` of the definition says, else all. Timeouts and panics are retried without asking.
    pub const fn retry_if(mut self, condition: RetryIf) -> Self {
        self.retry_if = Some(condition);
        self
    }

    /// Sets how long one attempt may take. Default: for ever.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the template of run names; `{argument}` stands for the value of an argument.
    pub const fn run_name(mut self, template: &'static str) -> Self {
        self.run_name = Some(template);
        self
    }

    /// Sets tags, which add to those of the definition.
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// Sets whether `println!` in the body writes run logs. Default: inherited from the enclosing flow, else no.
    pub const fn log_prints(mut self, log: bool) -> Self {
        self.log_prints = Some(log);
        self
    }

    /// Makes the runs of a flow go on after their process has died; see `#[flow(resumable)]`. Default: they do not.
    pub const fn resumable(mut self) -> Self {
        self.resumable = true;
        self
    }

    const fn said(&self) -> ResultOptions {
        match self.results {
            Some(said) => said,
            None => ResultOptions::NONE,
        }
    }

    /// Sets what a task's cache key is made of, such as `cache::inputs().and(cache::source())`. Default: no caching.
    pub const fn cache(mut self, policy: CachePolicy) -> Self {
        self.results = Some(ResultOptions { cache: Some(policy), ..self.said() });
        self
    }

    /// Sets for how long a cached result counts. Default: for ever.
    pub const fn cache_expiration(mut self, expiration: Duration) -> Self {
        self.results = Some(ResultOptions { expiration: Some(expiration), ..self.said() });
        self
    }

    /// Sets whether a cached task runs all the same, and replaces the result that is there. Default: what the setting
    /// `PREFECT_TASKS_REFRESH_CACHE` says, else no.
    pub const fn refresh_cache(mut self, refresh: bool) -> Self {
        self.results = Some(ResultOptions { refresh: Some(refresh), ..self.said() });
        self
    }

    /// Sets how runs of equal cache keys see each other. Default: read committed.
    pub const fn cache_isolation(mut self, isolation: CacheIsolation) -> Self {
        self.results = Some(ResultOptions { isolation: Some(isolation), ..self.said() });
        self
    }

    /// Sets whether results go to the result store, where other processes can read them. Default: what the setting
    /// `PREFECT_RESULTS_PERSIST_BY_DEFAULT` says; else, on a server, what is cached.
    pub const fn persist_result(mut self, persist: bool) -> Self {
        self.results = Some(ResultOptions { persist: Some(persist), ..self.said() });
        self
    }

    /// Sets the form in which results are stored. Default: JSON.
    pub const fn result_codec(mut self, codec: ResultCodec) -> Self {
        self.results = Some(ResultOptions { codec: Some(codec), ..self.said() });
        self
    }
}

/// What one call says for itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) value: Options,
    pub(crate) retries: Option<u32>,
    pub(crate) retry_delay: Option<Delays>,
    pub(crate) retry_jitter_factor: Option<f64>,
    pub(crate) retry_if: Option<RetryIf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) run_name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) log_prints: Option<bool>,
    pub(crate) results: Option<Box<ResultOverrides>>,
    pub(crate) resumable: bool,
    /// What tells the call from others when the flow run goes on, in place of its arguments.
    pub(crate) journal_key: Option<String>,
    /// The first option that could not be read; the run fails with it before it starts.
    pub(crate) refused: Option<Error>,
    /// The run that somebody else has asked for, in the place of a new one.
    pub(crate) adopted: Option<Box<Adopted>>,
    /// What the run has from the map that calls it.
    pub(crate) of_map: Option<Arc<OfMap>>,
}

impl Overrides {
    /// Tells whether the caller, rather than the author or the settings, said something about retries.
    pub(crate) fn ask_for_retries(&self) -> bool {
        self.retries.or(self.value.retries).is_some()
    }
}

/// What the settings say where nobody else does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) retries: u32,
    pub(crate) retry_delay: Delays,
    pub(crate) results: ResultDefaults,
}

/// The options that a run really has.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    pub(crate) retries: u32,
    pub(crate) retry_delay: Delays,
    pub(crate) retry_jitter_factor: Option<f64>,
    pub(crate) retry_if: Option<RetryIf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) run_name: Option<Cow<'static, str>>,
    pub(crate) log_prints: Option<bool>,
    /// What becomes of the value beside being given to the caller.
    pub(crate) results: Option<Box<ResultPlan>>,
    /// Whether a flow run goes on after its process has died.
    pub(crate) resumable: bool,
}

impl Effective {
    /// Call beats value beats definition beats settings (which hold the defaults).
    pub(crate) fn resolve(call: Option<&Overrides>, def: &Options, defaults: &Defaults) -> Self {
        let declared = |options: &Options| options.retry_delay.map(Delays::Declared);
        let Some(call) = call else {
            return Self {
                retries: def.retries.unwrap_or(defaults.retries),
                retry_delay: declared(def).unwrap_or_else(|| defaults.retry_delay.clone()),
                retry_jitter_factor: def.retry_jitter_factor,
                retry_if: def.retry_if,
                timeout: def.timeout,
                run_name: def.run_name.map(Cow::Borrowed),
                log_prints: def.log_prints,
                results: result_options::resolve(None, None, def.results, defaults.results),
                resumable: def.resumable,
            };
        };
        let value = &call.value;
        Self {
            retries: call.retries.or(value.retries).or(def.retries).unwrap_or(defaults.retries),
            retry_delay: (call.retry_delay.clone())
                .or_else(|| declared(value))
                .or_else(|| declared(def))
                .unwrap_or_else(|| defaults.retry_delay.clone()),
            retry_jitter_factor: call.retry_jitter_factor.or(value.retry_jitter_factor).or(def.retry_jitter_factor),
            retry_if: call.retry_if.or(value.retry_if).or(def.retry_if),
            timeout: call.timeout.or(value.timeout).or(def.timeout),
            run_name: (call.run_name.clone().map(Cow::Owned))
                .or(value.run_name.map(Cow::Borrowed))
                .or(def.run_name.map(Cow::Borrowed)),
            log_prints: call.log_prints.or(value.log_prints).or(def.log_prints),
            results: result_options::resolve(call.results.as_deref(), value.results, def.results, defaults.results),
            resumable: call.resumable || value.resumable || def.resumable,
        }
    }
}

impl Effective {
    /// Tells whether the run may have to wait for a time.
    pub(crate) fn needs_timers(&self) -> bool {
        self.timeout.is_some() || (self.retries > 0 && !self.retry_delay.before(1).is_zero())
    }
}

/// Returns the tags of the definition, the value and the call together, sorted and without doubles.
pub(crate) fn tags(call: Option<&Overrides>, def: &Options) -> Vec<String> {
    let mut tags: Vec<String> = def.tags.iter().map(ToString::to_string).collect();
    if let Some(call) = call {
        tags.extend(call.value.tags.iter().map(ToString::to_string));
        tags.extend(call.tags.iter().cloned());
    }
    tags.sort();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEF: Options = Options::new().retries(2).timeout(Duration::from_secs(9)).tags(&["net"]);

    #[test]
    fn call_beats_value_beats_definition_beats_settings() {
        let settings = Defaults { retries: 7, ..Defaults::default() };
        let mut call = Overrides::default();
        assert_eq!(Effective::resolve(None, &Options::new(), &settings).retries, 7);
        assert_eq!(Effective::resolve(None, &DEF, &settings).retries, 2);
        assert_eq!(Effective::resolve(Some(&call), &DEF, &settings).retries, 2);
        call.value = Options::new().retries(3);
        assert_eq!(Effective::resolve(Some(&call), &DEF, &settings).retries, 3);
        call.retries = Some(0);
        let effective = Effective::resolve(Some(&call), &DEF, &settings);
        assert_eq!(effective.retries, 0);
        assert_eq!(effective.timeout, Some(Duration::from_secs(9)));
    }

    #[test]
    fn tags_of_all_levels_add_up() {
        let call =
            Overrides { value: Options::new().tags(&["slow", "net"]), tags: vec!["a".into()], ..Overrides::default() };
        assert_eq!(tags(Some(&call), &DEF), ["a", "net", "slow"]);
    }
}
