//! Where settings are looked up: the environment, then files, then the profile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::files::{self, Files, Read, Reading, canonical};
use super::known::Known;
use super::origin::Origin;
use super::profiles::{self, Profile};
use crate::error::{Error, ErrorKind};

/// All places, read once.
#[derive(Debug, Default)]
pub(super) struct Sources {
    env: BTreeMap<String, String>,
    files: Files,
    profile: Option<Profile>,
}

/// A value, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) text: &'a str,
    pub(super) origin: Origin,
    /// The name it is set by, which may be an older one.
    pub(super) name: &'static str,
}

/// What was read last, and what for: while nothing has changed, it is not read again.
static LAST: Mutex<Option<(Key, Arc<Sources>)>> = Mutex::new(None);

type Key = (BTreeMap<String, String>, Option<PathBuf>);

impl Sources {
    /// Reads the places of this process.
    pub(super) fn of_process() -> Result<Arc<Self>, Error> {
        let key = (environment()?, std::env::current_dir().ok());
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, sources)) = &*last
            && *known == key
        {
            return Ok(Arc::clone(sources));
        }
        let sources = Arc::new(Self::read(key.0.clone(), &files::from_disk)?);
        *last = Some((key, Arc::clone(&sources)));
        Ok(sources)
    }

    /// Reads what is in these variables and files.
    pub(super) fn read(env: BTreeMap<String, String>, read: Read<'_>) -> Result<Self, Error> {
        let reading = Reading(read);
        let files = reading.all(&env)?;
        let profile = profiles::active(&env, &files, &reading)?;
        Ok(Self { env, files, profile })
    }

    /// The variable of the environment, whatever files say: for what is not a setting, such as `HOME`.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    pub(super) fn profile(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| &*profile.name)
    }

    /// Finds the value that counts: of the nearest place that has one by any name, that by the newest name.
    pub(super) fn find(&self, known: &'static Known) -> Option<Found<'_>> {
        let env = known.names().find_map(|name| {
            let text = self.variable(name)?;
            Some(Found { text, origin: Origin::Environment, name })
        });
        let dotenv = || {
            known.names().find_map(|name| {
                let entry = self.files.dotenv.get(name)?;
                Some(Found { text: &entry.text, origin: Origin::DotEnv { line: entry.line }, name })
            })
        };
        env.or_else(dotenv).or_else(|| self.in_toml(known)).or_else(|| self.in_profile(known))
    }

    fn in_toml(&self, known: &'static Known) -> Option<Found<'_>> {
        let value = |table| Option::<&super::document::Table>::and_then(table, |it| it.value(known.path, known.table));
        let found = |text, origin| Found { text, origin, name: known.name };
        if let Some((text, line)) = value(self.files.prefect.as_ref()) {
            return Some(found(text, Origin::PrefectToml { line }));
        }
        let (text, line) = value(self.files.pyproject.as_ref())?;
        Some(found(text, Origin::PyprojectToml { line }))
    }

    fn in_profile(&self, known: &'static Known) -> Option<Found<'_>> {
        let profile = self.profile.as_ref()?;
        let (name, (text, line)) = known.names().find_map(|name| Some((name, profile.value(name, known.table)?)))?;
        let origin = Origin::Profile { name: Arc::clone(&profile.name), file: profile.file.clone(), line };
        Some(Found { text, origin, name })
    }
}

#[cfg(test)]
impl Sources {
    /// Variables of an environment, and no files.
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::read(env, &|_| Ok(None)).expect("there is no file")
    }
}

/// All variables that can be read; a setting that is no text is an error.
fn environment() -> Result<BTreeMap<String, String>, Error> {
    let mut all = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        let exact = name.starts_with("PREFECT_") || name.starts_with("FLOWKIT_");
        let name = canonical(name);
        match value.into_string() {
            Ok(value) if exact => drop(all.insert(name, value)),
            // The usual way to write it counts more.
            Ok(value) => drop(all.entry(name).or_insert(value)),
            Err(_) if name.starts_with("PREFECT_") || name.starts_with("FLOWKIT_") => {
                let why = format!("the setting {name} is no text: it is not in UTF-8");
                return Err(Error::new(ErrorKind::Settings, why));
            }
            Err(_) => {}
        }
    }
    Ok(all)
}
