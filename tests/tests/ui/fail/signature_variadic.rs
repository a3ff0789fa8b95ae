use flowkit::prelude::*;

#[task]
fn print(n: u32, _: ...) {}

fn main() {}
