use flowkit::prelude::*;

#[task]
async fn fetch(url: String) -> u32 {
    url.parse::<u32>()?
}

fn main() {
    let _ = fetch("a");
}
