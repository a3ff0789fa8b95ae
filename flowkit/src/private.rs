//! What the macros name. Not part of the public interface; it may change in any release.

use std::any::TypeId;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use inventory;

pub use crate::arguments::{Args, Inputs};
pub use crate::canonical::{Canonical, Unserializable};
pub use crate::def::{FlowDef, ParamDef, TaskDef};
pub use crate::flow_fn::FlowParams;
pub use crate::hook::{HookDef, Hooks};
pub use crate::hook_fn::{Hook, call_hook};
pub use crate::input::Input;
pub use crate::keep::{KeepAsRef, KeepDebug, KeepDebugged, KeepDisplay, KeepDisplayed, KeepStandard, Kept};
pub use crate::options::Options;
pub use crate::prints::print_line;
pub use crate::registry::FlowEntry;
pub use crate::retry_delay::RetryDelay;
pub use crate::returns::{CloneFn, DecodeFn, EncodeFn, Returns};
pub use crate::user_error::UserError;
pub use crate::{outcome, paused_test, returns, show, written};
// `println!` in a body means this one, which can make a log line of what is printed.
pub use crate::printed_line as println;

use crate::arguments::{bind_async, bind_blocking};
use crate::call::TaskCall;
use crate::engine::flow_run::FlowJob;
use crate::engine::task_run::TaskJob;
use crate::error::Error;
use crate::flow::FlowCall;
use crate::flow_fn::{FlowFn, call_with};
use crate::returns::{decode, encode};

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

/// Finds out what a type can do, with constants that exist only where a bound holds.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// How to write a value of a type in its canonical form.
pub type WriteFn<T> = fn(&T, &mut Canonical) -> Result<(), Unserializable>;

/// What [`Probe`] says where no bound holds.
pub trait Absent {
    /// The probed type.
    type Probed;
    /// It cannot be cloned.
    const CLONE: Option<CloneFn<Self::Probed>> = None;
    /// It cannot be displayed.
    const DISPLAY: Option<fn(&Self::Probed) -> String> = None;
    /// It cannot be debugged.
    const DEBUG: Option<fn(&Self::Probed) -> String> = None;
    /// It cannot be serialized.
    const WRITE: Option<WriteFn<Self::Probed>> = None;
    /// It cannot be serialized.
    const ENCODE: Option<EncodeFn<Self::Probed>> = None;
    /// It cannot be deserialized.
    const DECODE: Option<DecodeFn<Self::Probed>> = None;
    /// It is not a `Result`.
    const IS_RESULT: bool = false;
    /// It has no schema.
    const SCHEMA: fn(&mut SchemaGenerator) -> Schema = |_| Schema::default();

    /// It is not JSON.
    fn to_value(_: Self::Probed) -> Value {
        Value::Null
    }
}

impl<T> Absent for Probe<T> {
    type Probed = T;
}

impl<T: Clone> Probe<T> {
    /// How to clone it.
    pub const CLONE: Option<CloneFn<T>> = Some(T::clone);
}

impl<T: Display> Probe<T> {
    /// How to display it.
    pub const DISPLAY: Option<fn(&T) -> String> = Some(|value| value.to_string());
}

impl<T: Debug> Probe<T> {
    /// How to debug it.
    pub const DEBUG: Option<fn(&T) -> String> = Some(|value| format!("{value:?}"));
}

impl<T: Serialize> Probe<T> {
    /// How to write it in its canonical form.
    pub const WRITE: Option<WriteFn<T>> = Some(|value, out| out.write(value));
    /// How to serialize it.
    pub const ENCODE: Option<EncodeFn<T>> = Some(encode::<T>);
}

impl<T: DeserializeOwned> Probe<T> {
    /// How to deserialize it.
    pub const DECODE: Option<DecodeFn<T>> = Some(decode::<T>);
}

impl<T: JsonSchema> Probe<T> {
    /// Its JSON schema.
    pub const SCHEMA: fn(&mut SchemaGenerator) -> Schema = |generator| generator.subschema_for::<T>();
}

impl<T: Serialize> Probe<T> {
    /// Makes JSON of a default value; `null` if it cannot be.
    pub fn to_value(value: T) -> Value {
        serde_json::to_value(value).unwrap_or_default()
    }
}

impl<T, E> Probe<Result<T, E>> {
    /// It is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// Shows a value if its type can be displayed or debugged.
#[doc(hidden)]
#[macro_export]
macro_rules! show {
    ($ty:ty, $value:expr) => {{
        #[allow(unused_imports, reason = "only for types that lack a trait")]
        use $crate::__private::Absent as _;
        $crate::__private::Probe::<$ty>::DISPLAY.or($crate::__private::Probe::<$ty>::DEBUG).map(|show| show($value))
    }};
}

/// Writes a value in its canonical form if its type is `Serialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! written {
    ($ty:ty, $value:expr, $out:ident) => {
        $crate::__private::Probe::<$ty>::WRITE.map(|write| write($value, $out))
    };
}

/// What a type of values can do.
#[doc(hidden)]
#[macro_export]
macro_rules! returns {
    ($ty:ty) => {
        $crate::__private::Returns::new(
            $crate::__private::Probe::<$ty>::CLONE,
            $crate::__private::Probe::<$ty>::ENCODE,
            $crate::__private::Probe::<$ty>::DECODE,
        )
    };
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
                    KeepStandard as _,
                };
                // Asked before the error is kept, while it still has its type.
                let worth_a_retry: ::core::option::Option<bool> = $crate::outcome!(@ error $(, $retry_if)?);
                let kept = (&&&&&&$crate::__private::Kept::new(error)).keep();
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

/// Fails to compile unless `T` can be an argument of a task.
pub const fn assert_arg<T: TaskArg>() {}
/// Fails to compile unless `T` can be given to several attempts.
pub const fn assert_clone<T: RepeatableArg>() {}
/// Fails to compile unless `T` can be a parameter of a flow.
pub const fn assert_param<T: FlowParam>() {}
/// Fails to compile unless `T` can be returned.
pub const fn assert_output<T: Output>() {}

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

/// Makes calls of functions with arguments `A` that yield a `T`.
///
/// What it does exists twice: here for types that fit, and in [`Unfit`] for all others. So a type that does not
/// fit is an error of the assertion about it, on the user's token, and of nothing else.
#[derive(Debug)]
pub struct Start<A, T>(PhantomData<(A, T)>);

impl<A: Send + 'static, T: Send + 'static> Start<A, T> {
    /// Makes the call of an asynchronous task.
    pub fn task<I, F, Fut>(def: &'static TaskDef, args: &'static Args<A, T>, inputs: I, body: F) -> TaskCall<T>
    where
        I: Inputs<Values = A>,
        F: Fn(A) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, UserError>> + Send + 'static,
    {
        let body = bind_async(def.params, args, inputs, body);
        TaskCall { job: TaskJob { def, body, overrides: None, wait_for: Vec::new(), id: None } }
    }

    /// Makes the call of a task that blocks its thread.
    pub fn blocking_task<I, F>(def: &'static TaskDef, args: &'static Args<A, T>, inputs: I, body: F) -> TaskCall<T>
    where
        I: Inputs<Values = A>,
        F: Fn(A) -> Result<T, UserError> + Copy + Send + 'static,
    {
        let body = bind_blocking(def.params, args, inputs, body);
        TaskCall { job: TaskJob { def, body, overrides: None, wait_for: Vec::new(), id: None } }
    }
}

impl<A: FlowParams, T: Send + 'static> Start<A, T> {
    /// Makes the call of an asynchronous flow.
    pub fn flow<F, Fut>(def: &'static FlowDef, args: &'static Args<A, T>, values: A, body: F) -> FlowCall<T>
    where
        F: Fn(A) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, UserError>> + Send + 'static,
    {
        let parameters = values.to_json(def);
        let body = bind_async(&[], args, values.into_inputs(), body);
        FlowCall { job: FlowJob { def, body: Ok(body), parameters, overrides: None, wait_for: Vec::new() } }
    }

    /// Makes the call of a flow that blocks its thread.
    pub fn blocking_flow<F>(def: &'static FlowDef, args: &'static Args<A, T>, values: A, body: F) -> FlowCall<T>
    where
        F: Fn(A) -> Result<T, UserError> + Copy + Send + 'static,
    {
        let parameters = values.to_json(def);
        let body = bind_blocking(&[], args, values.into_inputs(), body);
        FlowCall { job: FlowJob { def, body: Ok(body), parameters, overrides: None, wait_for: Vec::new() } }
    }

    /// Runs a flow with parameters in JSON and forgets its value.
    pub fn call_with<F>(flow: &F, parameters: Value) -> BoxFuture<'static, Result<(), Error>>
    where
        F: FlowFn<A, Output = T>,
    {
        call_with(flow, parameters)
    }
}

/// What [`Start`] can do for types that do not fit: compile, so that nothing else is reported.
pub trait Unfit: Sized {
    /// The arguments.
    type Args;
    /// The value.
    type Value;

    /// Never runs.
    fn task<I, F, R>(
        _: &'static TaskDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: I,
        _: F,
    ) -> TaskCall<Self::Value>
    where
        F: Fn(Self::Args) -> R,
        R: Future<Output = Result<Self::Value, UserError>>,
    {
        unfit()
    }

    /// Never runs.
    fn blocking_task<I, F>(
        _: &'static TaskDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: I,
        _: F,
    ) -> TaskCall<Self::Value>
    where
        F: Fn(Self::Args) -> Result<Self::Value, UserError>,
    {
        unfit()
    }

    /// Never runs.
    fn flow<I, F, R>(
        _: &'static FlowDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: I,
        _: F,
    ) -> FlowCall<Self::Value>
    where
        F: Fn(Self::Args) -> R,
        R: Future<Output = Result<Self::Value, UserError>>,
    {
        unfit()
    }

    /// Never runs.
    fn blocking_flow<I, F>(
        _: &'static FlowDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: I,
        _: F,
    ) -> FlowCall<Self::Value>
    where
        F: Fn(Self::Args) -> Result<Self::Value, UserError>,
    {
        unfit()
    }

    /// Never runs.
    fn call_with<F>(_: &F, _: Value) -> BoxFuture<'static, Result<(), Error>> {
        unfit()
    }
}

impl<A, T> Unfit for Start<A, T> {
    type Args = A;
    type Value = T;
}

fn unfit<T>() -> T {
    unreachable!("the assertion about the type did not compile")
}
