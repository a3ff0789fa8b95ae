//! Which profile is active, and what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Table;
use super::files::{Files, Reading};
use crate::error::{Error, ErrorKind};

/// The variables that take the place of a profile in tests of Prefect.
const TEST_MODES: [&str; 4] =
    ["PREFECT_TEST_MODE", "PREFECT_UNIT_TEST_MODE", "PREFECT_TESTING_UNIT_TEST_MODE", "PREFECT_TESTING_TEST_MODE"];

/// The profiles that Prefect brings, and what they set that is of interest here.
const BUILT_IN: [(&str, &[(&str, &str)]); 4] =
    [("ephemeral", &[]), ("local", &[("PREFECT_API_URL", "http://127.0.0.1:4200/api")]), ("test", &[]), ("cloud", &[])];

/// The active profile.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: Arc<str>,
    /// `None` for one that Prefect brings.
    pub(super) file: Option<Arc<Path>>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    BuiltIn(&'static [(&'static str, &'static str)]),
    Table(Table),
}

impl Profile {
    /// What it says of a setting, and in which line.
    pub(super) fn value(&self, name: &str, tables: bool) -> Option<(&str, usize)> {
        match &self.values {
            Values::BuiltIn(pairs) => pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, 0)),
            Values::Table(table) => table.value(&[name], tables),
        }
    }

    fn built_in(name: &str) -> Option<Self> {
        let (name, values) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(Self { name: Arc::from(*name), file: None, values: Values::BuiltIn(values) })
    }
}

/// Where profiles are, as the nearest place says.
enum Place {
    /// Somebody has named this file, and it may not exist.
    Named(PathBuf),
    /// The file of the home folder.
    Usual(PathBuf),
    Nowhere,
}

fn place(env: &BTreeMap<String, String>, files: &Files) -> Place {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let home = ["HOME", "USERPROFILE"].into_iter().find_map(|name| set(name).map(PathBuf::from));
    let named = set("PREFECT_PROFILES_PATH").map(String::as_str);
    let expanded = |path: &str| match (path.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    let in_files = || {
        let dotenv = files.dotenv.get("PREFECT_PROFILES_PATH").map(|entry| entry.text.as_str());
        let toml = |table: &'_ Table| table.value(&["profiles_path"], false).map(|(text, _)| text.to_owned());
        let filled = |text: &String| !text.is_empty();
        dotenv.map(str::to_owned).filter(filled).or_else(|| {
            let prefect = files.prefect.as_ref().and_then(toml).filter(filled);
            prefect.or_else(|| files.pyproject.as_ref().and_then(toml).filter(filled))
        })
    };
    if let Some(path) = named.map(str::to_owned).or_else(in_files) {
        return Place::Named(expanded(&path));
    }
    match (set("PREFECT_HOME"), &home) {
        (Some(prefect), _) => Place::Named(expanded(prefect).join("profiles.toml")),
        (None, Some(home)) => Place::Usual(home.join(".prefect").join("profiles.toml")),
        (None, None) => Place::Nowhere,
    }
}

/// Finds the active profile.
pub(super) fn active(
    env: &BTreeMap<String, String>,
    files: &Files,
    reading: &Reading<'_>,
) -> Result<Option<Profile>, Error> {
    if TEST_MODES.iter().any(|name| env.get(*name).is_some_and(|value| !value.is_empty())) {
        return Ok(None);
    }
    let asked = env.get("PREFECT_PROFILE").map(|name| name.trim()).filter(|name| !name.is_empty());
    let place = place(env, files);
    let usual = !matches!(place, Place::Named(_));
    let (path, document) = match place {
        Place::Named(path) => (path.clone(), reading.toml(&path)?),
        Place::Usual(path) => (path.clone(), reading.toml_if_it_can_be_seen(&path)?),
        Place::Nowhere => (PathBuf::new(), None),
    };
    let Some(document) = document else {
        // Without a file there are those that Prefect brings. Only where no file is named does it look into them.
        return match asked.map(|name| (name, Profile::built_in(name))) {
            None => Ok(None),
            Some((_, Some(profile))) => Ok(usual.then_some(profile)),
            Some((name, None)) => Err(missing(name, "PREFECT_PROFILE", &path, &[])),
        };
    };
    let in_file = document.value(&["active"], false);
    let (name, said_by) = match (asked, in_file) {
        (Some(name), _) => (name, "PREFECT_PROFILE".to_owned()),
        (None, Some((name, line))) if !name.is_empty() => (name, format!("`active` (line {line})")),
        (None, _) => return Ok(None),
    };
    let all = document.table(&["profiles"]);
    match all.and_then(|all| all.table(&[name])) {
        Some(table) => {
            let values = Values::Table(table.clone());
            Ok(Some(Profile { name: Arc::from(name), file: Some(Arc::from(path)), values }))
        }
        // Prefect goes on with its default then, whichever of its own was meant.
        None if Profile::built_in(name).is_some() => Ok(None),
        None => {
            let known: Vec<&str> = all.into_iter().flat_map(Table::keys).collect();
            Err(missing(name, &said_by, &path, &known))
        }
    }
}

fn missing(name: &str, said_by: &str, path: &Path, known: &[&str]) -> Error {
    let there = match (known, path.as_os_str().is_empty()) {
        (_, true) => "there is no file of profiles".to_owned(),
        ([], false) => format!("there is no profile in {}", path.display()),
        (known, false) => format!("{} has {}", path.display(), known.join(", ")),
    };
    let why = format!("{said_by} names the profile `{name}`, which does not exist: {there}");
    Error::new(ErrorKind::Settings, why)
}
