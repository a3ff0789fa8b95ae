use flowkit::prelude::*;

#[task]
async fn fetch(page: u32) -> u32 {
    page
}

fn main() {
    let _ = fetch("a");
}
