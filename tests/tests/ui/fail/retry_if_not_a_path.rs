use flowkit::prelude::*;

#[flow(retries = 3, retry_if = "busy")]
async fn double(n: u32) -> Result<u32, String> {
    Ok(n * 2)
}

fn main() {
    let _ = double(2);
}
