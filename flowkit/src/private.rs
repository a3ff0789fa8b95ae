//! What the macros name. Not part of the public interface; it may change in any release.

use std::any::TypeId;
#[cfg(feature = "test-util")]
use std::future::Future;
use std::time::Duration;

pub use inventory;

pub use crate::arguments::{Args, Inputs};
pub use crate::asset::{Asset, AssetsDef};
pub use crate::canonical::{Canonical, Unserializable};
pub use crate::def::{FlowDef, ParamDef, TaskDef};
pub use crate::defer::Given;
pub use crate::delay::{BackgroundArgs, Restored};
pub use crate::flow_fn::FlowParams;
pub use crate::hook::{HookDef, Hooks};
pub use crate::hook_fn::{Hook, call_hook, call_transaction_hook};
pub use crate::input::Input;
pub use crate::keep::{
    KeepAsRef, KeepDebug, KeepDebugged, KeepDisplay, KeepDisplayed, KeepLocal, KeepLocalAsRef, KeepStandard, Kept,
};
pub use crate::options::Options;
pub use crate::prints::print_line;
pub use crate::probe::{Absent, Probe, WriteFn};
pub use crate::registry::{FlowEntry, FlowStart};
pub use crate::retry_delay::RetryDelay;
pub use crate::returns::{CloneFn, DecodeFn, EncodeFn, Returns};
pub use crate::task_registry::TaskEntry;
pub use crate::txn::{TransactionHookDef, TransactionHooks};
pub use crate::user_error::UserError;
pub use crate::{outcome, paused_test, returns, show, written};
pub use start::{Start, Unfit};
// `println!` in a body means this one, which can make a log line of what is printed.
pub use crate::printed_line as println;

#[path = "private/start.rs"]
mod start;

/// The value type of a `Result`, under whatever alias.
#[diagnostic::on_unimplemented(
    message = "`{Self}` ends in `Result` and is none",
    label = "a type whose name ends in `Result` must be a `Result`"
)]
pub trait Fallible {
    /// The value.
    type Value;
    /// The error.
    type Error;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;
}

/// Lets a test through where the clock can be paused.
#[cfg(feature = "test-util")]
#[doc(hidden)]
#[macro_export]
macro_rules! paused_test {
    ($($test:tt)*) => { $($test)* };
}

/// Says what is missing for tests on a paused clock.
#[cfg(not(feature = "test-util"))]
#[doc(hidden)]
#[macro_export]
macro_rules! paused_test {
    ($($test:tt)*) => {
        ::core::compile_error! {
            "#[flowkit::test] needs flowkit's feature `test-util`: `flowkit = { features = [\"test-util\"], .. }` among the dev-dependencies"
        }
    };
}

/// Runs what `#[flowkit::test]` is on.
#[cfg(feature = "test-util")]
pub fn run_test<F: Future>(test: impl FnOnce(crate::Runtime) -> F) -> F::Output {
    crate::testing::run(test)
}

/// Turns what a body returned into a value or a kept error.
#[doc(hidden)]
#[macro_export]
macro_rules! outcome {
    (@ $error:ident) => {
        ::core::option::Option::None
    };
    (@ $error:ident, $retry_if:expr) => {
        ::core::option::Option::Some($retry_if(&$error))
    };
    ($result:expr $(, $retry_if:expr)?) => {
        match $result {
            ::core::result::Result::Ok(value) => ::core::result::Result::Ok(value),
            ::core::result::Result::Err(error) => {
                #[allow(unused_imports, reason = "which one applies depends on the type of the error")]
                use $crate::__private::{
                    KeepAsRef as _, KeepDebug as _, KeepDebugged as _, KeepDisplay as _, KeepDisplayed as _,
                    KeepLocal as _, KeepLocalAsRef as _, KeepStandard as _,
                };
                // Asked before the error is kept, while it still has its type.
                let worth_a_retry: ::core::option::Option<bool> = $crate::outcome!(@ error $(, $retry_if)?);
                let kept = (&&&&&&&&$crate::__private::Kept::new(error)).keep();
                ::core::result::Result::Err(kept.worth_a_retry(worth_a_retry))
            }
        }
    };
}

/// An argument of a task.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task",
    label = "must be `Send + 'static`",
    note = "a task may run on another thread: use `Arc` instead of `Rc`, and owned values instead of references"
)]
pub trait TaskArg {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> TaskArg for T {}

/// An argument of a task that may be started more than once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task with `retries`",
    label = "must be `Clone`, since each attempt gets fresh arguments",
    note = "derive `Clone`, wrap it in an `Arc`, or leave `retries` out"
)]
pub trait RepeatableArg {}

#[diagnostic::do_not_recommend]
impl<T: Clone> RepeatableArg for T {}

/// What a task or a flow returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a task or a flow",
    label = "must be `Send + 'static`"
)]
pub trait Output {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Output for T {}

/// A parameter of a flow.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a flow",
    label = "must be `Serialize + DeserializeOwned + JsonSchema + Send + 'static`",
    note = "derive serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`; a pool or a client is an argument for a task"
)]
pub trait FlowParam {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema + Send + 'static> FlowParam for T {}

/// An argument of a task that is cached by its inputs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "must be `Serialize`, since `cache` has `inputs`",
    note = "derive serde's `Serialize`, or leave the argument out: `cache = inputs - argument`"
)]
pub trait KeyedArg {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize> KeyedArg for T {}

/// An argument of a background task.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a background task",
    label = "must be `Serialize + DeserializeOwned`, since `background` stores it for whoever runs the task",
    note = "derive serde's `Serialize` and `Deserialize`; a pool or a client belongs into the process that runs the task, such as in a `OnceLock`"
)]
pub trait BackgroundArg {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> BackgroundArg for T {}

/// What a background task returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a background task",
    label = "must be `Serialize + DeserializeOwned`, since `background` stores it for whoever waits for it",
    note = "derive serde's `Serialize` and `Deserialize`"
)]
pub trait BackgroundOutput {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> BackgroundOutput for T {}

/// A value that is stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "must be `Serialize + DeserializeOwned`, since the result is cached or persisted",
    note = "derive serde's `Serialize` and `Deserialize`"
)]
pub trait StoredOutput {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> StoredOutput for T {}

/// Fails to compile unless `T` can be part of a cache key.
pub const fn assert_keyed<T: KeyedArg>() {}
/// Fails to compile unless `T` can be an argument of a background task.
pub const fn assert_background<T: BackgroundArg>() {}
/// Fails to compile unless `T` can be returned by a background task.
pub const fn assert_background_output<T: BackgroundOutput>() {}
/// Fails to compile unless `T` can be stored and read back.
pub const fn assert_stored<T: StoredOutput>() {}
/// Fails to compile unless `T` can be an argument of a task.
pub const fn assert_arg<T: TaskArg>() {}
/// Fails to compile unless `T` can be given to several attempts.
pub const fn assert_clone<T: RepeatableArg>() {}
/// Fails to compile unless `T` can be a parameter of a flow.
pub const fn assert_param<T: FlowParam>() {}
/// Fails to compile unless `T` can be returned.
pub const fn assert_output<T: Output>() {}

/// What a function that names runs returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the name of a run",
    label = "must return a string or anything else that is `Display`"
)]
pub trait RunName {
    /// Makes the text.
    fn text(self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: std::fmt::Display> RunName for T {
    fn text(self) -> String {
        self.to_string()
    }
}

/// Makes a name of what a function returned.
pub fn run_name<N: RunName>(name: N) -> String {
    name.text()
}

/// Makes a duration of milliseconds.
#[must_use]
pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the type of a function item.
#[must_use]
pub fn type_id_of<F: 'static>(_: &F) -> TypeId {
    TypeId::of::<F>()
}
