//! The variables of this process.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::backend::memory::Memory;
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::run::lock;
use crate::variables::{Existing, NewVariable, Variable, Variables, exists};

/// How many there may be: what is in memory stays bounded, and none may be forgotten for another.
const MOST: usize = 10_000;

/// Variables by their names.
#[derive(Debug, Default)]
pub(super) struct Named(Mutex<BTreeMap<String, Variable>>);

impl Named {
    fn set(&self, new: NewVariable) -> Result<Variable, Error> {
        let mut known = lock(&self.0);
        let now = clock::now();
        let before = known.get(&new.name);
        if before.is_some() && new.existing == Existing::Refused {
            return Err(exists(&new.name));
        }
        if before.is_none() && known.len() >= MOST {
            let why = format!("there are {MOST} variables already, and no room for `{}`", new.name);
            return Err(Error::new(ErrorKind::Refused, why));
        }
        let created = before.map_or(now, |before| before.created);
        let variable = Variable { name: new.name, value: new.value, tags: new.tags, created, updated: now };
        known.insert(variable.name.clone(), variable.clone());
        Ok(variable)
    }
}

impl Memory {
    /// Takes over what an earlier process has set.
    #[cfg(feature = "embedded")]
    pub(crate) fn recall_variables(&self, variables: Vec<Variable>) {
        lock(&self.variables.0).extend(variables.into_iter().map(|variable| (variable.name.clone(), variable)));
    }

    pub(crate) fn all_variables(&self) -> Vec<Variable> {
        lock(&self.variables.0).values().cloned().collect()
    }

    pub(crate) fn known_variable(&self, name: &str) -> Option<Variable> {
        lock(&self.variables.0).get(name).cloned()
    }

    /// Sets a variable and gives what it is now.
    pub(crate) fn set_known_variable(&self, new: NewVariable) -> Result<Variable, Error> {
        self.variables.set(new)
    }

    /// Removes a variable; tells whether there was one.
    pub(crate) fn unset_known_variable(&self, name: &str) -> bool {
        lock(&self.variables.0).remove(name).is_some()
    }
}

impl Variables for Memory {
    fn variable(&self, name: String) -> BoxFuture<'_, Result<Option<Variable>, Error>> {
        ready(Ok(self.known_variable(&name))).boxed()
    }

    fn set_variable(&self, new: NewVariable) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.set_known_variable(new).map(drop)).boxed()
    }

    fn unset_variable(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(self.unset_known_variable(&name))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn there_is_room_for_so_many_and_the_known_ones_can_still_change() {
        let named = Named::default();
        let new =
            |name: String| NewVariable { name, value: Value::Null, tags: Vec::new(), existing: Existing::Replaced };
        for number in 0..MOST {
            named.set(new(number.to_string())).expect("there is room");
        }
        let error = named.set(new("more".to_owned())).expect_err("there is none");
        assert_eq!(error.to_string(), "there are 10000 variables already, and no room for `more`");
        named.set(new("7".to_owned())).expect("it is there");
    }
}
