use flowkit::prelude::*;

#[task(cache = inputs, cache_isolation = snapshot)]
async fn work(id: u32, session: String) -> u32 {
    let _ = session;
    id
}

fn main() {
    let _ = work(1, "x");
}
