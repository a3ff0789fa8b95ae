use flowkit::prelude::*;

#[task(retries = 1, retries = 2)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
