//! Where a file of the library stands in the table of layers.

use super::paths::Module;
use super::table::{LAYERS, Layer};

/// Is where the library's sources are.
pub(super) const ROOT: &str = "flowkit/src/";

/// Returns the module that a file of the library holds, if it is one; the root is called `lib`.
pub(super) fn module(path: &str) -> Option<Module> {
    let inner = path.strip_prefix(ROOT)?.strip_suffix(".rs")?;
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    Some(inner.split('/').map(str::to_owned).collect())
}

/// Is where the table puts a module: its layer, and the part of its path the pattern matched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) layer: &'static str,
    pub(super) matched: Module,
}

impl Place {
    /// Returns the row of the table.
    pub(super) fn row(&self) -> &'static Layer {
        LAYERS.iter().find(|layer| layer.name == self.layer).expect("a place names a row")
    }
}

/// Returns where the table puts a module, if it knows it.
pub(super) fn place(module: &[String]) -> Option<Place> {
    let rows = LAYERS.iter().flat_map(|layer| layer.modules.iter().map(move |pattern| (layer, pattern)));
    rows.filter(|(_, pattern)| fits(pattern, module))
        .max_by_key(|(_, pattern)| (pattern.split("::").count(), !pattern.contains('*')))
        .map(|(layer, pattern)| {
            let matched = module[..pattern.split("::").count()].to_vec();
            Place { layer: layer.name, matched }
        })
}

/// Says whether a pattern matches a module or one above it; `*` stands for the rest of a segment.
pub(super) fn fits(pattern: &str, module: &[String]) -> bool {
    let pattern: Vec<&str> = pattern.split("::").collect();
    pattern.len() <= module.len()
        && pattern.iter().zip(module).all(|(pattern, segment)| match pattern.strip_suffix('*') {
            Some(prefix) => segment.starts_with(prefix),
            None => pattern == segment,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, layer: &str, matched: &str) {
        let module = module(&format!("{ROOT}{path}")).expect("it is a file of the library");
        let place = place(&module).expect("the table knows it");
        assert_eq!((place.layer, &*place.matched.join("::")), (layer, matched), "{path}");
    }

    #[test]
    fn the_longest_pattern_wins() {
        check("backend/mod.rs", "ports", "backend");
        check("backend.rs", "ports", "backend");
        check("backend/memory.rs", "adapters", "backend::memory");
        check("backend/server/http.rs", "adapters", "backend::server");
        check("engine/limit/slots.rs", "engine", "engine");
        check("lib.rs", "doors", "lib");
    }

    #[test]
    fn other_files_are_not_of_the_library() {
        assert_eq!(module("flowkit/tests/a.rs"), None);
        assert_eq!(module("flowkit/src/a.txt"), None);
    }
}
