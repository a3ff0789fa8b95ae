//! What becomes of the value of a run: whether it is stored, where, for how long, and who may use it again.

use std::time::Duration;

use crate::cache::{CacheIsolation, CachePolicy};
use crate::codec::ResultCodec;

/// What the author, a value or a caller says about results.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct ResultOptions {
    pub(crate) cache: Option<CachePolicy>,
    pub(crate) expiration: Option<Duration>,
    pub(crate) refresh: Option<bool>,
    pub(crate) isolation: Option<CacheIsolation>,
    pub(crate) persist: Option<bool>,
    pub(crate) codec: Option<ResultCodec>,
}

impl ResultOptions {
    /// Makes options that say nothing.
    pub(crate) const NONE: Self =
        Self { cache: None, expiration: None, refresh: None, isolation: None, persist: None, codec: None };

    /// What these say, and where they say nothing, what the others say.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            cache: self.cache.or(other.cache),
            expiration: self.expiration.or(other.expiration),
            refresh: self.refresh.or(other.refresh),
            isolation: self.isolation.or(other.isolation),
            persist: self.persist.or(other.persist),
            codec: self.codec.or(other.codec),
        }
    }
}

/// What one call says about results.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResultOverrides {
    pub(crate) options: ResultOptions,
    /// The whole key, in the place of any policy.
    pub(crate) key: Option<String>,
}

/// What the settings say about results.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResultDefaults {
    /// `None`: as the backend would have it.
    pub(crate) persist: Option<bool>,
    pub(crate) refresh: bool,
    /// Whether what is cached outlives the process if nobody says anything: where a server keeps the runs.
    pub(crate) durable_cache: bool,
}

/// Where the result of a run goes, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// To the durable store, since somebody asked for it; if it cannot be written, the run fails.
    Asked,
    /// To the durable store, as the setting for all runs says; runs whose values cannot be stored do without.
    ByDefault,
    /// To the durable store, only to be found again; if it cannot be written, that is a warning.
    DurableCache,
    /// To memory, only to be found again.
    PassingCache,
}

/// What a run is to be known by.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum KeyBy {
    Policy(CachePolicy),
    Given(String),
}

/// What becomes of the result of a run that does something with it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ResultPlan {
    pub(crate) key: Option<KeyBy>,
    pub(crate) place: Place,
    pub(crate) expiration: Option<Duration>,
    pub(crate) refresh: bool,
    pub(crate) isolation: CacheIsolation,
    pub(crate) codec: ResultCodec,
}

/// Call beats value beats definition beats settings. `None`: the result is given to the caller, and that is all.
pub(crate) fn resolve(
    call: Option<&ResultOverrides>,
    value: Option<ResultOptions>,
    def: Option<ResultOptions>,
    defaults: ResultDefaults,
) -> Option<Box<ResultPlan>> {
    if call.is_none() && value.is_none() && def.is_none() && defaults.persist != Some(true) {
        return None;
    }
    let said =
        (call.map(|call| call.options).unwrap_or_default()).or(value.unwrap_or_default()).or(def.unwrap_or_default());
    let given = call.and_then(|call| call.key.clone()).map(KeyBy::Given);
    let key = given.or(said.cache.filter(|policy| !policy.is_none()).map(KeyBy::Policy));
    let place = match (said.persist, defaults.persist, &key) {
        (Some(true), ..) => Place::Asked,
        (None, Some(true), _) => Place::ByDefault,
        (None, None, Some(_)) if defaults.durable_cache => Place::DurableCache,
        (_, _, Some(_)) => Place::PassingCache,
        (_, _, None) => return None,
    };
    Some(Box::new(ResultPlan {
        key,
        place,
        expiration: said.expiration,
        refresh: said.refresh.unwrap_or(defaults.refresh),
        isolation: said.isolation.unwrap_or_default(),
        codec: said.codec.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache;

    const SERVER: ResultDefaults = ResultDefaults { persist: None, refresh: false, durable_cache: true };

    fn cached() -> Option<ResultOptions> {
        Some(ResultOptions { cache: Some(cache::inputs()), ..ResultOptions::NONE })
    }

    fn persisted(persist: bool) -> Option<ResultOptions> {
        Some(ResultOptions { persist: Some(persist), ..ResultOptions::NONE })
    }

    fn place(def: Option<ResultOptions>, defaults: ResultDefaults) -> Option<Place> {
        resolve(None, None, def, defaults).map(|plan| plan.place)
    }

    #[test]
    fn nothing_said_means_that_nothing_is_stored() {
        assert_eq!(resolve(None, None, None, ResultDefaults::default()), None);
        assert_eq!(resolve(None, None, None, SERVER), None);
        assert_eq!(place(persisted(false), SERVER), None);
    }

    #[test]
    fn what_is_cached_outlives_the_process_where_a_server_keeps_the_runs() {
        assert_eq!(place(cached(), ResultDefaults::default()), Some(Place::PassingCache));
        assert_eq!(place(cached(), SERVER), Some(Place::DurableCache));
        assert_eq!(place(persisted(true), ResultDefaults::default()), Some(Place::Asked));
    }

    #[test]
    fn the_setting_counts_where_nobody_else_says_anything() {
        let on = ResultDefaults { persist: Some(true), ..SERVER };
        let off = ResultDefaults { persist: Some(false), ..SERVER };
        assert_eq!(place(None, on), Some(Place::ByDefault));
        assert_eq!(place(persisted(false), on), None);
        assert_eq!(place(cached(), off), Some(Place::PassingCache));
    }

    #[test]
    fn call_beats_value_beats_definition() {
        let call = ResultOverrides { key: Some("k".into()), ..ResultOverrides::default() };
        let key =
            |call: Option<&ResultOverrides>, value| resolve(call, value, cached(), SERVER).and_then(|plan| plan.key);
        let source = Some(ResultOptions { cache: Some(cache::source()), ..ResultOptions::NONE });
        assert_eq!(key(None, None), Some(KeyBy::Policy(cache::inputs())));
        assert_eq!(key(None, source), Some(KeyBy::Policy(cache::source())));
        assert_eq!(key(Some(&call), source), Some(KeyBy::Given("k".into())));
        let none = Some(ResultOptions { cache: Some(cache::none()), ..ResultOptions::NONE });
        assert_eq!(key(None, none), None);
    }
}
