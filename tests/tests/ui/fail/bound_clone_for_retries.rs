use flowkit::prelude::*;

struct Connection;

#[task(retries = 3)]
async fn ping(connection: Connection) -> bool {
    drop(connection);
    true
}

fn main() {
    let _ = ping(Connection);
}
