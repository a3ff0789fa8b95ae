//! The program that the live suite asks what it is set to.

use serde_json::{Map, Value, json};

fn main() {
    let told = match flowkit::settings::show() {
        Ok(shown) => {
            let one = |setting: &flowkit::settings::Setting| json!({ "value": setting.value(), "origin": setting.origin().to_string() });
            let settings: Map<String, Value> =
                shown.iter().map(|setting| (setting.name().to_owned(), one(setting))).collect();
            json!({ "settings": settings, "problem": shown.problem() })
        }
        Err(error) => json!({ "error": error.to_string() }),
    };
    println!("{told}");
}
