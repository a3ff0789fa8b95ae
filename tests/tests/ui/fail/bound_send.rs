use flowkit::prelude::*;

use std::rc::Rc;

#[task]
async fn count(words: Rc<Vec<String>>) -> usize {
    words.len()
}

fn main() {
    let _ = count(Rc::new(Vec::new()));
}
