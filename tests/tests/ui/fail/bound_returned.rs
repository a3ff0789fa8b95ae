use flowkit::prelude::*;

use std::rc::Rc;

#[task]
async fn words(text: String) -> Rc<str> {
    text.into()
}

fn main() {
    let _ = words("a");
}
