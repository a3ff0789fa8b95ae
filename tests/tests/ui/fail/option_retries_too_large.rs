use flowkit::prelude::*;

#[task(retries = 4294967296)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
