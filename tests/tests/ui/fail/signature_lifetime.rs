use flowkit::prelude::*;

#[task]
async fn double<'a>(n: &'static str) -> u32 {
    2
}

fn main() {
    let _ = double("a");
}
