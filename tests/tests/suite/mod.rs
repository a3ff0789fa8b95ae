//! The behaviours that hold on every backend, by subject, and how they become tests.

use std::sync::Arc;

use flowkit_tests::suite::{Backend, Behaviour};
use libtest_mimic::Trial;
use tracing_subscriber::layer::SubscriberExt as _;

mod cancellation;
mod common;
mod errors;
mod hooks;
mod logs;
mod maps;
mod names;
mod orders;
mod parameters;
mod pauses;
mod prelude;
mod replay;
mod results;
mod retries;
mod states;
mod subflows;
mod submits;
mod timeouts;
mod upstreams;

/// Returns all behaviours.
pub(crate) fn all() -> Vec<Behaviour> {
    let subjects = [
        cancellation::all(),
        errors::all(),
        hooks::all(),
        logs::all(),
        maps::all(),
        names::all(),
        orders::all(),
        parameters::all(),
        pauses::all(),
        replay::all(),
        results::all(),
        retries::all(),
        states::all(),
        submits::all(),
        subflows::all(),
        timeouts::all(),
        upstreams::all(),
    ];
    subjects.into_iter().flatten().collect()
}

/// Makes a test of a behaviour. What a backend cannot show is ignored, and the reason is printed.
pub(crate) fn trial(behaviour: Behaviour, backend: Backend, holds: fn(&Behaviour) -> Result<(), String>) -> Trial {
    let skipped = behaviour.skips(backend);
    if let Some(reason) = behaviour.remark(backend) {
        let what = if skipped { "is not shown" } else { "differs" };
        eprintln!("{} {what} here: {reason}", behaviour.rule);
    }
    let rule = behaviour.rule;
    let behaviour = Arc::new(behaviour);
    let test = move || holds(&behaviour).map_err(Into::into);
    Trial::test(rule, test).with_ignored_flag(skipped)
}

/// Keeps log lines in the runs they belong to, and panics of bodies to themselves.
pub(crate) fn quiet() {
    let subscriber = tracing_subscriber::registry().with(flowkit::logging::layer());
    tracing::subscriber::set_global_default(subscriber).expect("nobody else sets a subscriber");
    std::panic::set_hook(Box::new(|_| {}));
}
