use flowkit::prelude::*;

#[task(background)]
async fn work(id: u32, pool: std::sync::mpsc::Sender<u32>) -> u32 {
    let _ = pool;
    id
}

fn main() {
    let _ = work(1, std::sync::mpsc::channel().0);
}
