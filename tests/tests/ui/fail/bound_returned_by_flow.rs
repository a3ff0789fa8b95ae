use flowkit::prelude::*;

use std::rc::Rc;

#[flow]
async fn words(text: String) -> Rc<str> {
    text.into()
}

fn main() {
    let _ = words("a".to_owned());
}
