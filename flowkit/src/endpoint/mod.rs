//! The HTTP endpoint of a program: the part of Prefect's API by which others start, list, watch and cancel its runs.
//!
//! A question comes in by [`listen`], is let in by `guard`, is told apart by `route`, and is answered by `answer` from
//! what [`Program`] knows. All but `listen`, `socket` and `watch` are functions from values to values.

mod program;

mod guard;
mod reply;
mod route;

mod filter;
mod form;
mod page;
mod rows;
mod show;

mod answer;
mod list;
mod set_state;
mod trigger;
mod update;

mod listen;
mod socket;
mod watch;

pub(crate) use guard::Token;
pub(crate) use listen::{Address, Endpoint};
pub(crate) use program::Program;
