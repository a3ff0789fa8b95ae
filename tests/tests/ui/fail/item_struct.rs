use flowkit::prelude::*;

#[task]
struct Fetch;

fn main() {}
