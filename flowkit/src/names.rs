//! Names for flow runs nobody named, such as `airborne-ringtail`.

const FIRST: &[&str] = &[
    "able", "airborne", "amber", "ample", "ancient", "apt", "arctic", "autumn", "azure", "balanced", "bold", "brave",
    "breezy", "bright", "brisk", "bronze", "calm", "candid", "careful", "cheerful", "chestnut", "clear", "clever",
    "cobalt", "copper", "coral", "cosmic", "crimson", "crisp", "curious", "daring", "dapper", "deft", "eager", "early",
    "earnest", "elated", "elegant", "emerald", "fabled", "fair", "famous", "fast", "fearless", "festive", "fleet",
    "flying", "fond", "frosty", "gallant", "gentle", "gilded", "glad", "golden", "graceful", "grand", "green", "happy",
    "hardy", "hazel", "honest", "humble", "ideal", "indigo", "ivory", "jade", "jolly", "jovial", "keen", "kind",
    "lavender", "light", "lively", "loyal", "lucky", "lunar", "mellow", "merry", "mighty", "misty", "modest", "mossy",
    "nimble", "noble", "northern", "olive", "opal", "orange", "patient", "pearl", "polished", "proud", "purple",
    "quick", "quiet", "radiant", "rapid", "rosy", "royal", "russet", "sage", "scarlet", "serene", "sharp", "silent",
    "silver", "sincere", "smooth", "snowy", "solar", "spirited", "steady", "still", "sturdy", "sunny", "swift", "tall",
    "teal", "tidy", "tranquil", "upbeat", "valiant", "velvet", "violet", "vivid", "warm", "western", "wise", "witty",
    "young", "zealous",
];

const SECOND: &[&str] = &[
    "albatross",
    "alpaca",
    "antelope",
    "badger",
    "barracuda",
    "bat",
    "beaver",
    "beetle",
    "bison",
    "bluejay",
    "bobcat",
    "buffalo",
    "bumblebee",
    "camel",
    "capybara",
    "caribou",
    "cheetah",
    "chinchilla",
    "cicada",
    "condor",
    "cormorant",
    "coyote",
    "crane",
    "cricket",
    "curlew",
    "deer",
    "dingo",
    "dolphin",
    "dragonfly",
    "eagle",
    "egret",
    "eland",
    "elk",
    "falcon",
    "ferret",
    "finch",
    "firefly",
    "flamingo",
    "fox",
    "gazelle",
    "gecko",
    "gibbon",
    "giraffe",
    "goose",
    "grouse",
    "gull",
    "hare",
    "hawk",
    "hedgehog",
    "heron",
    "hornbill",
    "ibex",
    "ibis",
    "impala",
    "jackal",
    "jaguar",
    "jay",
    "kestrel",
    "kingfisher",
    "kiwi",
    "koala",
    "kudu",
    "lark",
    "lemming",
    "lemur",
    "leopard",
    "lion",
    "llama",
    "lobster",
    "lynx",
    "macaw",
    "magpie",
    "mallard",
    "marmot",
    "marten",
    "meerkat",
    "mole",
    "mongoose",
    "moose",
    "narwhal",
    "newt",
    "nightingale",
    "ocelot",
    "octopus",
    "okapi",
    "oriole",
    "osprey",
    "ostrich",
    "otter",
    "owl",
    "panda",
    "partridge",
    "pelican",
    "penguin",
    "petrel",
    "pheasant",
    "plover",
    "porcupine",
    "puffin",
    "puma",
    "quail",
    "quokka",
    "rabbit",
    "raccoon",
    "raven",
    "reindeer",
    "ringtail",
    "robin",
    "salmon",
    "sandpiper",
    "seal",
    "serval",
    "shrew",
    "skylark",
    "sparrow",
    "squirrel",
    "starling",
    "stoat",
    "stork",
    "swallow",
    "swan",
    "tamarin",
    "tapir",
    "tern",
    "toucan",
    "trout",
    "turtle",
    "vole",
    "wallaby",
    "walrus",
    "warbler",
    "weasel",
    "whale",
    "wolf",
    "wombat",
    "woodpecker",
    "wren",
    "yak",
    "zebra",
];

/// Makes a name of two words; names may repeat, ids do not.
pub(crate) fn generate() -> String {
    let pick = |words: &[&'static str]| words[fastrand::usize(..words.len())];
    format!("{}-{}", pick(FIRST), pick(SECOND))
}

/// The most characters that a run name has.
const LONGEST: usize = 250;

/// Makes a name fit for logs and pages: control characters become spaces, and a very long name is cut. `None` if
/// nothing is left.
pub(crate) fn fit(name: &str) -> Option<String> {
    let spaced: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = spaced.trim();
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => Some(format!("{}...", &name[..end])),
        None => (!name.is_empty()).then(|| name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn a_name_has_no_control_characters_and_is_not_huge() {
        let fit = |name: &str| super::fit(name);
        assert_eq!(fit("customer 7 \u{fc}").as_deref(), Some("customer 7 \u{fc}"));
        assert_eq!(fit("two\nlines\u{1b}[31m").as_deref(), Some("two lines [31m"));
        assert_eq!(fit(" \t\n"), None);
        let huge = fit(&"\u{fc}".repeat(9_999)).expect("something is left");
        assert_eq!((huge.chars().count(), huge.ends_with("...")), (253, true));
    }

    #[test]
    fn names_are_two_lower_case_words_and_vary() {
        let names: HashSet<String> = (0..50).map(|_| super::generate()).collect();
        assert!(names.len() > 10);
        for name in names {
            assert_eq!(name.split('-').count(), 2);
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
    }
}
