//! The arguments of a call, with the user's code that takes them.

use std::future::Future;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all, ready};

use crate::canonical::{Canonical, Unserializable};
use crate::def::TaskDef;
use crate::defer::Given;
use crate::engine::attempt::Started;
use crate::engine::body::{Body, boxed, on_blocking_pool};
use crate::error::{Error, ErrorKind};
use crate::input::{Input, Origin};
use crate::returns::{CloneFn, Returns};
use crate::run::{TaskInput, TaskInputs};
use crate::user_error::UserError;

/// How to write one of the arguments in its canonical form; `None` if it cannot be.
type WriteFn<A> = fn(&A, usize, &mut Canonical) -> Option<Result<(), Unserializable>>;

/// How to write all arguments down, each by itself.
type GiveFn<A> = fn(&A, &TaskDef) -> Result<Given, Error>;

/// What the macro found out about the types of a function's arguments, and of its value.
pub struct Args<A, T> {
    clone: Option<CloneFn<A>>,
    show: fn(&A, usize) -> Option<String>,
    write: WriteFn<A>,
    returns: Returns<T>,
    name: Option<fn(&A) -> String>,
    key: Option<fn(&A) -> Option<String>>,
    background: Option<GiveFn<A>>,
}

impl<A, T> Args<A, T> {
    /// Makes the table: how to clone the arguments, if they can be, how to show and to write each, and what the value
    /// can do.
    #[must_use]
    pub const fn new(
        clone: Option<CloneFn<A>>,
        show: fn(&A, usize) -> Option<String>,
        write: WriteFn<A>,
        returns: Returns<T>,
    ) -> Self {
        Self { clone, show, write, returns, name: None, key: None, background: None }
    }

    /// Adds the function that names a run after its arguments.
    #[must_use]
    pub const fn named(mut self, name: fn(&A) -> String) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the author's function for cache keys.
    #[must_use]
    pub const fn key(mut self, key: fn(&A) -> Option<String>) -> Self {
        self.key = Some(key);
        self
    }
}

impl<A, T> Args<A, T> {
    /// Sets how the arguments of a background task are written down.
    #[must_use]
    pub const fn background(mut self, give: fn(&A, &TaskDef) -> Result<Given, Error>) -> Self {
        self.background = Some(give);
        self
    }
}

impl<A, T> std::fmt::Debug for Args<A, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args")
            .field("clone", &self.clone.is_some())
            .field("returns", &self.returns)
            .finish_non_exhaustive()
    }
}

/// A tuple of arguments, some of which may be futures.
pub trait Inputs: Send + 'static {
    /// The same tuple, of plain values.
    type Values: Send + 'static;

    #[doc(hidden)]
    fn origins(&self, params: &[&'static str]) -> TaskInputs;
    #[doc(hidden)]
    fn begun(&self) -> Option<BoxFuture<'static, ()>>;
    #[doc(hidden)]
    fn are_there(&self) -> bool;
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, Self>
    where
        Self: Sized;
    #[doc(hidden)]
    fn now(self) -> Option<Result<Self::Values, Error>>;
    #[doc(hidden)]
    fn wait(self) -> impl Future<Output = Result<Self::Values, Error>> + Send;
}

macro_rules! inputs {
    ($($name:ident),*) => {
        #[allow(non_snake_case, reason = "one macro for every number of arguments, none included")]
        impl<$($name: Send + 'static),*> Inputs for ($(Input<$name>,)*) {
            type Values = ($($name,)*);

            fn origins(&self, params: &[&'static str]) -> TaskInputs {
                let ($($name,)*) = self;
                let origins: [Vec<TaskInput>; _] = [$(match &$name.0 {
                    Origin::Value(_) => Vec::new(),
                    Origin::Pending(source) => source.runs(),
                }),*];
                params.iter().copied().zip(origins).collect()
            }

            #[allow(unused_mut, reason = "one macro for every number of arguments, none included")]
            fn begun(&self) -> Option<BoxFuture<'static, ()>> {
                let ($($name,)*) = self;
                let mut begun: Vec<BoxFuture<'static, ()>> = Vec::new();
                $(if let Origin::Pending(source) = &$name.0 {
                    begun.extend(source.begun());
                })*
                (!begun.is_empty()).then(|| join_all(begun).map(drop).boxed())
            }

            fn are_there(&self) -> bool {
                let ($($name,)*) = self;
                true $(&& match &$name.0 {
                    Origin::Value(_) => true,
                    Origin::Pending(source) => source.is_there(),
                })*
            }

            fn into_values(self) -> Result<Self::Values, Self> {
                match self {
                    ($(Input(Origin::Value($name)),)*) => Ok(($($name,)*)),
                    #[allow(unreachable_patterns, reason = "there is nothing else when there are no arguments")]
                    pending => Err(pending),
                }
            }

            fn now(self) -> Option<Result<Self::Values, Error>> {
                let ($($name,)*) = self;
                $(let $name = match $name.0 {
                    Origin::Value(value) => value,
                    Origin::Pending(source) => match source.now()? {
                        Ok(value) => value,
                        Err(error) => return Some(Err(error)),
                    },
                };)*
                Some(Ok(($($name,)*)))
            }

            async fn wait(self) -> Result<Self::Values, Error> {
                let ($($name,)*) = self;
                $(let $name = match $name.0 {
                    Origin::Value(value) => value,
                    Origin::Pending(source) => source.value().await?,
                };)*
                Ok(($($name,)*))
            }
        }
    };
}

inputs!();
inputs!(A);
inputs!(A, B);
inputs!(A, B, C);
inputs!(A, B, C, D);
inputs!(A, B, C, D, E);
inputs!(A, B, C, D, E, F);
inputs!(A, B, C, D, E, F, G);
inputs!(A, B, C, D, E, F, G, H);
inputs!(A, B, C, D, E, F, G, H, I);
inputs!(A, B, C, D, E, F, G, H, I, J);
inputs!(A, B, C, D, E, F, G, H, I, J, K);
inputs!(A, B, C, D, E, F, G, H, I, J, K, L);

/// How the arguments of one call stand.
enum Stand<A: Inputs> {
    Pending(A),
    Ready(A::Values),
    /// Handed to the last attempt.
    Spent,
}

/// Arguments together with the code that takes them: the engine's [`Body`].
struct Bound<A: Inputs, T: 'static, F> {
    stand: Stand<A>,
    /// Where the arguments come from; `None` if all of them are plain values.
    origins: Option<TaskInputs>,
    params: &'static [&'static str],
    args: &'static Args<A::Values, T>,
    start: F,
}

impl<A: Inputs, T: 'static, F> Body<T> for Bound<A, T, F>
where
    F: Fn(A::Values) -> Started<T> + Send,
{
    fn has_inputs(&self) -> bool {
        self.origins.is_some()
    }

    fn take_inputs(&mut self) -> Option<TaskInputs> {
        self.origins.take()
    }

    fn resolve(&mut self) -> Option<BoxFuture<'_, Result<(), Error>>> {
        match std::mem::replace(&mut self.stand, Stand::Spent) {
            Stand::Pending(pending) if pending.are_there() => match pending.now() {
                Some(Ok(values)) => {
                    self.stand = Stand::Ready(values);
                    None
                }
                Some(Err(error)) => Some(ready(Err(error)).boxed()),
                None => {
                    let why = "an argument that was there is gone";
                    Some(ready(Err(Error::new(ErrorKind::Crashed, why))).boxed())
                }
            },
            Stand::Pending(pending) => Some(
                async move {
                    if let Some(begun) = pending.begun() {
                        begun.await;
                        // Where the values come from is told also if they never come.
                        self.origins = Some(pending.origins(self.params));
                    }
                    self.stand = Stand::Ready(pending.wait().await?);
                    Ok(())
                }
                .boxed(),
            ),
            ready => {
                self.stand = ready;
                None
            }
        }
    }

    fn start(&mut self, another_may_follow: bool) -> Started<T> {
        if let (true, Stand::Ready(values), Some(clone)) = (another_may_follow, &self.stand, self.args.clone) {
            return (self.start)(clone(values));
        }
        match std::mem::replace(&mut self.stand, Stand::Spent) {
            Stand::Ready(values) => (self.start)(values),
            Stand::Pending(_) | Stand::Spent => {
                boxed(async { Err(UserError::text("the arguments are not there any more".to_owned())) })
            }
        }
    }

    fn can_repeat(&self) -> bool {
        self.args.clone.is_some()
    }

    fn show(&self, index: usize) -> Option<String> {
        match &self.stand {
            Stand::Ready(values) => (self.args.show)(values, index),
            Stand::Pending(_) | Stand::Spent => None,
        }
    }

    fn write(&self, index: usize, out: &mut Canonical) -> Option<Result<(), Unserializable>> {
        match &self.stand {
            Stand::Ready(values) => (self.args.write)(values, index, out),
            Stand::Pending(_) | Stand::Spent => None,
        }
    }

    fn returns(&self) -> &'static Returns<T> {
        &self.args.returns
    }

    fn is_named(&self) -> bool {
        self.args.name.is_some()
    }

    fn own_name(&self) -> Option<String> {
        match (&self.stand, self.args.name) {
            (Stand::Ready(values), Some(name)) => Some(name(values)),
            _ => None,
        }
    }

    fn parameters(&self, def: &TaskDef) -> Option<Result<Given, Error>> {
        match (&self.stand, self.args.background) {
            (Stand::Ready(values), Some(give)) => Some(give(values, def)),
            _ => None,
        }
    }

    fn cache_key(&self) -> Option<Option<String>> {
        match &self.stand {
            Stand::Ready(values) => self.args.key.map(|key| key(values)),
            Stand::Pending(_) | Stand::Spent => None,
        }
    }
}

fn bind<A, T, F>(
    params: &'static [&'static str],
    args: &'static Args<A::Values, T>,
    inputs: A,
    start: F,
) -> Box<dyn Body<T>>
where
    A: Inputs,
    T: 'static,
    F: Fn(A::Values) -> Started<T> + Send + 'static,
{
    let (stand, origins) = match inputs.into_values() {
        Ok(values) => (Stand::Ready(values), None),
        Err(pending) => {
            let origins = pending.origins(params);
            (Stand::Pending(pending), Some(origins))
        }
    };
    Box::new(Bound { stand, origins, params, args, start })
}

/// Binds arguments to an asynchronous body.
pub(crate) fn bind_async<A, T, F, Fut>(
    params: &'static [&'static str],
    args: &'static Args<A::Values, T>,
    inputs: A,
    body: F,
) -> Box<dyn Body<T>>
where
    A: Inputs,
    T: 'static,
    F: Fn(A::Values) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, UserError>> + Send + 'static,
{
    bind(params, args, inputs, move |values| boxed(body(values)))
}

/// Binds arguments to a body that blocks its thread.
pub(crate) fn bind_blocking<A, T, F>(
    params: &'static [&'static str],
    args: &'static Args<A::Values, T>,
    inputs: A,
    body: F,
) -> Box<dyn Body<T>>
where
    A: Inputs,
    T: Send + 'static,
    F: Fn(A::Values) -> Result<T, UserError> + Copy + Send + 'static,
{
    bind(params, args, inputs, move |values| on_blocking_pool(move || body(values)))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::canonical::Fingerprint;
    use crate::engine::fingerprint::{Unfit, of_arguments};

    const PARAMS: &[&str] = &["count", "cell"];
    static ARGS: Args<(u64, Cell<u8>), ()> = Args::new(
        None,
        |_, _| None,
        |args, index, out| (index == 0).then(|| out.write(&args.0)),
        Returns::new(None, None, None),
    );

    fn print(count: u64, in_use: &[&str]) -> Result<Fingerprint, (&'static str, Unfit)> {
        let inputs = (Input::from(count), Input::from(Cell::new(0)));
        let body: Box<dyn Body<()>> = bind_async(PARAMS, &ARGS, inputs, |_| async { Ok(()) });
        of_arguments(&*body, PARAMS, |name| in_use.contains(&name))
    }

    #[test]
    fn equal_arguments_have_equal_fingerprints() {
        assert!(print(1, &["count"]).is_ok());
        assert_eq!(print(1, &["count"]), print(1, &["count"]));
        assert_ne!(print(1, &["count"]), print(2, &["count"]));
        assert_eq!(print(1, &[]), print(2, &[]));
    }

    #[test]
    fn an_argument_that_cannot_be_written_is_named_unless_it_is_left_out() {
        assert_eq!(print(1, &["count", "cell"]), Err(("cell", Unfit::Type)));
    }
}
