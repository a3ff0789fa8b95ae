//! What events are about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const ID: &str = "prefect.resource.id";
const NAME: &str = "prefect.resource.name";
const ROLE: &str = "prefect.resource.role";

/// Names a thing by labels, all of them strings, of which `prefect.resource.id` is always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(BTreeMap<String, String>);

impl Resource {
    /// Names a thing by its id, such as `prefect.flow-run.<uuid>`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(BTreeMap::from([(ID.to_owned(), id.into())]))
    }

    /// Sets `prefect.resource.name`.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.label(NAME, name)
    }

    /// Sets a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Gives the id; empty only in an event read from a server that left it out.
    pub fn id(&self) -> &str {
        self.get(ID).unwrap_or_default()
    }

    /// Gives the value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Gives all labels, by name.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// Names a thing related to an event, and its role: `flow-run`, `flow`, `tag`, `deployment` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RelatedResource(Resource);

impl RelatedResource {
    /// Names a thing by its role and its id.
    pub fn new(role: impl Into<String>, id: impl Into<String>) -> Self {
        Self(Resource::new(id).label(ROLE, role))
    }

    /// Names a tag, with the role `tag`.
    pub fn tag(tag: &str) -> Self {
        Self::new("tag", format!("prefect.tag.{tag}"))
    }

    /// Sets `prefect.resource.name`.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self(self.0.name(name))
    }

    /// Sets a label.
    #[must_use]
    pub fn label(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(self.0.label(name, value))
    }

    /// Gives the role; empty only in an event read from a server that left it out.
    pub fn role(&self) -> &str {
        self.0.get(ROLE).unwrap_or_default()
    }

    /// Gives id and labels.
    pub fn resource(&self) -> &Resource {
        &self.0
    }
}
