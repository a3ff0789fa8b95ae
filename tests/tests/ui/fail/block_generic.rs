use flowkit::Block;

#[derive(Block)]
struct Warehouse<T> {
    host: T,
}

fn main() {}
