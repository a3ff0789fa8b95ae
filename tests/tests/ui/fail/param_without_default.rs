use flowkit::prelude::*;

#[flow]
async fn double(#[param] n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
