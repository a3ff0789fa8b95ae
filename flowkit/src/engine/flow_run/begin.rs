//! From a call to a flow run that exists at the backend.

use std::sync::Arc;

use crate::backend::{NewFlowRun, ParentRun, Told};
use crate::engine::body::name_of;
use crate::engine::context::{Context, FlowScope};
use crate::engine::flow_run::record::Record;
use crate::engine::flow_run::replay::{Noted, Recalled};
use crate::engine::flow_run::{FlowJob, LiveFlow};
use crate::engine::flow_run::{resumable, store};
use crate::engine::journal::{Place, Slot};
use crate::engine::stop::Above;
use crate::engine::timers;
use crate::engine::wait;
use crate::error::{Error, ErrorKind};
use crate::options::{self, Effective};
use crate::run::FlowRun;
use crate::state::StateName;

/// What a call of a flow has come to.
pub(crate) enum Begun<T> {
    /// The run goes on.
    Live(Box<LiveFlow<T>>),
    /// A subflow that ended well in an earlier attempt of the flow that calls it: that run, and its value.
    Replayed(Arc<FlowRun>, T),
}

/// Creates the run at the backend, unless an earlier attempt of the flow that calls it has brought it to a good end.
pub(crate) async fn begin<T: Send + 'static>(mut job: FlowJob<T>, ambient: Context) -> Result<Begun<T>, Error> {
    let mut effective = Effective::resolve(job.overrides.as_deref(), &job.def.options, &ambient.ports.flow_defaults);
    if let Some(refused) = job.overrides.as_mut().and_then(|call| call.refused.take()) {
        job.body = Err(refused);
    }
    if let Err(refused) = store::check(&job, &mut effective, &ambient.ports.results) {
        job.body = Err(refused);
    }
    let mut name = None;
    if let Ok(body) = &job.body {
        let cannot_repeat = effective.retries > 0 && !body.can_repeat();
        if cannot_repeat {
            effective.retries = 0;
        }
        let params: Vec<&str> = job.def.params.iter().map(|param| param.name).collect();
        match name_of(effective.run_name.as_deref(), &params, &**body) {
            Ok(rendered) => name = rendered,
            Err(refused) => job.body = Err(refused),
        }
        if cannot_repeat && job.overrides.as_ref().is_some_and(|call| call.ask_for_retries()) {
            let why = format!("flow `{}` cannot be retried: one of its parameters is not Clone", job.def.name);
            job.body = Err(Error::new(ErrorKind::Definition, why));
        }
    }
    if job.body.is_ok() && effective.needs_timers() {
        job.body = timers::check(format_args!("flow `{}` has a timeout or a delay before retries", job.def.name))
            .and(job.body);
    }
    let noted = ambient.journal.as_ref().map(|place| Noted::claim(place, &job));
    let goes_on = job.existing.as_ref().is_some_and(|existing| existing.state.is(StateName::Interrupted));
    let is_resumable =
        goes_on || resumable::is(&effective, &ambient.ports) || noted.as_ref().is_some_and(Noted::is_on_disk);
    let returns = job.body.as_ref().ok().map(|body| body.returns());
    let (mut journal, mut done_by, mut recorded) = (None, None, None);
    match &noted {
        Some(noted) => match noted.recall(job.def, returns, &ambient).await? {
            Recalled::Value(run, value) => return Ok(Begun::Replayed(run, value)),
            Recalled::Recorded(existing, value) => recorded = Some((existing, value)),
            Recalled::Journal(earlier) => journal = Some(earlier),
            Recalled::Interrupted(existing) => job.existing = Some(existing),
            Recalled::After(run) => done_by = Some(run),
        },
        None if is_resumable && job.existing.is_none() && job.body.is_ok() => {
            job.existing = resumable::interrupted(job.def, job.parameters.clone(), &ambient).await?;
        }
        None => {}
    }
    let is_subflow = ambient.flow.is_some();
    let (backend, new) = (&ambient.ports.backend, asked_for(&job, &effective, name, &ambient, is_resumable));
    if let (Some((existing, value)), Some(journals)) = (recorded, backend.journals()) {
        return Ok(Begun::Replayed(journals.revive(*existing, new), value));
    }
    let run = match job.existing.take() {
        None => backend.create_flow_run(new).await?,
        Some(existing) => {
            done_by = Some(existing.id).filter(|_| existing.state.is(StateName::Interrupted));
            backend.adopt_flow_run(*existing, new).await?
        }
    };
    let journal = match journal.filter(|_| !is_resumable) {
        Some(journal) => Some(journal),
        None if is_resumable => Some(resumable::journal(&run, done_by, effective.retries > 0, &ambient).await?),
        None => (effective.retries > 0).then(Arc::default),
    };
    if let (Some(noted), Some(journal)) = (&noted, &journal) {
        noted.begun(&run, journal);
    }
    let cancel = ambient.cancel.child_token();
    let scope = Arc::new(FlowScope::new(Arc::clone(&run), cancel.clone()));
    ambient.ports.stopping.flow_began(&scope);
    ambient.ports.backend.watch(&run, told_through(&scope));
    let context = Context {
        flow: Some(Arc::clone(&scope)),
        task: None,
        cancel,
        log_prints: effective.log_prints.unwrap_or(ambient.log_prints),
        ports: Arc::clone(&ambient.ports),
        tags: ambient.tags.clone(),
        held: ambient.held.clone(),
        transaction: ambient.transaction.clone(),
        journal: journal.map(|journal| Arc::new(Place { journal, within: Slot::FLOW })),
    };
    context.enter(|| {
        let what = if is_subflow { "subflow" } else { "flow" };
        tracing::info!(target: "flowkit::run", "Beginning {what} run '{}' for flow '{}'", run.name, job.def.name);
        resumable::tell(&context);
    });
    let record = Record { run, ports: Arc::clone(&ambient.ports), left_alone: false, is_resumable };
    let above = Above::of(ambient.task);
    let live = LiveFlow { job, effective, record, context, scope, caller: ambient.flow, noted, above, hold: None };
    Ok(Begun::Live(Box::new(live)))
}

/// What the backend is asked for.
fn asked_for<T>(
    job: &FlowJob<T>,
    effective: &Effective,
    name: Option<String>,
    ambient: &Context,
    is_resumable: bool,
) -> NewFlowRun {
    let parent = ambient.flow.as_ref().map(|scope| ParentRun {
        flow_run: Arc::clone(&scope.run),
        task_run: ambient.task.as_ref().map(|task| task.id),
        nth: scope.count_call(job.def.key),
    });
    NewFlowRun {
        def: job.def,
        name,
        parameters: job.parameters.clone(),
        tags: ambient.with_scoped(options::tags(job.overrides.as_deref(), &job.def.options)),
        retries: effective.retries,
        retry_delay: effective.retry_delay.clone(),
        parent,
        wait_for: wait::runs(&job.wait_for),
        is_resumable,
    }
}

/// What the backend calls when somebody else puts the run into a state.
fn told_through(scope: &Arc<FlowScope>) -> Told {
    let scope = Arc::downgrade(scope);
    Arc::new(move |state| {
        if let Some(scope) = scope.upgrade() {
            scope.put_into(state);
        }
    })
}
