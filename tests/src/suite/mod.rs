//! One set of small programs, each run on every backend and compared with one expectation.
//!
//! A [`Behaviour`] is a rule in words, a program and the picture that the program must leave behind. The picture is
//! text: every flow run with its task runs below it, and each run's name, tags, parameters, edges, states and
//! messages. What a backend knows is read as plain [`Facts`], from the [history](memory) of a runtime in memory, from
//! the [file](embedded) of one that keeps its runs, or from the [REST API](server) of a Prefect server; everything after
//! that is the same for all, so that the backends cannot differ in what is looked at.
//!
//! ```text
//! flow scene: Pending > Running > Completed
//!   double-* [net] (n <- one-*): Pending > Running > Retrying > Completed
//!   2 x one-*: Pending > Running > Completed
//!   child-0: Pending > Running > Completed
//!     flow child "kid 7" {"n":7}: Pending > Running > Completed
//! = Ok(14)
//! ```
//!
//! | in a picture | is |
//! | --- | --- |
//! | `scene` | the name of the flow; the run's own name follows in quotes unless it was generated |
//! | `one-*` | a task run's name; three digits that stand for a generated key become a star |
//! | `[net]` | tags |
//! | `(n <- one-*)` | edges: the argument, and the runs it came from |
//! | `Failed(why)` | a state with its message |
//! | `AwaitingRetry+1.5` | a state that ends 1.5 s later, as the scheduled time says |
//! | `run_count=0` | how often the body was started, where the states do not say so |
//! | a line below a task | a run that was called in its body, or the flow run that it stands for |
//! | `INFO text` | a line of the run's log, shown where the behaviour is about logs |
//! | `= Ok(14)` | what the program itself got |
//!
//! Lines of equal rank are sorted, and equal ones are counted, since runs beside each other have no order.
//!
//! What is not looked at: task versions and descriptions (not in the history), the moments of states beyond their
//! order and scheduled times (one clock is paused and the other is not), and the ids.

mod behaviour;
pub mod embedded;
mod facts;
pub mod memory;
mod picture;
pub mod server;
mod stage;
mod words;

pub use behaviour::{Backend, Behaviour, behaviour, flow, scene};
pub use facts::{Facts, FlowFact, LogFact, StateFact, TaskFact};
pub use picture::{Detail, draw};
pub use stage::{Roots, Stage, until, until_flow, until_task};
