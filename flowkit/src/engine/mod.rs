//! Runs tasks and flows. Reports through ports only: no file, no socket, no printing.

pub(crate) mod transition;

pub(crate) mod retry;

pub(crate) mod context;

pub(crate) mod adopt;
pub(crate) mod assets;
pub(crate) mod attempt;
pub(crate) mod body;
pub(crate) mod choice;
pub(crate) mod fingerprint;
pub(crate) mod flow_run;
pub(crate) mod hooks;
pub(crate) mod journal;
pub(crate) mod map_run;
pub(crate) mod panic;
pub(crate) mod pause;
pub(crate) mod progress;
pub(crate) mod promise;
pub(crate) mod receive;
mod record;
mod replay;
pub(crate) mod results;
pub(crate) mod stop;
pub(crate) mod stub;
mod tag_slots;
mod task_extra;
mod task_log;
pub(crate) mod task_run;
mod task_stop;
pub(crate) mod timers;
pub(crate) mod transaction;
pub(crate) mod untold;
pub(crate) mod wait;
