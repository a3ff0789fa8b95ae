use flowkit::prelude::*;

#[task(persist_result = 1)]
async fn work(id: u32, session: String) -> u32 {
    let _ = session;
    id
}

fn main() {
    let _ = work(1, "x");
}
