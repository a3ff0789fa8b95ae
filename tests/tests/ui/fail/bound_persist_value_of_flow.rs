use flowkit::prelude::*;

#[flow(persist_result)]
async fn work(id: u32) -> anyhow::Result<std::sync::mpsc::Sender<u32>> {
    let _ = id;
    Ok(std::sync::mpsc::channel().0)
}

fn main() {
    let _ = work(1);
}
