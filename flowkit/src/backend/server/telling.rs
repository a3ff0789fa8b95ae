//! Which states of task runs the server is told of, and which task run stands for those that it never hears of.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::backend::server::shared::Shared;
use crate::id::TaskRunId;
use crate::report::Report;
use crate::run::{TaskRun, lock};
use crate::state::State;

/// For how many of the latest runs of maps it is known what stands for them.
const MEMBERS: usize = 200_000;

/// What somebody wants to be told at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) logs: bool,
    pub(super) report: Report,
}

/// What becomes of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Telling {
    Yes,
    /// It is left out, and another one of the run has followed.
    Overtaken,
    Never,
}

impl Shared {
    /// How much is told of a run.
    pub(super) fn report_of(&self, run: &TaskRun) -> Report {
        match run.of_map() {
            Some(of_map) => of_map.report,
            // Others look after these, or wait for them.
            None if run.adopted().is_some() => Report::Auto,
            None if self.report == Report::Aggregate => Report::Auto,
            None => self.report,
        }
    }

    /// Tells what becomes of the `index`-th state of a run; `far_behind` if many others wait.
    pub(super) fn is_told(&self, run: &TaskRun, index: usize, far_behind: bool) -> Telling {
        if let (0, Some(stand_in)) = (index, run.of_map().and_then(|of_map| of_map.stand_in)) {
            self.stand_ins.note(run.id, stand_in);
        }
        let report = self.report_of(run);
        run.track.with(|states| match states.get(index) {
            Some(state) => judge(report, state, index + 1 < states.len(), far_behind),
            None => Telling::Yes,
        })
    }
}

fn judge(report: Report, state: &State, is_overtaken: bool, far_behind: bool) -> Telling {
    match report {
        Report::Auto if far_behind && is_overtaken => Telling::Overtaken,
        Report::Auto | Report::All => Telling::Yes,
        Report::Final if state.is_settled() => Telling::Yes,
        Report::Aggregate if state.is_settled() && !state.is_completed() => Telling::Yes,
        Report::Final | Report::Aggregate => Telling::Never,
    }
}

/// The task runs of maps of which only the map is told, with the task run that stands for it.
#[derive(Debug, Default)]
pub(super) struct StandIns(Mutex<Members>);

#[derive(Debug, Default)]
struct Members {
    of: HashMap<TaskRunId, TaskRunId>,
    oldest: VecDeque<TaskRunId>,
}

impl StandIns {
    fn note(&self, run: TaskRunId, stand_in: TaskRunId) {
        let members = &mut *lock(&self.0);
        if members.of.insert(run, stand_in).is_none() {
            members.oldest.push_back(run);
        }
        if members.oldest.len() > MEMBERS
            && let Some(oldest) = members.oldest.pop_front()
        {
            members.of.remove(&oldest);
        }
    }

    /// The run by which the server knows a run.
    pub(super) fn known_as(&self, run: TaskRunId) -> TaskRunId {
        lock(&self.0).of.get(&run).copied().unwrap_or(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::state::StateName;

    #[test]
    fn each_mode_tells_what_it_says() {
        let state = |name| State::new(name, Timestamp::from_unix_micros(1));
        let names =
            [StateName::Pending, StateName::Running, StateName::Completed, StateName::NotReady, StateName::Failed];
        let told = |report, overtaken, behind| names.map(|name| judge(report, &state(name), overtaken, behind));
        use Telling::{Never, Overtaken, Yes};
        assert_eq!(told(Report::All, true, true), [Yes; 5]);
        assert_eq!(told(Report::Auto, true, false), [Yes; 5]);
        assert_eq!(told(Report::Auto, false, true), [Yes; 5]);
        assert_eq!(told(Report::Auto, true, true), [Overtaken; 5]);
        assert_eq!(told(Report::Final, true, true), [Never, Never, Yes, Yes, Yes]);
        assert_eq!(told(Report::Aggregate, false, false), [Never, Never, Never, Yes, Yes]);
    }

    #[test]
    fn a_run_is_known_by_what_stands_for_it_until_many_others_have_come() {
        let (stand_ins, stand_in) = (StandIns::default(), TaskRunId::now());
        let runs: Vec<TaskRunId> = (0..=MEMBERS).map(|_| TaskRunId::now()).collect();
        runs.iter().for_each(|run| stand_ins.note(*run, stand_in));
        assert_eq!(stand_ins.known_as(runs[0]), runs[0], "it was forgotten");
        assert_eq!(stand_ins.known_as(runs[1]), stand_in);
        assert_eq!(stand_ins.known_as(stand_in), stand_in);
    }
}
