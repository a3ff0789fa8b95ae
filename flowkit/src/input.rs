//! What a task is given: values, or the results of runs that may not have ended yet.

use std::fmt;
use std::path::PathBuf;

use futures::future::BoxFuture;

use crate::engine::wait::upstream_failed;
use crate::error::Error;
use crate::flow_future::FlowFuture;
use crate::future::TaskFuture;
use crate::map::MapFuture;
use crate::run::TaskInput;

/// An argument of a task: a plain value, or the future result of another run.
///
/// Nobody writes this type: arguments convert by themselves from a `T`, a [`TaskFuture<T>`], a [`FlowFuture<T>`] or a
/// reference to one, and for a `Vec<T>` also from a [`MapFuture<T>`] and from vectors and slices of futures. Futures are
/// waited for before the task starts, and recorded as the origin of the argument (Prefect's `task_inputs`).
pub struct Input<T>(pub(crate) Origin<T>);

pub(crate) enum Origin<T> {
    Value(T),
    Pending(Box<dyn Source<T>>),
}

/// A value in the making.
pub(crate) trait Source<T>: Send {
    /// Returns the runs that it comes from, as far as they are known.
    fn runs(&self) -> Vec<TaskInput>;
    /// Waits until those runs are known; `None` if they are.
    fn begun(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Tells whether it is there, so that nobody has to wait; it stays so.
    fn is_there(&self) -> bool {
        false
    }
    /// Waits for it.
    fn value(self: Box<Self>) -> BoxFuture<'static, Result<T, Error>>;
    /// Takes it, once it is there; else, says nothing.
    fn now(self: Box<Self>) -> Option<Result<T, Error>> {
        None
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Origin::Value(_) => "Input(value)",
            Origin::Pending(_) => "Input(pending)",
        })
    }
}

impl<T> Input<T> {
    pub(crate) fn pending(source: impl Source<T> + 'static) -> Self {
        Self(Origin::Pending(Box::new(source)))
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self(Origin::Value(value))
    }
}

impl From<&str> for Input<String> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&str> for Input<PathBuf> {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl<T: Clone + Send + 'static> From<TaskFuture<T>> for Input<T> {
    fn from(future: TaskFuture<T>) -> Self {
        Self::pending(future)
    }
}

impl<T: Clone + Send + 'static> From<&TaskFuture<T>> for Input<T> {
    fn from(future: &TaskFuture<T>) -> Self {
        Self::pending(future.clone())
    }
}

impl<T: Clone + Send + 'static> From<FlowFuture<T>> for Input<T> {
    fn from(future: FlowFuture<T>) -> Self {
        Self::pending(future)
    }
}

impl<T: Clone + Send + 'static> From<&FlowFuture<T>> for Input<T> {
    fn from(future: &FlowFuture<T>) -> Self {
        Self::pending(future.clone())
    }
}

impl<T: Clone + Send + 'static> From<MapFuture<T>> for Input<Vec<T>> {
    fn from(futures: MapFuture<T>) -> Self {
        Self::pending(futures)
    }
}

impl<T: Clone + Send + 'static> From<&MapFuture<T>> for Input<Vec<T>> {
    fn from(futures: &MapFuture<T>) -> Self {
        Self::pending(futures.clone())
    }
}

impl<T: Clone + Send + 'static> From<Vec<TaskFuture<T>>> for Input<Vec<T>> {
    fn from(futures: Vec<TaskFuture<T>>) -> Self {
        Self::pending(futures)
    }
}

impl<T: Clone + Send + 'static> From<&Vec<TaskFuture<T>>> for Input<Vec<T>> {
    fn from(futures: &Vec<TaskFuture<T>>) -> Self {
        Self::pending(futures.clone())
    }
}

impl<T: Clone + Send + 'static> From<&[TaskFuture<T>]> for Input<Vec<T>> {
    fn from(futures: &[TaskFuture<T>]) -> Self {
        Self::pending(futures.to_vec())
    }
}

impl<T: Clone + Send + 'static> Source<T> for TaskFuture<T> {
    fn runs(&self) -> Vec<TaskInput> {
        vec![TaskInput::TaskRun(self.id())]
    }

    fn is_there(&self) -> bool {
        self.is_done()
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<T, Error>> {
        Box::pin(async move {
            let upstream = TaskInput::TaskRun(self.id());
            (*self).take().await.map_err(|cause| upstream_failed(&upstream, cause))
        })
    }

    fn now(self: Box<Self>) -> Option<Result<T, Error>> {
        let upstream = TaskInput::TaskRun(self.id());
        Some(self.0.into_result()?.map_err(|cause| upstream_failed(&upstream, cause)))
    }
}

impl<T: Clone + Send + 'static> Source<T> for FlowFuture<T> {
    fn runs(&self) -> Vec<TaskInput> {
        self.id().map(TaskInput::FlowRun).into_iter().collect()
    }

    fn begun(&self) -> Option<BoxFuture<'static, ()>> {
        let future = self.clone();
        Some(Box::pin(async move { future.begun().await }))
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<T, Error>> {
        let upstream = self.id().map(TaskInput::FlowRun);
        Box::pin(async move {
            (*self).take().await.map_err(|cause| match upstream {
                Some(upstream) => upstream_failed(&upstream, cause),
                None => cause,
            })
        })
    }
}

impl<T: Clone + Send + 'static> Source<Vec<T>> for Vec<TaskFuture<T>> {
    fn runs(&self) -> Vec<TaskInput> {
        self.iter().flat_map(Source::runs).collect()
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<Vec<T>, Error>> {
        Box::pin(async move {
            let mut all = Vec::with_capacity(self.len());
            for future in *self {
                let upstream = TaskInput::TaskRun(future.id());
                all.push(future.take().await.map_err(|cause| upstream_failed(&upstream, cause))?);
            }
            Ok(all)
        })
    }
}
