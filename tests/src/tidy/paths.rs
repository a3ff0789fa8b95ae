//! Finds the paths that a file names and what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::Word;

/// Names modules by their path from the crate's root; the root itself is empty.
pub(super) type Module = Vec<String>;

/// Is a path as the file writes it, with a group such as `a::{b, c}` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// The name it has in this file from here on, if a `use` brings it in.
    pub(super) alias: Option<String>,
    /// Whether it is the name of a macro that is called here.
    pub(super) is_macro: bool,
}

/// Is what a path stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// Something in this crate, from its root.
    Here(Vec<String>),
    /// Something in another crate, or a name that no `use` explains.
    Elsewhere(Vec<String>),
}

/// Returns all paths of more than one part, all that are imported, and all macros that are called.
pub(super) fn named(words: &[Word]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let before = index.checked_sub(1).map(|i| words[i].text.as_str());
        let imported = before == Some("use")
            || before == Some("::") && index.checked_sub(2).is_some_and(|i| words[i].text == "use");
        // `$crate` is written for the caller of a macro, who may name the doors.
        let inside = matches!(before, Some("::" | "." | "$")) && !imported;
        if words[index].is_ident() && !inside && words[index].text != "use" {
            index = tree(words, index, Vec::new(), imported, &mut found);
        } else {
            index += 1;
        }
    }
    found.retain(|named| named.segments.len() > 1 || named.is_macro || named.alias.is_some());
    found
}

/// Reads one path, or one branch of a group, and returns the index after it.
fn tree(words: &[Word], mut index: usize, mut segments: Vec<String>, imported: bool, found: &mut Vec<Named>) -> usize {
    let text = |index: usize| words.get(index).map_or("", |word| word.text.as_str());
    let line = words[index].line;
    loop {
        match text(index) {
            "{" => {
                index += 1;
                while !matches!(text(index), "}" | "") {
                    index = match text(index) {
                        "," => index + 1,
                        _ => tree(words, index, segments.clone(), imported, found),
                    };
                }
                return index + 1;
            }
            "self" if !segments.is_empty() => index += 1,
            _ if words.get(index).is_some_and(Word::is_ident) => {
                segments.push(text(index).to_owned());
                index += 1;
            }
            // `*` of a glob, `<` of type arguments: the path ends before it.
            _ => index += 1,
        }
        let continues =
            text(index) == "::" && (text(index + 1) == "{" || words.get(index + 1).is_some_and(Word::is_ident));
        if !continues {
            break;
        }
        index += 1;
    }
    if imported && text(index) == "::" && text(index + 1) == "*" {
        index += 2;
    }
    let is_macro = text(index) == "!" && text(index + 1) != "=";
    let mut alias = segments.last().cloned();
    if imported && text(index) == "as" {
        alias = Some(text(index + 1).to_owned());
        index += 2;
    }
    found.push(Named { segments, line, alias: alias.filter(|_| imported), is_macro });
    index
}

/// Knows enough of a file to say what its paths stand for.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    module: &'a [String],
    modules: &'a BTreeSet<Module>,
    imports: BTreeMap<String, Target>,
}

impl<'a> Scope<'a> {
    /// Takes in what the file imports.
    pub(super) fn new(module: &'a [String], modules: &'a BTreeSet<Module>, paths: &[Named]) -> Self {
        let mut scope = Self { module, modules, imports: BTreeMap::new() };
        for path in paths {
            if let Some(alias) = &path.alias {
                let target = scope.resolve(&path.segments);
                scope.imports.insert(alias.clone(), target);
            }
        }
        scope
    }

    /// Returns what a path stands for.
    pub(super) fn resolve(&self, segments: &[String]) -> Target {
        let [first, rest @ ..] = segments else {
            return Target::Elsewhere(Vec::new());
        };
        let join = |base: &[String], rest: &[String]| [base, rest].concat();
        match first.as_str() {
            "crate" => Target::Here(rest.to_vec()),
            "self" => Target::Here(join(self.module, rest)),
            "super" => {
                let ups = segments.iter().take_while(|segment| *segment == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                Target::Here(join(&self.module[..kept], &segments[ups..]))
            }
            name => match self.imports.get(name) {
                Some(Target::Here(base)) => Target::Here(join(base, rest)),
                Some(Target::Elsewhere(base)) => Target::Elsewhere(join(base, rest)),
                None => {
                    let child = join(self.module, &[name.to_owned()]);
                    match self.modules.contains(&child) {
                        true => Target::Here(join(&child, rest)),
                        false => Target::Elsewhere(segments.to_vec()),
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::super::tokens::{Part, words};
    use super::*;

    fn targets(module: &str, text: &str) -> Vec<String> {
        let split = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
        let modules = ["backend", "backend::memory", "state"].map(split).into();
        let module = split(module);
        let words = words(&Source::new("a.rs", text), Part::Whole).expect("it is Rust");
        let paths = named(&words);
        let scope = Scope::new(&module, &modules, &paths);
        let mut targets: Vec<String> = paths
            .iter()
            .map(|path| match scope.resolve(&path.segments) {
                Target::Here(path) => format!("crate {}", path.join("::")),
                Target::Elsewhere(path) => path.join("::"),
            })
            .collect();
        targets.dedup();
        targets
    }

    #[test]
    fn groups_are_taken_apart() {
        let text = "use crate::{state::{self, State as S}, backend::*};";
        assert_eq!(targets("call", text), ["crate state", "crate state::State", "crate backend"]);
    }

    #[test]
    fn relative_paths_are_found() {
        assert_eq!(targets("backend::memory", "super::Backend"), ["crate backend::Backend"]);
        assert_eq!(targets("backend::memory", "super::super::state::X"), ["crate state::X"]);
        assert_eq!(targets("backend", "pub use memory::Memory;"), ["crate backend::memory::Memory"]);
        assert_eq!(targets("backend", "self::memory::Memory"), ["crate backend::memory::Memory"]);
    }

    #[test]
    fn imports_are_seen_through() {
        let text = "use crate::backend; use std::fs; fn f() { backend::memory::open(); fs::read(x) }";
        let expect = ["crate backend", "std::fs", "crate backend::memory::open", "std::fs::read"];
        assert_eq!(targets("call", text), expect);
    }

    #[test]
    fn macros_are_seen_and_comparisons_are_not() {
        assert_eq!(targets("call", "println!(\"\"); if a != b { c!{} }"), ["println", "c"]);
    }

    #[test]
    fn what_is_no_path_is_not_one() {
        assert_eq!(targets("call", "let x = y.z(1); $crate::a::b; <T as U>::v"), [""; 0]);
    }
}
