use flowkit::prelude::*;

#[task]
async fn fetch(url: String) -> u32 {
    url
}

fn main() {
    let _ = fetch("a");
}
