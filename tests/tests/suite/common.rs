//! Tasks and flows that many behaviours need.

use crate::suite::prelude::*;

#[task]
pub(crate) async fn double(n: u32) -> u32 {
    n * 2
}

#[task]
pub(crate) fn triple(n: u32) -> u32 {
    n * 3
}

#[task]
pub(crate) async fn sum(numbers: Vec<u32>) -> u32 {
    numbers.into_iter().sum()
}

#[task]
pub(crate) async fn nothing() {}

/// Ends after the time that is given in milliseconds.
#[task]
pub(crate) async fn nap(millis: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    millis
}

/// Ends only when it is stopped, so that no clock decides which of two comes first.
#[task]
pub(crate) async fn forever() -> u32 {
    std::future::pending().await
}

#[task]
pub(crate) async fn fail(why: &'static str) -> Result<u32, String> {
    Err(why.to_owned())
}

#[task]
pub(crate) async fn even(n: u32) -> Result<u32, String> {
    if n.is_multiple_of(2) { Ok(n) } else { Err(format!("{n} is odd")) }
}

#[flow]
pub(crate) async fn child(n: u32) -> flowkit::Result<u32> {
    double(n).await
}

#[flow]
pub(crate) async fn failing_child() -> flowkit::Result<u32> {
    fail("boom").await
}

#[flow]
pub(crate) async fn endless_child() -> flowkit::Result<u32> {
    forever().await
}
