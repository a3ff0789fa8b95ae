//! The least program with tokio: the floor of the bench `startup`.

fn main() {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {});
}
