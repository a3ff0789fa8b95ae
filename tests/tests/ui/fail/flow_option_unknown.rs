use flowkit::prelude::*;

#[flow(cron = "0 8 * * *")]
async fn etl(n: u32) -> u32 {
    n
}

fn main() {
    let _ = etl(2);
}
