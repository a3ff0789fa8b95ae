use flowkit::prelude::*;

#[task]
async fn double(#[param(default = 3)] n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
