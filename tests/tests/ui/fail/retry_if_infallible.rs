use flowkit::prelude::*;

fn is_busy(_: &String) -> bool {
    true
}

#[task(retries = 3, retry_if = is_busy)]
async fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let _ = (double(2), is_busy);
}
