use flowkit::HookContext;
use flowkit::prelude::*;

fn undo(_: HookContext) {}

#[task(on_rollback = undo)]
async fn work(n: u32) -> u32 {
    n
}

fn main() {
    let _ = work(1);
}
