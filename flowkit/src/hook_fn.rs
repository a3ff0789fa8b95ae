//! The functions that can be hooks: asynchronous or not, with or without a result.

use std::fmt::Display;
use std::future::{Future, ready};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::hook::HookContext;
use crate::txn::Transaction;

/// A function that can be a hook.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a hook",
    label = "must be a `fn({C})`, `async` or not, that returns nothing or a `Result<(), E>`"
)]
pub trait Hook<How, C = HookContext> {
    #[doc(hidden)]
    fn call(self, context: C) -> BoxFuture<'static, Result<(), String>>;
}

/// What a hook ends with.
pub trait HookEnd {
    #[doc(hidden)]
    fn end(self) -> Result<(), String>;
}

impl HookEnd for () {
    fn end(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> HookEnd for Result<(), E> {
    fn end(self) -> Result<(), String> {
        // The alternate form of `anyhow::Error` shows its causes as well.
        self.map_err(|error| format!("{error:#}"))
    }
}

/// Marks hooks that are asynchronous.
#[derive(Debug)]
pub struct Async;

/// Marks hooks that are not.
#[derive(Debug)]
pub struct Blocking;

#[diagnostic::do_not_recommend]
impl<C, F, Fut> Hook<Async, C> for F
where
    F: FnOnce(C) -> Fut,
    Fut: Future + Send + 'static,
    Fut::Output: HookEnd,
{
    fn call(self, context: C) -> BoxFuture<'static, Result<(), String>> {
        self(context).map(HookEnd::end).boxed()
    }
}

#[diagnostic::do_not_recommend]
impl<C, F, R> Hook<Blocking, C> for F
where
    F: FnOnce(C) -> R,
    R: HookEnd,
{
    fn call(self, context: C) -> BoxFuture<'static, Result<(), String>> {
        ready(self(context).end()).boxed()
    }
}

/// Calls a hook.
pub fn call_hook<How, H: Hook<How>>(hook: H, context: HookContext) -> BoxFuture<'static, Result<(), String>> {
    hook.call(context)
}

/// Calls a hook of a transaction.
pub fn call_transaction_hook<How, H: Hook<How, Transaction>>(
    hook: H,
    transaction: Transaction,
) -> BoxFuture<'static, Result<(), String>> {
    hook.call(transaction)
}
