//! The results a task or flow may return.
#![deny(unused)]

use std::error::Error;
use std::{fmt, io};

use flowkit::prelude::*;

type OddResult<T> = Result<T, Odd>;

#[derive(Debug, PartialEq)]
struct Odd(u32);

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is odd", self.0)
    }
}

impl Error for Odd {}

#[task]
async fn own(n: u32) -> OddResult<u32> {
    if n % 2 == 1 { Err(Odd(n)) } else { Ok(n) }
}

#[task]
fn anyhow(n: u32) -> anyhow::Result<u32> {
    Err(Odd(n))?
}

#[task]
async fn io(path: String) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

#[task]
fn formatted() -> fmt::Result {
    Err(fmt::Error)
}

#[task]
async fn text(n: u32) -> Result<u32, String> {
    Err(format!("no {n}"))
}

#[task]
async fn boxed(text: String) -> Result<u32, Box<dyn Error + Send + Sync>> {
    Ok(text.parse::<u32>()?)
}

#[task]
async fn optional(n: Option<u32>) -> Option<u32> {
    n
}

#[task]
async fn results(n: u32) -> Vec<Result<u32, Odd>> {
    vec![Err(Odd(n))]
}

#[flow]
async fn ours(n: u32) -> flowkit::Result<u32> {
    own(n).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> flowkit::Result<()> {
    assert_eq!(own(2).await?, 2);
    let error = own(3).await.expect_err("odd");
    assert_eq!(error.downcast_ref::<Odd>(), Some(&Odd(3)));
    assert_eq!(anyhow(3).await.expect_err("odd").downcast_ref::<Odd>(), Some(&Odd(3)));
    assert!(io("/nonexistent").await.is_err());
    assert!(formatted().await.is_err());
    assert!(text(1).await.is_err());
    assert_eq!(boxed("7").await?, 7);
    assert_eq!(optional(Some(1)).await?, Some(1));
    assert_eq!(results(1).await?, [Err(Odd(1))]);
    assert_eq!(ours(2).await?, 2);
    assert!(ours(3).await.is_err());
    Ok(())
}
