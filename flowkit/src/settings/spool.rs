//! Where it is kept what a server cannot be told before the process ends.

use std::path::{Path, PathBuf};

use super::read::Source;
use crate::spool_place::SpoolPlace;

/// Names the setting.
const SPOOL: &str = "FLOWKIT_SPOOL";

/// The folder below the user's cache folder.
const USUAL: &str = "flowkit/spool";

pub(super) fn place(source: &Source<'_>) -> SpoolPlace {
    match source.text(SPOOL) {
        Some(text) if text.eq_ignore_ascii_case("off") => SpoolPlace::Off,
        Some(text) => chosen(PathBuf::from(text), format!("the setting {}", source.named(SPOOL))),
        None => usual(source),
    }
}

/// The place that somebody has chosen, whatever folder the program goes to later.
pub(crate) fn chosen(folder: PathBuf, named_by: String) -> SpoolPlace {
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    SpoolPlace::Chosen { folder, named_by }
}

fn usual(source: &Source<'_>) -> SpoolPlace {
    // A relative one is to be ignored, says the specification.
    let cache = source.text("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || source.text("HOME").map(|home| Path::new(&home).join(".cache"));
    match cache.or_else(home) {
        Some(cache) => SpoolPlace::Usual(cache.join(USUAL)),
        None => SpoolPlace::Nowhere(format!("neither {SPOOL} nor XDG_CACHE_HOME nor HOME tells where to keep it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sources::Sources;

    fn place_of(pairs: &[(&str, &str)]) -> SpoolPlace {
        place(&Source(&Sources::of(pairs)))
    }

    #[test]
    fn the_usual_place_is_in_the_users_cache() {
        let usual = |path: &str| SpoolPlace::Usual(PathBuf::from(path));
        assert_eq!(place_of(&[("HOME", "/srv/me")]), usual("/srv/me/.cache/flowkit/spool"));
        let both = [("HOME", "/srv/me"), ("XDG_CACHE_HOME", "/var/cache/me")];
        assert_eq!(place_of(&both), usual("/var/cache/me/flowkit/spool"));
        let relative = [("HOME", "/srv/me"), ("XDG_CACHE_HOME", "cache")];
        assert_eq!(place_of(&relative), usual("/srv/me/.cache/flowkit/spool"));
        assert!(matches!(place_of(&[]), SpoolPlace::Nowhere(why) if why.contains("FLOWKIT_SPOOL")));
    }

    #[test]
    fn a_place_can_be_chosen_and_keeping_can_be_switched_off() {
        assert_eq!(place_of(&[("FLOWKIT_SPOOL", "off"), ("HOME", "/srv/me")]), SpoolPlace::Off);
        let named_by = "the setting FLOWKIT_SPOOL".to_owned();
        let folder = PathBuf::from("/srv/spool");
        assert_eq!(place_of(&[("FLOWKIT_SPOOL", "/srv/spool")]), SpoolPlace::Chosen { folder, named_by });
        assert!(
            matches!(place_of(&[("FLOWKIT_SPOOL", "spool")]), SpoolPlace::Chosen { folder, .. } if folder.is_absolute())
        );
    }
}
