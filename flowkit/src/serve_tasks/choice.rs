//! Which tasks are served.

use crate::def::TaskDef;
use crate::error::{Error, ErrorKind};
use crate::task_registry::{TaskEntry, background_tasks, entries_named, entry_of};

/// Names a background task: by its name, or by its declaration, which [`background_tasks`] and
/// [`TaskCall::task`](crate::TaskCall::task) give.
#[derive(Clone, Debug)]
pub struct TaskChoice(Which);

#[derive(Clone, Debug)]
enum Which {
    Name(String),
    Def(&'static TaskDef),
}

impl From<&str> for TaskChoice {
    fn from(name: &str) -> Self {
        Self(Which::Name(name.to_owned()))
    }
}

impl From<String> for TaskChoice {
    fn from(name: String) -> Self {
        Self(Which::Name(name))
    }
}

impl From<&'static TaskDef> for TaskChoice {
    fn from(def: &'static TaskDef) -> Self {
        Self(Which::Def(def))
    }
}

/// Finds the tasks that are meant; each once.
pub(super) fn choose(choices: &[TaskChoice]) -> Result<Vec<&'static TaskEntry>, Error> {
    if choices.is_empty() {
        return Err(refuse("there is no task to serve".to_owned()));
    }
    let mut chosen: Vec<&TaskEntry> = Vec::new();
    for TaskChoice(which) in choices {
        let entry = match which {
            Which::Name(name) => named(name)?,
            Which::Def(def) => entry_of(def).ok_or_else(|| {
                let why = "cannot be served: it is no background task, which `#[task(background)]` makes it";
                refuse(format!("task `{}` {why}", def.name))
            })?,
        };
        if !chosen.iter().any(|known| known.def.key == entry.def.key) {
            chosen.push(entry);
        }
    }
    Ok(chosen)
}

fn named(name: &str) -> Result<&'static TaskEntry, Error> {
    match entries_named(name)[..] {
        [entry] => Ok(entry),
        [] => {
            let known: Vec<&str> = background_tasks().iter().map(|def| def.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(refuse(format!("there is no background task `{name}` in this program: it has {known}")))
        }
        ref several => {
            let keys: Vec<String> = several.iter().map(|entry| format!("`{}`", entry.def.key)).collect();
            let keys = keys.join(" and ");
            Err(refuse(format!(
                "there is more than one background task `{name}` in this program, {keys}: give each a `name`"
            )))
        }
    }
}

fn refuse(why: String) -> Error {
    Error::new(ErrorKind::Definition, why)
}
