//! What runs show to people: what an artifact is, what is refused, and the port to where they are kept.

use std::fmt;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::id::{FlowRunId, TaskRunId};

/// Something that a run has shown to people.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Artifact {
    /// The id.
    pub id: Uuid,
    /// The key that it shares with the artifacts that it follows.
    pub key: Option<String>,
    /// What kind it is.
    pub kind: ArtifactKind,
    /// What people are told about it, Markdown.
    pub description: Option<String>,
    /// What it holds, as Prefect keeps it: text for Markdown and the address of an image, JSON in a text for a table, a
    /// number for progress.
    pub data: Value,
    /// The flow run that made it.
    pub flow_run_id: Option<FlowRunId>,
    /// The task run that made it.
    pub task_run_id: Option<TaskRunId>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
}

impl Artifact {
    /// Returns its text: Markdown (a link is that as well), or the address of an image.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            ArtifactKind::Table => None,
            _ => self.data.as_str(),
        }
    }

    /// Returns how far something has come, from 0 to 100, if this is a progress.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        if self.kind == ArtifactKind::Progress { self.data.as_f64() } else { None }
    }

    /// Reads the rows of a table, also of one that was written as columns.
    ///
    /// # Errors
    /// An error of kind [`WrongType`](ErrorKind::WrongType) if this is no table, or a row is no `T`.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let wrong = |why: String| Error::new(ErrorKind::WrongType, format!("artifact {self} {why}"));
        if self.kind != ArtifactKind::Table {
            return Err(wrong(format!("is {}, and no table", self.kind.as_str())));
        }
        let table = match &self.data {
            Value::String(text) => serde_json::from_str(text).map_err(|error| wrong(format!("is damaged: {error}")))?,
            table => table.clone(),
        };
        let rows = match table {
            Value::Array(rows) => rows,
            Value::Object(columns) => transposed(columns),
            _ => return Err(wrong("has no rows".to_owned())),
        };
        let read = |(number, row)| {
            let no = |error| wrong(format!("has a row {number} that is no `{}`: {error}", std::any::type_name::<T>()));
            serde_json::from_value(row).map_err(no)
        };
        (1..).zip(rows).map(read).collect::<Result<_, Error>>()
    }
}

/// Shows what names it: its key, or else its id.
impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "`{key}`"),
            None => write!(f, "`{}`", self.id),
        }
    }
}

/// Makes rows of columns; what a column does not have is null.
fn transposed(columns: Map<String, Value>) -> Vec<Value> {
    let length = columns.values().filter_map(Value::as_array).map(Vec::len).max().unwrap_or(0);
    let cell = |column: &Value, row: usize| column.get(row).cloned().unwrap_or_default();
    let row = |row| columns.iter().map(|(name, column)| (name.clone(), cell(column, row))).collect();
    (0..length).map(row).map(Value::Object).collect()
}

/// What kind an artifact is, in Prefect's words.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ArtifactKind {
    /// Markdown; links are of this kind.
    Markdown,
    /// A table.
    Table,
    /// How far something has come.
    Progress,
    /// The address of an image.
    Image,
    /// What others have made.
    Other(String),
}

impl ArtifactKind {
    /// Returns Prefect's word: `markdown`, `table`, `progress`, `image`, or what others have said.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Markdown => "markdown",
            Self::Table => "table",
            Self::Progress => "progress",
            Self::Image => "image",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for ArtifactKind {
    fn from(word: String) -> Self {
        match word.as_str() {
            "markdown" => Self::Markdown,
            "table" => Self::Table,
            "progress" => Self::Progress,
            "image" => Self::Image,
            _ => Self::Other(word),
        }
    }
}

impl From<ArtifactKind> for String {
    fn from(kind: ArtifactKind) -> Self {
        match kind {
            ArtifactKind::Other(word) => word,
            known => known.as_str().to_owned(),
        }
    }
}

/// An artifact that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewArtifact {
    pub(crate) key: Option<String>,
    pub(crate) kind: ArtifactKind,
    pub(crate) description: Option<String>,
    pub(crate) data: Value,
    pub(crate) flow_run: Option<FlowRunId>,
    pub(crate) task_run: Option<TaskRunId>,
}

/// Where artifacts are kept. What is given has been checked, and holds no secret.
pub(crate) trait Artifacts: Send + Sync {
    /// Makes an artifact.
    fn create_artifact(&self, new: NewArtifact) -> BoxFuture<'_, Result<Artifact, Error>>;

    /// Has an artifact hold something else; one that is gone stays so.
    fn update_artifact<'a>(&'a self, artifact: &'a Artifact, data: Value) -> BoxFuture<'a, Result<(), Error>>;

    /// Reads the artifact of a key that was changed last.
    fn artifact(&self, key: String) -> BoxFuture<'_, Result<Option<Artifact>, Error>>;
}

/// Refuses what Prefect refuses as a key.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    let accepted = "lowercase letters, digits and dashes are accepted";
    let refuse = |why: String| Err(Error::new(ErrorKind::Input, format!("{why}: {accepted}")));
    let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    match key.chars().find(|letter| !is_fit(*letter)) {
        Some(odd) => refuse(format!("`{}` cannot be the key of an artifact because of {odd:?}", key.escape_debug())),
        None if key.is_empty() => refuse("the key of an artifact is empty".to_owned()),
        None => Ok(()),
    }
}

/// Refuses what is no table: a list of rows, which are objects or lists of cells, or an object of columns.
pub(crate) fn check_table(table: &Value) -> Result<(), Error> {
    let odd = match table {
        Value::Array(rows) => {
            let odd = rows.iter().position(|row| !row.is_object() && !row.is_array());
            odd.map(|at| format!("row {} is neither", at + 1))
        }
        Value::Object(columns) => {
            let odd = columns.iter().find(|(_, column)| !column.is_array());
            odd.map(|(name, _)| format!("column `{name}` is no list"))
        }
        _ => Some("this is neither".to_owned()),
    };
    let Some(odd) = odd else { return Ok(()) };
    let accepted = "a table is a list of rows (structs, maps or lists of cells) or a map of columns (lists)";
    Err(Error::new(ErrorKind::Input, format!("{accepted}: {odd}")))
}

/// Refuses what is no percentage.
pub(crate) fn check_percent(percent: f64) -> Result<(), Error> {
    if (0.0..=100.0).contains(&percent) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Input, format!("a progress of {percent} % cannot be: 0 to 100 are accepted")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_those_that_prefect_accepts() {
        for key in ["a", "daily-report-2", "-", "7"] {
            check_key(key).expect(key);
        }
        let refused = |key| check_key(key).expect_err("it is refused").to_string();
        let accepted = "lowercase letters, digits and dashes are accepted";
        let odd = "`daily_report` cannot be the key of an artifact because of '_'";
        assert_eq!(refused("daily_report"), format!("{odd}: {accepted}"));
        assert_eq!(refused(""), format!("the key of an artifact is empty: {accepted}"));
    }

    #[test]
    fn tables_are_rows_or_columns() {
        for table in [json!([]), json!([{"a": 1}, {}]), json!([[1, 2], []]), json!({"a": [1], "b": []}), json!({})] {
            check_table(&table).expect("it is a table");
        }
        let refused = |table| check_table(&table).expect_err("it is refused").to_string();
        assert!(refused(json!([[1], 2])).ends_with(": row 2 is neither"));
        assert!(refused(json!({"a": 1})).ends_with(": column `a` is no list"));
        let accepted = "a table is a list of rows (structs, maps or lists of cells) or a map of columns (lists)";
        assert_eq!(refused(json!("a")), format!("{accepted}: this is neither"));
    }

    #[test]
    fn a_percentage_is_from_0_to_100() {
        for percent in [0.0, -0.0, 0.1, 100.0] {
            check_percent(percent).expect("it is one");
        }
        let refused = |percent| check_percent(percent).expect_err("it is none").to_string();
        assert_eq!(refused(101.0), "a progress of 101 % cannot be: 0 to 100 are accepted");
        assert_eq!(refused(-0.5), "a progress of -0.5 % cannot be: 0 to 100 are accepted");
        assert_eq!(refused(f64::NAN), "a progress of NaN % cannot be: 0 to 100 are accepted");
    }

    #[test]
    fn kinds_are_words() {
        let written = serde_json::to_value(ArtifactKind::Other("odd".to_owned())).expect("it is written");
        assert_eq!(written, json!("odd"));
        assert_eq!(serde_json::from_value::<ArtifactKind>(json!("table")).expect("a kind"), ArtifactKind::Table);
    }
}
