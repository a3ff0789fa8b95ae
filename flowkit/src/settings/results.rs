//! Settings about stored results.

use std::path::PathBuf;

use super::read::Source;
use crate::error::{Error, ErrorKind};
use crate::result_options::ResultDefaults;

/// What the settings say about results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) defaults: ResultDefaults,
    /// The folder of the result store.
    pub(crate) folder: PathBuf,
    /// The URL of the result store, if it is not that folder.
    pub(crate) url: Option<String>,
}

impl Results {
    pub(super) fn read(source: &Source<'_>) -> Result<Self, Error> {
        let persist = source.flag("PREFECT_RESULTS_PERSIST_BY_DEFAULT")?;
        let refresh = source.flag("PREFECT_TASKS_REFRESH_CACHE")?.unwrap_or(false);
        serializer(source)?;
        let defaults = ResultDefaults { persist, refresh, durable_cache: false };
        let location = source.text("FLOWKIT_RESULT_STORAGE");
        let (url, folder_name) = match location {
            Some(text) if text.contains("://") => (Some(text), None),
            text => (None, text),
        };
        Ok(Self { defaults, folder: folder(source, folder_name), url })
    }
}

/// The setting is Python's; only the serializer that both know is of use here.
fn serializer(source: &Source<'_>) -> Result<(), Error> {
    const NAME: &str = "PREFECT_RESULTS_DEFAULT_SERIALIZER";
    match source.text(NAME) {
        Some(other) if other != "json" => {
            let why = format!(
                "the setting {NAME} is `{other}`, and must be json or left out: flowkit writes no pickles (`result_codec = compact` is its other form)"
            );
            Err(Error::new(ErrorKind::Settings, why))
        }
        _ => Ok(()),
    }
}

fn folder(source: &Source<'_>, name: Option<String>) -> PathBuf {
    let home = || source.text("HOME").or_else(|| source.text("USERPROFILE")).map(PathBuf::from).unwrap_or_default();
    let path = |text: String| match text.strip_prefix("~/") {
        Some(rest) => home().join(rest),
        None => PathBuf::from(text),
    };
    let given =
        || source.text("PREFECT_RESULTS_LOCAL_STORAGE_PATH").or_else(|| source.text("PREFECT_LOCAL_STORAGE_PATH"));
    name.or_else(given)
        .map(path)
        .unwrap_or_else(|| source.text("PREFECT_HOME").map_or_else(|| home().join(".prefect"), path).join("storage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Results, String> {
        let lookup = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Results::read(&Source(&lookup)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_store_is_where_prefect_has_it() {
        for (pairs, folder) in [
            (&[("HOME", "/me")][..], "/me/.prefect/storage"),
            (&[("HOME", "/me"), ("PREFECT_HOME", "~/p")], "/me/p/storage"),
            (&[("PREFECT_HOME", "/p"), ("PREFECT_LOCAL_STORAGE_PATH", "/s")], "/s"),
            (&[("PREFECT_RESULTS_LOCAL_STORAGE_PATH", "/r"), ("PREFECT_LOCAL_STORAGE_PATH", "/s")], "/r"),
        ] {
            assert_eq!(read(pairs).map(|results| results.folder), Ok(PathBuf::from(folder)));
        }
    }

    #[test]
    fn a_setting_of_its_own_takes_a_url_or_a_folder_and_beats_prefects() {
        let prefects = ("PREFECT_LOCAL_STORAGE_PATH", "/s");
        let results = read(&[("FLOWKIT_RESULT_STORAGE", "s3://bucket/results"), prefects]).expect("valid");
        assert_eq!(results.url.as_deref(), Some("s3://bucket/results"));
        let results = read(&[("FLOWKIT_RESULT_STORAGE", "~/r"), ("HOME", "/me"), prefects]).expect("valid");
        assert_eq!((results.url, results.folder), (None, PathBuf::from("/me/r")));
    }

    #[test]
    fn the_other_settings_are_read() {
        let pairs = [("PREFECT_RESULTS_PERSIST_BY_DEFAULT", "true"), ("PREFECT_TASKS_REFRESH_CACHE", "1")];
        let defaults = read(&pairs).expect("valid").defaults;
        assert_eq!((defaults.persist, defaults.refresh), (Some(true), true));
        assert!(read(&[("PREFECT_RESULTS_DEFAULT_SERIALIZER", "json")]).is_ok());
        let why = read(&[("PREFECT_RESULTS_DEFAULT_SERIALIZER", "pickle")]).expect_err("flowkit writes no pickles");
        assert!(why.contains("PREFECT_RESULTS_DEFAULT_SERIALIZER is `pickle`"), "{why}");
    }
}
