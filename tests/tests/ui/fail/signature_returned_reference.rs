use flowkit::prelude::*;

#[task]
async fn name(n: u32) -> &str {
    "a"
}

fn main() {
    let _ = name(1);
}
