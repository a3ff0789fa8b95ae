//! Draws facts as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::facts::{Facts, FlowFact, StateFact, TaskFact};
use super::words::{Words, is_generated, shown_task, without_backtrace};

/// How much of the facts a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Runs.
    Runs,
    /// Runs and their log lines.
    RunsAndLogs,
}

/// Draws what a program left behind, with what it got itself.
pub fn draw(facts: &Facts, outcome: &str, detail: Detail) -> String {
    let drawing = Drawing { facts, words: Words::of(facts), detail };
    let mut lines = drawing.top();
    lines.push(format!("= {}", drawing.words.plain(outcome)));
    lines.join("\n") + "\n"
}

struct Drawing<'a> {
    facts: &'a Facts,
    words: Words,
    detail: Detail,
}

impl Drawing<'_> {
    /// The runs that nothing else in the picture has called.
    fn top(&self) -> Vec<String> {
        let known = |id: &str| self.facts.tasks.iter().any(|task| task.id == id);
        let roots = self.facts.flows.iter().filter(|flow| !flow.parent.as_deref().is_some_and(known));
        let loose = self.facts.tasks.iter().filter(|task| task.flow_run.is_none() && self.caller(task).is_none());
        sorted(roots.map(|flow| self.flow(flow)).chain(loose.map(|task| self.task(task))).collect())
    }

    fn flow(&self, run: &FlowFact) -> Vec<String> {
        let mut line = format!("flow {}", run.flow);
        if !is_generated(&run.name) {
            let _ = write!(line, " {:?}", run.name);
        }
        line.push_str(&tags(&run.tags));
        if run.parameters.as_object().is_some_and(|parameters| !parameters.is_empty()) {
            let _ = write!(line, " {}", sorted_keys(&run.parameters));
        }
        let _ = write!(line, ": {}", self.path(&run.states, run.run_count));
        let inside = self.facts.tasks.iter();
        let inside = inside.filter(|task| task.flow_run.as_ref() == Some(&run.id) && self.caller(task).is_none());
        let logs = self.logs(|owner, task| owner == Some(&run.id) && task.is_none());
        block(line, logs, inside.map(|task| self.task(task)).collect())
    }

    fn task(&self, run: &TaskFact) -> Vec<String> {
        let mut line = shown_task(&run.name) + &tags(&run.tags);
        let edges: Vec<String> = run.inputs.iter().filter_map(|(name, runs)| self.edge(name, runs)).collect();
        if !edges.is_empty() {
            let _ = write!(line, " ({})", edges.join("; "));
        }
        let _ = write!(line, ": {}", self.path(&run.states, run.run_count));
        let called =
            self.facts.tasks.iter().filter(|task| self.caller(task) == Some(&run.id)).map(|task| self.task(task));
        let flows = self.facts.flows.iter().filter(|flow| flow.parent.as_ref() == Some(&run.id));
        let logs = self.logs(|_, task| task == Some(&run.id));
        block(line, logs, called.chain(flows.map(|flow| self.flow(flow))).collect())
    }

    /// The task run in whose body a task was called.
    fn caller<'t>(&self, task: &'t TaskFact) -> Option<&'t String> {
        task.inputs.get("__parents__")?.first()
    }

    fn edge(&self, name: &str, runs: &[String]) -> Option<String> {
        if name == "__parents__" || runs.is_empty() {
            return None;
        }
        let mut from: Vec<String> = runs.iter().map(|id| self.words.plain(id)).collect();
        from.sort();
        Some(format!("{name} <- {}", counted(from).join(", ")))
    }

    fn path(&self, states: &[StateFact], run_count: u64) -> String {
        let shown: Vec<String> = states.iter().map(|state| self.state(state)).collect();
        let mut path = shown.join(" > ");
        let running = states.iter().filter(|state| state.kind == "RUNNING").count() as u64;
        if running != run_count {
            let _ = write!(path, " run_count={run_count}");
        }
        path
    }

    fn state(&self, state: &StateFact) -> String {
        let mut shown = state.name.clone();
        if kind_of(&state.name) != state.kind {
            let _ = write!(shown, "[{}]", state.kind);
        }
        if let Some(at) = state.scheduled {
            // To a hundredth: a server stamps the state a little after it has computed the time.
            let hundredths = ((at - state.entered) as f64 / 10_000.0).round().max(0.0) + 0.0;
            let _ = write!(shown, "+{}", hundredths / 100.0);
        }
        if let Some(message) = state.message.as_ref().filter(|message| !message.is_empty()) {
            let _ = write!(shown, "({})", self.words.plain(message));
        }
        shown
    }

    fn logs(&self, belongs: impl Fn(Option<&String>, Option<&String>) -> bool) -> Vec<String> {
        if self.detail == Detail::Runs {
            return Vec::new();
        }
        let lines = self.facts.logs.iter().filter(|line| belongs(line.flow_run.as_ref(), line.task_run.as_ref()));
        let level = |number| match number {
            10 => "DEBUG",
            20 => "INFO",
            30 => "WARNING",
            40 => "ERROR",
            _ => "LEVEL?",
        };
        let shown = lines.filter_map(|line| {
            let message = without_backtrace(&line.message)?;
            Some(format!("{} {}", level(line.level), self.words.plain(message)))
        });
        shown.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// The type that states of a standard name have; only others are shown.
fn kind_of(name: &str) -> &'static str {
    match name {
        "AwaitingRetry" | "Scheduled" | "Late" | "Resuming" | "AwaitingConcurrencySlot" => "SCHEDULED",
        "Pending" | "NotReady" | "Submitting" | "InfrastructurePending" => "PENDING",
        "Running" | "Retrying" => "RUNNING",
        "Completed" | "Cached" | "RolledBack" => "COMPLETED",
        "Failed" | "TimedOut" => "FAILED",
        "Cancelled" => "CANCELLED",
        "Crashed" => "CRASHED",
        "Paused" | "Suspended" => "PAUSED",
        "Cancelling" => "CANCELLING",
        _ => "",
    }
}

fn tags(tags: &[String]) -> String {
    if tags.is_empty() { String::new() } else { format!(" [{}]", tags.join(" ")) }
}

/// JSON whose objects have their keys in order.
fn sorted_keys(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            let shown: Vec<_> =
                fields.into_iter().map(|(key, value)| format!("{key:?}:{}", sorted_keys(value))).collect();
            format!("{{{}}}", shown.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted_keys).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// A line with what lies below it, indented: log lines in their order, then runs.
fn block(line: String, logs: Vec<String>, below: Vec<Vec<String>>) -> Vec<String> {
    let inner = logs.into_iter().chain(sorted(below)).map(|line| format!("  {line}"));
    std::iter::once(line).chain(inner).collect()
}

/// Sorts blocks by their text and counts equal ones.
fn sorted(mut blocks: Vec<Vec<String>>) -> Vec<String> {
    blocks.sort();
    let texts = blocks.into_iter().map(|lines| lines.join("\n")).collect();
    counted(texts).iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

/// Puts the number before what is there more than once.
fn counted(texts: Vec<String>) -> Vec<String> {
    let mut all: Vec<(usize, String)> = Vec::new();
    for text in texts {
        match all.last_mut() {
            Some((count, last)) if *last == text => *count += 1,
            _ => all.push((1, text)),
        }
    }
    all.into_iter().map(|(count, text)| if count == 1 { text } else { format!("{count} x {text}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, kind: &str) -> StateFact {
        StateFact { name: name.into(), kind: kind.into(), message: None, entered: 0, scheduled: None }
    }

    #[test]
    fn a_picture_nests_sorts_and_counts() {
        let done = vec![state("Pending", "PENDING"), state("Running", "RUNNING"), state("Mine", "COMPLETED")];
        let task = |id: &str, name: &str, parent: Option<&str>| TaskFact {
            id: id.into(),
            name: name.into(),
            flow_run: Some("f".into()),
            tags: vec![],
            inputs: parent.map(|parent| ("__parents__".to_owned(), vec![parent.to_owned()])).into_iter().collect(),
            states: done.clone(),
            run_count: 1,
        };
        let flow = FlowFact {
            id: "f".into(),
            flow: "f".into(),
            name: "odd-7".into(),
            tags: vec!["a".into()],
            parameters: serde_json::json!({"b": 1, "a": {"d": 1, "c": [2]}}),
            parent: None,
            states: done.clone(),
            run_count: 2,
        };
        let tasks = vec![task("1", "t-abc", None), task("2", "t-def", None), task("3", "s", Some("2"))];
        let facts = Facts { flows: vec![flow], tasks, logs: vec![] };
        let path = "Pending > Running > Mine[COMPLETED]";
        let expected = format!(
            "flow f \"odd-7\" [a] {{\"a\":{{\"c\":[2],\"d\":1}},\"b\":1}}: {path} run_count=2\n  t-*: {path}\n  t-*: {path}\n    s: {path}\n= it\n"
        );
        assert_eq!(draw(&facts, "it", Detail::Runs), expected);
    }
}
