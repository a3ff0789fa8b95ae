use flowkit::prelude::*;

#[task(retries = 3, retry_jitter_factor = -0.5)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
