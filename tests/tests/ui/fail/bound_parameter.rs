use flowkit::prelude::*;

struct Pool;

#[flow]
async fn etl(pool: Pool) {
    drop(pool);
}

fn main() {
    let _ = etl(Pool);
}
