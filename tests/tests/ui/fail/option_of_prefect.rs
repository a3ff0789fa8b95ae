use flowkit::prelude::*;

#[task(retry_delay_seconds = 2)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
