use flowkit::prelude::*;

#[task(cache_key = key)]
async fn work(id: u32, session: String) -> u32 {
    let _ = session;
    id
}

fn key(id: &u64, session: &str) -> String {
    format!("{id}{session}")
}

fn main() {
    let _ = work(1, "x");
}
