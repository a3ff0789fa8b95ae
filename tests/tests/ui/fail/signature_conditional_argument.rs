use flowkit::prelude::*;

#[task]
async fn double(#[cfg(unix)] n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
