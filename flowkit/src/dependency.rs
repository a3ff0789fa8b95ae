//! What `wait_for` accepts.

use crate::engine::choice::has_completed;
use crate::engine::wait::{Dependency, upstream_failed};
use crate::flow_future::FlowFuture;
use crate::future::TaskFuture;
use crate::input::Source;
use crate::map::MapFuture;
use crate::run::TaskInput;

/// Runs that a task can wait for: futures, references to them, and arrays, vectors, slices and tuples of those.
pub trait Upstream {
    #[doc(hidden)]
    fn collect(self, into: &mut Vec<Dependency>);
}

impl<T: Send + 'static> Upstream for &TaskFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        let future = self.clone();
        let upstream = TaskInput::TaskRun(future.id());
        let completed = Box::pin(async move {
            future.wait().await;
            match future.0.failure() {
                Some(cause) if !has_completed(&cause) => Err(upstream_failed(&TaskInput::TaskRun(future.id()), cause)),
                _ => Ok(()),
            }
        });
        into.push(Dependency { runs: Box::new(move || vec![upstream]), completed });
    }
}

impl<T: Send + 'static> Upstream for TaskFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        (&self).collect(into);
    }
}

impl<T: Send + 'static> Upstream for &FlowFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        let future = self.clone();
        let known = self.clone();
        let runs = Box::new(move || known.id().map(TaskInput::FlowRun).into_iter().collect());
        let completed = Box::pin(async move {
            let ended = future.wait().await;
            match (future.failure(), future.id()) {
                (Some(cause), Some(id)) if !has_completed(&cause) => {
                    Err(upstream_failed(&TaskInput::FlowRun(id), cause))
                }
                _ => ended.map(drop),
            }
        });
        into.push(Dependency { runs, completed });
    }
}

impl<T: Send + 'static> Upstream for FlowFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        (&self).collect(into);
    }
}

impl<T: Clone + Send + 'static> Upstream for &MapFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        let value = Box::new(self.clone()).value();
        let runs = self.runs();
        into.push(Dependency {
            runs: Box::new(move || runs.clone()),
            completed: Box::pin(async { value.await.map(drop) }),
        });
    }
}

impl<T: Clone + Send + 'static> Upstream for MapFuture<T> {
    fn collect(self, into: &mut Vec<Dependency>) {
        (&self).collect(into);
    }
}

impl<U: Upstream, const N: usize> Upstream for [U; N] {
    fn collect(self, into: &mut Vec<Dependency>) {
        self.into_iter().for_each(|upstream| upstream.collect(into));
    }
}

impl<U: Upstream> Upstream for Vec<U> {
    fn collect(self, into: &mut Vec<Dependency>) {
        self.into_iter().for_each(|upstream| upstream.collect(into));
    }
}

impl<'a, U> Upstream for &'a [U]
where
    &'a U: Upstream,
{
    fn collect(self, into: &mut Vec<Dependency>) {
        self.iter().for_each(|upstream| upstream.collect(into));
    }
}

impl<'a, U> Upstream for &'a Vec<U>
where
    &'a U: Upstream,
{
    fn collect(self, into: &mut Vec<Dependency>) {
        self.as_slice().collect(into);
    }
}

macro_rules! tuples {
    ($($name:ident),+) => {
        #[expect(non_snake_case, reason = "one macro for every length")]
        impl<$($name: Upstream),+> Upstream for ($($name,)+) {
            fn collect(self, into: &mut Vec<Dependency>) {
                let ($($name,)+) = self;
                $($name.collect(into);)+
            }
        }
    };
}

tuples!(A);
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
tuples!(A, B, C, D, E);
tuples!(A, B, C, D, E, F);
