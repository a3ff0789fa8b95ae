//! What a call says about its run, as far as that can go to another process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::ResultCodec;
use crate::error::{Error, ErrorKind};
use crate::options::Overrides;
use crate::result_options::{ResultOptions, ResultOverrides};
use crate::retry_delay::Delays;

/// As many delays as are told; there can be no more retries with delays that differ.
const MOST_DELAYS: u32 = 50;

/// The options of a call that are data. What the definition says is known to whoever runs the task.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_delays: Option<Vec<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_jitter_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_prints: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_expiration: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compact_result: Option<bool>,
}

impl Said {
    /// Takes what a call says. Code does not travel: an option that is code is an error.
    pub(crate) fn of(call: Option<&Overrides>) -> Result<Self, Error> {
        let Some(call) = call else { return Ok(Self::default()) };
        let value = &call.value;
        let results = call.results.as_ref().map_or(ResultOptions::NONE, |said| said.options);
        let results = results.or(value.results.unwrap_or(ResultOptions::NONE));
        let code = [
            ("retry_if", call.retry_if.or(value.retry_if).is_some()),
            ("cache", results.cache.is_some()),
            ("cache_isolation", results.isolation.is_some()),
        ];
        if let Some((name, _)) = code.iter().find(|(_, said)| *said) {
            let why = format!("`{name}` cannot be said of a call that is delayed: say it in the attribute of the task");
            return Err(Error::new(ErrorKind::Definition, why));
        }
        let delays = call.retry_delay.clone().or_else(|| value.retry_delay.map(Delays::Declared));
        Ok(Self {
            retries: call.retries.or(value.retries),
            retry_delays: delays.map(|delays| delays.reported(MOST_DELAYS)),
            retry_jitter_factor: call.retry_jitter_factor.or(value.retry_jitter_factor),
            timeout: call.timeout.or(value.timeout),
            run_name: call.run_name.clone().or_else(|| value.run_name.map(ToOwned::to_owned)),
            log_prints: call.log_prints.or(value.log_prints),
            cache_key: call.results.as_ref().and_then(|said| said.key.clone()),
            cache_expiration: results.expiration,
            refresh_cache: results.refresh,
            compact_result: results.codec.map(|codec| codec == ResultCodec::Compact),
        })
    }

    /// Makes the options of a call of it again. The result is persisted where `persist` says so.
    pub(crate) fn into_overrides(self, persist: bool) -> Overrides {
        let codec = |compact| if compact { ResultCodec::Compact } else { ResultCodec::Json };
        let options = ResultOptions {
            expiration: self.cache_expiration,
            refresh: self.refresh_cache,
            persist: persist.then_some(true),
            codec: self.compact_result.map(codec),
            ..ResultOptions::NONE
        };
        Overrides {
            retries: self.retries,
            retry_delay: self.retry_delays.map(|delays| Delays::Given(delays.into())),
            retry_jitter_factor: self.retry_jitter_factor,
            timeout: self.timeout,
            run_name: self.run_name,
            log_prints: self.log_prints,
            results: Some(Box::new(ResultOverrides { options, key: self.cache_key })),
            ..Overrides::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache;
    use crate::options::Options;

    #[test]
    fn what_a_call_says_arrives() {
        let call = Overrides {
            value: Options::new().retries(9).timeout(Duration::from_secs(3)).run_name("a"),
            retries: Some(2),
            retry_delay: Some(Delays::Given(vec![Duration::from_secs(1), Duration::from_secs(5)].into())),
            ..Overrides::default()
        };
        let said = Said::of(Some(&call)).expect("it is data");
        let text = serde_json::to_string(&said).expect("it can be written");
        let said: Said = serde_json::from_str(&text).expect("it can be read");
        let there = said.into_overrides(true);
        assert_eq!((there.retries, there.timeout), (Some(2), Some(Duration::from_secs(3))));
        assert_eq!(there.run_name.as_deref(), Some("a"));
        assert_eq!(there.retry_delay.map(|delays| delays.before(2)), Some(Duration::from_secs(5)));
        assert_eq!(there.results.and_then(|results| results.options.persist), Some(true));
    }

    #[test]
    fn what_is_code_is_refused() {
        let call = Overrides { retry_if: Some(|_| true), ..Overrides::default() };
        let why = Said::of(Some(&call)).expect_err("it is code").to_string();
        assert_eq!(why, "`retry_if` cannot be said of a call that is delayed: say it in the attribute of the task");
        let call = Overrides { value: Options::new().cache(cache::inputs()), ..Overrides::default() };
        assert!(Said::of(Some(&call)).is_err());
        assert_eq!(Said::of(None).ok(), Some(Said::default()));
    }
}
