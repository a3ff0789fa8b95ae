use flowkit::prelude::*;

#[task]
async fn fetch(url: &str) -> String {
    url.to_owned()
}

fn main() {
    let _ = fetch("a");
}
