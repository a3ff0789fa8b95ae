use flowkit::prelude::*;

#[task]
async fn many(
    a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8,
) -> u8 {
    a
}

fn main() {
    let _ = many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
}
