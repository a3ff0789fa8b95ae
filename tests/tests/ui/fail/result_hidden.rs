use flowkit::prelude::*;

type Fetched<T> = Result<T, String>;

#[task]
async fn fetch(url: String) -> Fetched<String> {
    Ok(url)
}

fn main() {
    let _ = fetch("a");
}
