use flowkit::prelude::*;

type Fetched = Result<u32, String>;

#[flow]
fn fetch(n: u32) -> Fetched {
    Ok(n)
}

fn main() {
    let _ = fetch(1);
}
