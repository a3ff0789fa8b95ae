use flowkit::prelude::*;

#[task]
async fn double(n: _) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
