use flowkit::prelude::*;

#[flow]
fn fetch(url: String) -> u32 {
    url
}

fn main() {
    let _ = fetch("a".to_owned());
}
