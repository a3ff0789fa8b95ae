use flowkit::prelude::*;

use std::rc::Rc;

#[task(retries = 2)]
async fn count(first: u8, words: Rc<Vec<String>>, last: String) -> usize {
    words.len() + usize::from(first) + last.len()
}

fn main() {
    let _ = count(1, Rc::new(Vec::new()), "a");
}
