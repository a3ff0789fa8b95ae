use flowkit::prelude::*;

#[task]
async fn numbers(n: u32) -> impl Iterator<Item = u32> {
    0..n
}

fn main() {
    let _ = numbers(1);
}
