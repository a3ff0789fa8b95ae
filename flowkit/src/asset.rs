//! Data that tasks make and use, outside of the program: what it is called, and what is told of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::run::TaskRun;

/// The longest key in bytes.
const LONGEST: usize = 512;

/// Names some data that a task makes or uses, such as a table or a file (Prefect's `Asset`).
///
/// In an attribute a string is enough: `#[task(materializes = "s3://lake/articles")]`. A constant says more:
///
/// ```
/// use flowkit::{Asset, prelude::*};
///
/// const ARTICLES: Asset = Asset::new("s3://lake/articles").name("Articles").owners(&["data team"]);
///
/// #[task(materializes = ARTICLES)]
/// async fn load(rows: u64) -> flowkit::Result<u64> {
///     flowkit::asset_metadata(ARTICLES.key(), serde_json::json!({"rows": rows}))?;
///     Ok(rows)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Asset {
    key: &'static str,
    name: Option<&'static str>,
    description: Option<&'static str>,
    url: Option<&'static str>,
    owners: &'static [&'static str],
}

impl Asset {
    /// Names data by a key in the form of a URI, `s3://bucket/table`: a protocol of lower-case letters and digits, no
    /// white space, none of ``# ? & % " ' < > [ ] { } | \ ^ ` ``, and at most 512 bytes.
    ///
    /// A key that has another form does not compile where the asset is used in an attribute.
    #[must_use]
    pub const fn new(key: &'static str) -> Self {
        Self { key, name: None, description: None, url: None, owners: &[] }
    }

    /// Sets a name for people.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets a description.
    #[must_use]
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// Sets an address where people can look at the data.
    #[must_use]
    pub const fn url(mut self, url: &'static str) -> Self {
        self.url = Some(url);
        self
    }

    /// Sets who the data belongs to.
    #[must_use]
    pub const fn owners(mut self, owners: &'static [&'static str]) -> Self {
        self.owners = owners;
        self
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// Tells whether the key has the form of one.
    #[doc(hidden)]
    #[must_use]
    pub const fn has_key(&self) -> bool {
        let bytes = self.key.as_bytes();
        let mut protocol = 0;
        while protocol < bytes.len() && (bytes[protocol].is_ascii_lowercase() || bytes[protocol].is_ascii_digit()) {
            protocol += 1;
        }
        let slashes = protocol + 2 < bytes.len()
            && bytes[protocol] == b':'
            && bytes[protocol + 1] == b'/'
            && bytes[protocol + 2] == b'/';
        if protocol == 0 || !slashes || bytes.len() > LONGEST {
            return false;
        }
        let mut place = 0;
        while place < bytes.len() {
            if matches!(
                bytes[place],
                0 | b'\n'
                    | b'\r'
                    | b'\t'
                    | b' '
                    | b'#'
                    | b'?'
                    | b'&'
                    | b'%'
                    | b'"'
                    | b'\''
                    | b'<'
                    | b'>'
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'|'
                    | b'\\'
                    | b'^'
                    | b'`'
            ) {
                return false;
            }
            place += 1;
        }
        true
    }

    /// What is known beside the key, under Prefect's labels.
    pub(crate) fn labels(&self) -> Vec<(&'static str, String)> {
        let owners = (!self.owners.is_empty()).then(|| serde_json::json!(self.owners).to_string());
        [
            ("prefect.resource.name", self.name.map(str::to_owned)),
            ("prefect.asset.description", self.description.map(str::to_owned)),
            ("prefect.asset.url", self.url.map(str::to_owned)),
            ("prefect.asset.owners", owners),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .collect()
    }
}

/// What the attribute of a task says about assets.
#[derive(Clone, Copy, Debug)]
pub struct AssetsDef {
    pub(crate) materializes: &'static [Asset],
    pub(crate) by: Option<&'static str>,
    pub(crate) deps: &'static [Asset],
}

impl AssetsDef {
    /// Declares which assets a task makes, with which tool, and which others it uses.
    #[must_use]
    pub const fn new(materializes: &'static [Asset], by: Option<&'static str>, deps: &'static [Asset]) -> Self {
        Self { materializes, by, deps }
    }
}

/// What is noted of the assets of a task run.
#[derive(Debug, Default)]
pub(crate) struct AssetNotes {
    /// What the run makes them of.
    pub(crate) upstream: OnceLock<Vec<Asset>>,
    /// What the body has said of each.
    pub(crate) metadata: Mutex<HashMap<&'static str, Map<String, Value>>>,
}

/// Something that happened to an asset (Prefect's `prefect.asset.*` events).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssetEvent {
    /// The id.
    pub id: Uuid,
    /// When it happened.
    pub occurred: Timestamp,
    /// What happened: `prefect.asset.materialization.succeeded`, `prefect.asset.materialization.failed` or
    /// `prefect.asset.referenced`.
    pub event: &'static str,
    /// The asset.
    pub asset: Asset,
    /// The assets that it was made of.
    pub upstream: Vec<Asset>,
    /// The tool that it was made with.
    pub materialized_by: Option<&'static str>,
    /// What the body has noted of it.
    pub metadata: Option<Map<String, Value>>,
    /// The run that made it, or used it to make another.
    pub task_run: Arc<TaskRun>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_uri_without_special_characters() {
        for key in ["s3://bucket/table", "postgres://db", "file://a/b.csv", "x9://ü"] {
            assert!(Asset::new(key).has_key(), "{key}");
        }
        let long: &'static str = Box::leak(format!("s3://{}", "x".repeat(508)).into_boxed_str());
        for key in ["", "table", "S3://b", "s3:/b", "s3://a b", "s3://a?b", "s3://a{b}", "s3://a\nb", long] {
            assert!(!Asset::new(key).has_key(), "{key}");
        }
    }
}
