use flowkit::prelude::*;

#[task]
async fn sum(a: u32, a: u32) -> u32 {
    a
}

fn main() {}
