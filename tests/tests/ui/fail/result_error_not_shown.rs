use flowkit::prelude::*;

struct Silent;

#[task]
async fn fetch(url: String) -> Result<String, Silent> {
    drop(url);
    Err(Silent)
}

fn main() {
    let _ = fetch("a");
}
