use flowkit::prelude::*;

fn notify(_: u32) {}

#[task(on_failure = notify)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
