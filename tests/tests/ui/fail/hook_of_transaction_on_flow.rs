use flowkit::Transaction;
use flowkit::prelude::*;

fn undo(_: Transaction) {}

#[flow(on_rollback = undo)]
async fn work(n: u32) -> u32 {
    n
}

fn main() {
    let _ = (work(1), undo);
}
