use flowkit::prelude::*;

use std::rc::Rc;

#[task]
fn words(text: String) -> Rc<str> {
    text.into()
}

fn main() {
    let _ = words("a");
}
