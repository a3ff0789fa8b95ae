use flowkit::prelude::*;

#[derive(Debug)]
struct Odd;

#[task]
async fn fetch(url: String) -> Result<u32, Odd> {
    Ok(url.parse::<u32>()?)
}

fn main() {
    let _ = fetch("a");
}
