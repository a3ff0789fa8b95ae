//! The one call that an expansion makes.

use std::future::Future;
use std::marker::PhantomData;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::{Args, Inputs, bind_async, bind_blocking};
use crate::call::TaskCall;
use crate::def::{FlowDef, TaskDef};
use crate::defer::Given;
use crate::delay::{BackgroundArgs, Restored};
use crate::engine::flow_run::FlowJob;
use crate::engine::task_run::TaskJob;
use crate::error::Error;
use crate::flow::FlowCall;
use crate::flow_fn::{FlowFn, FlowParams, call_with};
use crate::registry::FlowStart;
use crate::user_error::UserError;

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

impl<A: BackgroundArgs, T: Serialize + DeserializeOwned + Send + 'static> Start<A, T> {
    /// Writes the arguments of a background task down.
    ///
    /// # Errors
    /// One of them cannot be.
    pub fn give(values: &A, def: &TaskDef) -> Result<Given, Error> {
        values.write(def)
    }

    /// Makes the call of an asynchronous background task from arguments that were written down.
    ///
    /// # Errors
    /// They do not fit.
    pub fn restored_task<F, Fut>(
        def: &'static TaskDef,
        args: &'static Args<A, T>,
        given: &Given,
        body: F,
    ) -> Result<Restored, Error>
    where
        F: Fn(A) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, UserError>> + Send + 'static,
    {
        let inputs = A::read(given, def)?.into_inputs();
        Ok(Restored::new(def, bind_async(def.params, args, inputs, body)))
    }

    /// Makes the call of a background task that blocks its thread from arguments that were written down.
    ///
    /// # Errors
    /// They do not fit.
    pub fn restored_blocking_task<F>(
        def: &'static TaskDef,
        args: &'static Args<A, T>,
        given: &Given,
        body: F,
    ) -> Result<Restored, Error>
    where
        F: Fn(A) -> Result<T, UserError> + Copy + Send + 'static,
    {
        let inputs = A::read(given, def)?.into_inputs();
        Ok(Restored::new(def, bind_blocking(def.params, args, inputs, body)))
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
        FlowCall {
            job: FlowJob { def, body: Ok(body), parameters, overrides: None, wait_for: Vec::new(), existing: None },
        }
    }

    /// Makes the call of a flow that blocks its thread.
    pub fn blocking_flow<F>(def: &'static FlowDef, args: &'static Args<A, T>, values: A, body: F) -> FlowCall<T>
    where
        F: Fn(A) -> Result<T, UserError> + Copy + Send + 'static,
    {
        let parameters = values.to_json(def);
        let body = bind_blocking(&[], args, values.into_inputs(), body);
        FlowCall {
            job: FlowJob { def, body: Ok(body), parameters, overrides: None, wait_for: Vec::new(), existing: None },
        }
    }

    /// Runs a flow with parameters in JSON and forgets its value.
    pub fn call_with<F>(flow: &F, start: FlowStart) -> BoxFuture<'static, Result<(), Error>>
    where
        F: FlowFn<A, Output = T>,
    {
        call_with(flow, start)
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
    fn give(_: &Self::Args, _: &TaskDef) -> Result<Given, Error> {
        unfit()
    }

    /// Never runs.
    fn restored_task<F, R>(
        _: &'static TaskDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: &Given,
        _: F,
    ) -> Result<Restored, Error>
    where
        F: Fn(Self::Args) -> R,
        R: Future<Output = Result<Self::Value, UserError>>,
    {
        unfit()
    }

    /// Never runs.
    fn restored_blocking_task<F>(
        _: &'static TaskDef,
        _: &'static Args<Self::Args, Self::Value>,
        _: &Given,
        _: F,
    ) -> Result<Restored, Error>
    where
        F: Fn(Self::Args) -> Result<Self::Value, UserError>,
    {
        unfit()
    }

    /// Never runs.
    fn call_with<F>(_: &F, _: FlowStart) -> BoxFuture<'static, Result<(), Error>> {
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
