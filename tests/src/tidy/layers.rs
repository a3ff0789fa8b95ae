//! Checks that every module of the library names only what its layer may.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Module, Named, Scope, Target, named};
use super::place::{Place, fits, module, place};
use super::table::{EXCEPTIONS, Peers, RESERVED};
use super::tokens::{Part, words};
use super::{Finding, Source};

/// Checks all files of the library against the [table](super::table).
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let files: Vec<(&Source, Module)> =
        sources.iter().filter_map(|source| Some((source, module(&source.path)?))).collect();
    let modules: BTreeSet<Module> = files.iter().map(|(_, module)| module.clone()).collect();
    let mut findings = Vec::new();
    let mut parsed = Vec::new();
    for (source, module) in &files {
        match words(source, Part::Library) {
            Ok(words) => parsed.push((*source, module, named(&words))),
            Err(finding) => findings.push(finding),
        }
    }
    let exports = exports(&parsed, &modules);
    for (source, module, paths) in &parsed {
        let Some(place) = place(module) else {
            findings.push(Finding::new(
                source,
                1,
                format!(
                    "`{}` is in no layer: name it in tests/src/tidy/table.rs, or find it another home",
                    module.join("::")
                ),
            ));
            continue;
        };
        let scope = Scope::new(inside(module), &modules, paths);
        let file = File { module, place, modules: &modules, exports: &exports };
        for path in paths {
            if let Some(message) = file.objection(path, &scope.resolve(&path.segments)) {
                findings.push(Finding::new(source, path.line, message));
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Returns the module that the paths of a file begin in: the root is called `lib`, but has no name.
fn inside(module: &[String]) -> &[String] {
    if module == ["lib"] { &[] } else { module }
}

/// Returns what the root of the crate gives other names to.
fn exports(parsed: &[(&Source, &Module, Vec<Named>)], modules: &BTreeSet<Module>) -> BTreeMap<String, Module> {
    let Some((_, _, paths)) = parsed.iter().find(|(_, module, _)| **module == ["lib"]) else {
        return BTreeMap::new();
    };
    let scope = Scope::new(&[], modules, paths);
    let target = |path: &Named| match scope.resolve(&path.segments) {
        Target::Here(target) => Some((path.alias.clone()?, target)),
        Target::Elsewhere(_) => None,
    };
    paths.iter().filter_map(target).collect()
}

/// Is one file, with what is needed to judge the paths in it.
struct File<'a> {
    module: &'a Module,
    place: Place,
    modules: &'a BTreeSet<Module>,
    exports: &'a BTreeMap<String, Module>,
}

impl File<'_> {
    /// Says what is wrong with naming this path here, and what to do instead.
    fn objection(&self, path: &Named, target: &Target) -> Option<String> {
        match target {
            Target::Here(target) => self.here(path, target),
            Target::Elsewhere(target) => self.elsewhere(path, target),
        }
    }

    fn here(&self, path: &Named, target: &[String]) -> Option<String> {
        let full = format!("crate::{}", target.join("::"));
        if self.is_excepted(&full) || target.is_empty() || self.is_root() && path.is_macro {
            return None;
        }
        let other = match self.home(target) {
            Home::Layer(other) => other,
            // The file itself is told already.
            Home::Unlisted => return None,
            // A macro is exported at the root whatever module it is written in.
            Home::Unknown if path.is_macro => return None,
            Home::Unknown => {
                return Some(format!("`{full}` is no module: name the module that defines it"));
            }
        };
        let Place { layer, .. } = self.place;
        let row = self.place.row();
        if other.layer == layer {
            let apart = row.peers == Peers::Unknown && other.matched != self.place.matched;
            return apart.then(|| {
                format!("{layer} must not know each other: `{full}`; move what both need into a port or the words")
            });
        }
        (!row.uses.contains(&other.layer)).then(|| {
            format!(
                "{layer} must not name {}: `{full}`; {layer} may name {} (tests/src/tidy/table.rs)",
                other.layer,
                list(row.uses),
            )
        })
    }

    fn elsewhere(&self, path: &Named, target: &[String]) -> Option<String> {
        let full = target.join("::") + if path.is_macro { "!" } else { "" };
        if self.is_excepted(&full) {
            return None;
        }
        for (reserved, owners, advice) in RESERVED {
            let hit = begins(&full, reserved) || full == *reserved || full.ends_with(&format!("::{reserved}"));
            if hit && !owners.iter().any(|owner| fits(owner, self.module)) {
                return Some(format!("`{full}` belongs to {}: {advice}", list(owners)));
            }
        }
        let row = self.place.row();
        row.never
            .iter()
            .find(|never| begins(&full, never))
            .map(|never| format!("{} must not name `{never}`: do it in an adapter, behind a port", self.place.layer))
    }

    /// Returns the layer of what a path names: of its longest part that is a module.
    fn home(&self, target: &[String]) -> Home {
        let module_of = |path: &[String]| {
            let lengths = (1..=path.len()).rev();
            lengths.map(|len| path[..len].to_vec()).find(|path| self.modules.contains(path))
        };
        let exported = || self.exports.get(&target[0]).and_then(|path| module_of(path));
        match module_of(target).or_else(exported) {
            Some(module) => place(&module).map_or(Home::Unlisted, Home::Layer),
            // Maybe a module that is written inside the root's file.
            None => place(&target[..1]).map_or(Home::Unknown, Home::Layer),
        }
    }

    fn is_root(&self) -> bool {
        *self.module == ["lib"]
    }

    fn is_excepted(&self, full: &str) -> bool {
        EXCEPTIONS.iter().any(|(from, to)| fits(from, self.module) && full.starts_with(to))
    }
}

/// Is what the table says of something in this crate.
enum Home {
    Layer(Place),
    /// It is in a module that the table does not list.
    Unlisted,
    /// It is in no module.
    Unknown,
}

fn begins(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "no other layer".to_owned(),
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests;
