//! What an event is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const ID: &str = "prefect.resource.id";
const NAME: &str = "prefect.resource.name";
const ROLE: &str = "prefect.resource.role";

/// Names a thing by labels, all of them texts, of which `prefect.resource.id` is always there (Prefect's `Resource`, and its
/// `RelatedResource` if it has a role).
///
/// Where one is asked for, its id alone will do: `"shop.order.17"`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(BTreeMap<String, String>);

impl Resource {
    /// Names a thing by its id, which is best made of words with dots between, the kind first: `shop.order.17`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(BTreeMap::from([(ID.to_owned(), id.into())]))
    }

    /// Sets the name for people (`prefect.resource.name`).
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.label(NAME, name)
    }

    /// Sets a label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(label.into(), value.into());
        self
    }

    /// Sets what it has to do with an event (`prefect.resource.role`).
    #[must_use]
    pub fn with_role(self, role: impl Into<String>) -> Self {
        self.label(ROLE, role)
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.get(ID).unwrap_or_default()
    }

    /// Returns the role; empty for what an event is about itself.
    #[must_use]
    pub fn role(&self) -> &str {
        self.get(ROLE).unwrap_or_default()
    }

    /// Returns the value of a label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<&str> {
        self.0.get(label).map(String::as_str)
    }

    /// Returns all labels with their values.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Changes every value.
    pub(crate) fn map_values(&mut self, change: impl Fn(String) -> String) {
        self.0.values_mut().for_each(|value| *value = change(std::mem::take(value)));
    }
}

impl From<BTreeMap<String, String>> for Resource {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels)
    }
}

impl From<&str> for Resource {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for Resource {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}
