use flowkit::prelude::*;

#[task]
async fn fetch(url: Option<&str>) -> String {
    url.unwrap_or_default().to_owned()
}

fn main() {
    let _ = fetch(Some("a"));
}
