use flowkit::prelude::*;

#[task(background = "yes")]
async fn work() {}

fn main() {
    let _ = work();
}
