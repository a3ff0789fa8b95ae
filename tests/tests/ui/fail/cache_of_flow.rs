use flowkit::prelude::*;

#[flow(cache = inputs)]
async fn work(id: u32, session: String) -> u32 {
    let _ = session;
    id
}

fn main() {
    let _ = work(1, "x".to_owned());
}
