use flowkit::prelude::*;

#[flow(on_failed = notify)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
