use flowkit::prelude::*;

#[task]
async fn double(_: u32) -> u32 {
    2
}

fn main() {
    let _ = double(2);
}
