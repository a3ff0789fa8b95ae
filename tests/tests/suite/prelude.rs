//! What the files of behaviours import.

pub(crate) use std::time::Duration;

pub(crate) use expect_test::expect;
pub(crate) use flowkit::prelude::*;
pub(crate) use flowkit_tests::suite::{
    Backend, Behaviour, Stage, behaviour, flow, scene, until, until_flow, until_task,
};
