use flowkit::prelude::*;

#[task(timeout = 0.0005)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
