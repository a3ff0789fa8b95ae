//! What a program has been set to, and by whom.

use std::borrow::Cow;
use std::fmt;

use super::known::KNOWN;
use super::origin::Origin;
use super::sources::Sources;
use super::{Serving, Settings};
use crate::error::Error;

const MASK: &str = "********";

/// Tells every setting that flowkit reads: its value, and where that comes from.
///
/// What it returns prints as a table, and its secrets are hidden, so that it can be put into a log or an issue. It is what
/// `prefect config view` is for Python. What code sets, as with [`Runtime::builder`](crate::Runtime::builder), is not in it.
///
/// ```
/// let shown = flowkit::settings::show()?;
/// println!("{shown}");
/// let retries = shown.get("PREFECT_TASKS_DEFAULT_RETRIES").expect("it is a setting");
/// println!("{:?} from {}", retries.value(), retries.origin());
/// # Ok::<_, flowkit::Error>(())
/// ```
///
/// # Errors
/// A file that cannot be read, or a profile that does not exist. A value that cannot be used is none: the table tells of
/// it, see [`Shown::problem`].
pub fn show() -> Result<Shown, Error> {
    Sources::of_process().map(|sources| shown(&sources))
}

/// All settings, with their values and where those come from.
#[derive(Clone, Debug)]
pub struct Shown {
    profile: Option<String>,
    settings: Vec<Setting>,
    problem: Option<String>,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    name: &'static str,
    value: Option<String>,
    shown: Cow<'static, str>,
    origin: Origin,
}

impl Shown {
    /// Returns the name of the active profile, if there is one: `PREFECT_PROFILE`.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Returns all settings: Prefect's, then flowkit's own.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// Returns the setting of a name, such as `PREFECT_API_URL`; `None` if flowkit reads none of that name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// Returns why the settings cannot be used, if they cannot: the first value that is wrong, where it is and what is
    /// accepted.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

impl Setting {
    /// Returns its name, such as `PREFECT_API_URL`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns its value; `None` if nothing is set and no value stands for that. A secret is `********`.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Returns where the value comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Prints a table: name, value, origin.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(profile) = &self.profile {
            writeln!(f, "profile: {profile}\n")?;
        }
        let width = |of: fn(&Setting) -> usize| self.settings.iter().map(of).max().unwrap_or(0);
        let names = width(|setting| setting.name.len());
        // A long value is no reason to push all others to the right.
        let values = width(|setting| setting.shown.chars().count().min(48));
        for Setting { name, shown, origin, .. } in &self.settings {
            writeln!(f, "{name:names$}  {shown:values$}  {origin}")?;
        }
        match &self.problem {
            Some(problem) => write!(f, "\nThey cannot be used: {problem}"),
            None => Ok(()),
        }
    }
}

pub(super) fn shown(sources: &Sources) -> Shown {
    let settings = KNOWN.iter().map(|known| {
        let found = sources.find(known);
        let origin = found.as_ref().map_or(Origin::Default, |found| found.origin.clone());
        let text = found.map(|found| found.text.trim()).filter(|text| !text.is_empty());
        let value = match text {
            Some(_) if known.secret => Some(MASK.to_owned()),
            Some(text) => Some(without_credentials(text)),
            None => Some(known.default).filter(|default| !default.starts_with('(')).map(str::to_owned),
        };
        let shown = value.clone().map_or(Cow::Borrowed(known.default), Cow::Owned);
        Setting { name: known.name, value, shown, origin }
    });
    let problem = Settings::read(sources).err().or_else(|| Serving::read(sources).err()).map(|error| error.to_string());
    Shown { profile: sources.profile().map(str::to_owned), settings: settings.collect(), problem }
}

/// Leaves out what a URL has of user, password and query.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(Cow::Borrowed(authority), |(_, host)| format!("{MASK}@{host}").into());
    match path.split_once('?') {
        Some((path, _)) => format!("{scheme}://{host}{path}?{MASK}"),
        None => format!("{scheme}://{host}{path}"),
    }
}
