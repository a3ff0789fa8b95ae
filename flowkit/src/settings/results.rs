//! Settings about stored results.

use std::path::PathBuf;

use super::read::Source;
use crate::error::{Error, ErrorKind};
use crate::result_options::ResultDefaults;

/// What the settings say about results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) defaults: ResultDefaults,
    /// Where the result store is; `None` if no setting says so and there is no home folder.
    pub(crate) place: Option<ResultPlace>,
}

/// What the settings name as the result store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ResultPlace {
    Folder {
        path: PathBuf,
        /// The setting.
        named_by: &'static str,
    },
    Url(String),
}

impl Results {
    pub(super) fn read(source: &Source<'_>) -> Result<Self, Error> {
        let persist = source.flag("PREFECT_RESULTS_PERSIST_BY_DEFAULT")?;
        let refresh = source.flag("PREFECT_TASKS_REFRESH_CACHE")?.unwrap_or(false);
        serializer(source)?;
        let defaults = ResultDefaults { persist, refresh, durable_cache: false };
        Ok(Self { defaults, place: place(source)? })
    }
}

/// The setting is Python's; only the serializer that both know is of use here.
fn serializer(source: &Source<'_>) -> Result<(), Error> {
    const NAME: &str = "PREFECT_RESULTS_DEFAULT_SERIALIZER";
    match source.text(NAME) {
        Some(other) if other != "json" => {
            let accepted = "json or left out: flowkit writes no pickles (`result_codec = compact` is its other form)";
            Err(source.refused(NAME, &other, accepted))
        }
        _ => Ok(()),
    }
}

/// The setting that takes URLs as well.
pub(crate) const STORAGE: &str = "FLOWKIT_RESULT_STORAGE";

fn place(source: &Source<'_>) -> Result<Option<ResultPlace>, Error> {
    let folder =
        |named_by: &'static str, text: &str| Ok(ResultPlace::Folder { path: path(source, named_by, text)?, named_by });
    if let Some(text) = source.text(STORAGE) {
        return if text.contains("://") { Ok(Some(ResultPlace::Url(text))) } else { folder(STORAGE, &text).map(Some) };
    }
    if let Some((name, text)) = source.text_and_name("PREFECT_RESULTS_LOCAL_STORAGE_PATH") {
        return folder(name, &text).map(Some);
    }
    if let Some(text) = source.text("PREFECT_HOME") {
        let named_by = "PREFECT_HOME";
        return Ok(Some(ResultPlace::Folder { path: path(source, named_by, &text)?.join("storage"), named_by }));
    }
    let default =
        |(named_by, home): (_, PathBuf)| ResultPlace::Folder { path: home.join(".prefect/storage"), named_by };
    Ok(home(source).map(default))
}

/// The home folder, and the variable that says so.
fn home(source: &Source<'_>) -> Option<(&'static str, PathBuf)> {
    ["HOME", "USERPROFILE"].into_iter().find_map(|name| Some((name, PathBuf::from(source.text(name)?))))
}

fn path(source: &Source<'_>, name: &str, text: &str) -> Result<PathBuf, Error> {
    let named = source.named(name);
    let refuse =
        |text: &str, why: &str| Error::new(ErrorKind::Settings, format!("the setting {named} is `{text}`{why}"));
    if let Some((scheme, _)) = text.split_once("://") {
        // The rest of a URL may have a secret in it.
        let why = format!(", and must be a folder: {STORAGE} is the setting that takes URLs");
        return Err(refuse(&format!("{scheme}://.."), &why));
    }
    match text.strip_prefix('~').map(|rest| (rest.strip_prefix('/'), rest)) {
        Some((rest, all)) if rest.is_some() || all.is_empty() => {
            let (_, home) =
                home(source).ok_or_else(|| refuse(text, ", and there is no home folder: HOME is not set"))?;
            Ok(rest.map_or_else(|| home.clone(), |rest| home.join(rest)))
        }
        _ => Ok(PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sources::Sources;

    fn read(pairs: &[(&str, &str)]) -> Result<Results, String> {
        Results::read(&Source(&Sources::of(pairs))).map_err(|error| error.to_string())
    }

    #[test]
    fn the_store_is_where_prefect_has_it() {
        for (pairs, path, named_by) in [
            (&[("HOME", "/me")][..], "/me/.prefect/storage", "HOME"),
            (&[("HOME", "/me"), ("PREFECT_HOME", "~/p")], "/me/p/storage", "PREFECT_HOME"),
            (&[("HOME", "/me"), ("PREFECT_HOME", "~")], "/me/storage", "PREFECT_HOME"),
            (&[("PREFECT_HOME", "/p"), ("PREFECT_LOCAL_STORAGE_PATH", "/s")], "/s", "PREFECT_LOCAL_STORAGE_PATH"),
            (
                &[("PREFECT_RESULTS_LOCAL_STORAGE_PATH", "/r"), ("PREFECT_LOCAL_STORAGE_PATH", "/s")],
                "/r",
                "PREFECT_RESULTS_LOCAL_STORAGE_PATH",
            ),
        ] {
            let place = ResultPlace::Folder { path: PathBuf::from(path), named_by };
            assert_eq!(read(pairs).map(|results| results.place), Ok(Some(place)));
        }
    }

    #[test]
    fn a_setting_of_its_own_takes_a_url_or_a_folder_and_beats_prefects() {
        let prefects = ("PREFECT_LOCAL_STORAGE_PATH", "/s");
        let results = read(&[(STORAGE, "s3://bucket/results"), prefects]).expect("valid");
        assert_eq!(results.place, Some(ResultPlace::Url("s3://bucket/results".to_owned())));
        let results = read(&[(STORAGE, "~/r"), ("HOME", "/me"), prefects]).expect("valid");
        assert_eq!(results.place, Some(ResultPlace::Folder { path: PathBuf::from("/me/r"), named_by: STORAGE }));
    }

    #[test]
    fn a_url_where_a_folder_belongs_names_the_setting_that_takes_it_and_no_secret() {
        for name in ["PREFECT_RESULTS_LOCAL_STORAGE_PATH", "PREFECT_LOCAL_STORAGE_PATH", "PREFECT_HOME"] {
            let why = read(&[(name, "s3://me:sesame@bucket"), ("HOME", "/me")]).expect_err("it is no folder");
            let wanted = "is `s3://..`, and must be a folder: FLOWKIT_RESULT_STORAGE is the setting that takes URLs";
            assert_eq!(why, format!("the setting {name} {wanted}"));
        }
    }

    #[test]
    fn without_a_home_there_is_no_place_and_none_can_be_named_by_it() {
        assert_eq!(read(&[]).map(|results| results.place), Ok(None));
        let why = read(&[("PREFECT_LOCAL_STORAGE_PATH", "~/s")]).expect_err("there is no home");
        assert!(why.contains("PREFECT_LOCAL_STORAGE_PATH is `~/s`") && why.contains("HOME is not set"), "{why}");
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
