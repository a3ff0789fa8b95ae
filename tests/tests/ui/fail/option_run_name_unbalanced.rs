use flowkit::prelude::*;

#[task(run_name = "page-{n")]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
