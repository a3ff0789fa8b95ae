use flowkit::prelude::*;

#[task(timeout = "999999999999999d")]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
