//! The files that settings may be in, read once and only if they exist.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use super::document::{self, Table};
use super::dotenv::{self, Entry};
use crate::error::{Error, ErrorKind};

/// No file of settings is larger.
const LARGEST: u64 = 8 << 20;

/// Reads a file: nothing if there is none.
pub(super) type Read<'a> = &'a dyn Fn(&Path) -> io::Result<Option<String>>;

/// How files are read.
pub(super) struct Reading<'a>(pub(super) Read<'a>);

/// What the files of the working directory say.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) dotenv: BTreeMap<String, Entry>,
    /// All of `prefect.toml`.
    pub(super) prefect: Option<Table>,
    /// The table `tool.prefect` of `pyproject.toml`.
    pub(super) pyproject: Option<Table>,
}

impl Reading<'_> {
    /// Reads the files of the working directory.
    pub(super) fn all(&self, env: &BTreeMap<String, String>) -> Result<Files, Error> {
        let pyproject = self.toml(Path::new("pyproject.toml"))?;
        Ok(Files {
            dotenv: self.dotenv(Path::new(".env"), env)?,
            prefect: self.toml(Path::new("prefect.toml"))?,
            pyproject: pyproject.and_then(|all| all.table(&["tool", "prefect"]).cloned()),
        })
    }

    /// Reads a TOML file, if there is one.
    pub(super) fn toml(&self, path: &Path) -> Result<Option<Table>, Error> {
        let Some(text) = (self.0)(path).map_err(|error| unreadable(path, &error))? else { return Ok(None) };
        document::parse(&text).map(Some).map_err(|error| {
            let why = format!("{}, line {}: this is not TOML ({})", path.display(), error.line, error.why);
            Error::new(ErrorKind::Settings, why)
        })
    }

    /// As [`toml`](Self::toml), but a file in a folder that this user may not enter is none.
    pub(super) fn toml_if_it_can_be_seen(&self, path: &Path) -> Result<Option<Table>, Error> {
        let hidden = || std::fs::symlink_metadata(path).is_err_and(|it| it.kind() == io::ErrorKind::PermissionDenied);
        match self.toml(path) {
            Err(_) if hidden() => Ok(None),
            other => other,
        }
    }

    fn dotenv(&self, path: &Path, env: &BTreeMap<String, String>) -> Result<BTreeMap<String, Entry>, Error> {
        let Some(text) = (self.0)(path).map_err(|error| unreadable(path, &error))? else { return Ok(BTreeMap::new()) };
        let values = dotenv::parse(&text, env).map_err(|line| {
            let what = "this is no assignment such as NAME=value, or a quote is not closed";
            Error::new(ErrorKind::Settings, format!("{}, line {line}: {what}", path.display()))
        })?;
        Ok(values.into_iter().map(|(name, entry)| (canonical(name), entry)).collect())
    }
}

/// Prefect does not care how the names of its settings are written.
pub(super) fn canonical(name: String) -> String {
    let ours = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if ours("PREFECT_") || ours("FLOWKIT_") { name.to_ascii_uppercase() } else { name }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Settings, format!("{} cannot be read ({error})", path.display()))
}

/// Reads a file of the disk.
pub(super) fn from_disk(path: &Path) -> io::Result<Option<String>> {
    let file = match std::fs::metadata(path) {
        // A pipe or a device would be waited for.
        Ok(found) if !found.is_file() => return Ok(None),
        Ok(_) => std::fs::File::open(path)?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(Some(text))
}
