//! Reads what a runtime has written to its file.

use std::collections::BTreeMap;
use std::path::Path;

use flowkit::{FlowRunFilter, FlowRunId, FlowRunRecord, Records, State, TaskRunId, TaskRunRecord};
use serde_json::Value;

use super::facts::{Facts, FlowFact, TaskFact};
use super::memory;

/// Returns everything that is in a file.
///
/// # Errors
///
/// What the file cannot be read for.
pub fn facts(path: &Path) -> flowkit::Result<Facts> {
    let records = Records::open(path)?;
    let mut facts = Facts::default();
    let flows = records.flow_runs(&FlowRunFilter::new().limit(u32::MAX))?;
    for run in flows.into_iter().rev() {
        add(&mut facts, &records, Some(run.id))?;
        let states = records.flow_run_states(run.id)?;
        facts.flows.push(flow(run, &states));
    }
    add(&mut facts, &records, None)?;
    Ok(facts)
}

/// Adds the task runs and log lines of a flow run, or those outside of flows.
fn add(facts: &mut Facts, records: &Records, run: Option<FlowRunId>) -> flowkit::Result<()> {
    facts.tasks.extend(records.task_runs(run)?.into_iter().map(task));
    facts.logs.extend(records.logs(run)?.iter().map(memory::log));
    Ok(())
}

fn flow(run: FlowRunRecord, states: &[State]) -> FlowFact {
    FlowFact {
        id: run.id.to_string(),
        flow: run.flow_name,
        name: run.name,
        tags: run.tags,
        parameters: run.parameters,
        parent: run.parent_task_run_id.map(|id| id.to_string()),
        states: states.iter().map(memory::state).collect(),
        run_count: run.run_count.into(),
    }
}

fn task(run: TaskRunRecord) -> TaskFact {
    TaskFact {
        id: run.id.to_string(),
        name: run.name,
        flow_run: run.flow_run_id.map(|id| id.to_string()),
        tags: run.tags,
        inputs: inputs(&run.inputs, run.parent_task_run_id),
        states: run.states.iter().map(memory::state).collect(),
        run_count: run.effort.run_count.into(),
    }
}

/// The file keeps the run that called another one apart from where that took its arguments from.
fn inputs(inputs: &Value, parent: Option<TaskRunId>) -> BTreeMap<String, Vec<String>> {
    let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let runs = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    let taken = inputs.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), runs(value)));
    taken.chain(parent.map(|parent| ("__parents__".to_owned(), vec![parent.to_string()]))).collect()
}
