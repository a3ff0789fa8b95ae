use flowkit::prelude::*;

#[flow(background)]
async fn work() {}

fn main() {
    let _ = work();
}
