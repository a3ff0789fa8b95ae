use flowkit::prelude::*;

struct Receipt;

#[task(background)]
async fn work(id: u32) -> Result<Receipt, String> {
    if id > 0 { Ok(Receipt) } else { Err("no id".to_owned()) }
}

fn main() {
    let _ = work(1);
}
