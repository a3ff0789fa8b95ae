//! Rust source as a flat list of words, without comments and, if wished, without test code.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::{Finding, Source};

/// Is a token: an identifier, a literal, a bracket or punctuation, with `::` as one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Word {
    pub(super) fn is_ident(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_') && !self.text.contains('"')
    }
}

/// Says which part of a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What is compiled into the library: nothing behind `#[cfg(test)]`.
    Library,
}

/// Splits a file into words.
///
/// # Errors
///
/// When the text is no Rust.
pub(super) fn words(source: &Source, part: Part) -> Result<Vec<Word>, Finding> {
    let mut words = Vec::new();
    if part == Part::Library && is_test_file(&source.path) {
        return Ok(words);
    }
    let stream: TokenStream = source.text.parse().map_err(|error: proc_macro2::LexError| {
        Finding::new(source, error.span().start().line, format!("cannot be read as Rust: {error}"))
    })?;
    flatten(stream, part, &mut words);
    Ok(words)
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn flatten(stream: TokenStream, part: Part, words: &mut Vec<Word>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while index < trees.len() {
        if part == Part::Library && is_test_attribute(&trees[index..]) {
            index = end_of_item(&trees, index + 2);
            continue;
        }
        let line = trees[index].span().start().line;
        let mut push = |text: String| words.push(Word { text, line });
        match &trees[index] {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                push(open.to_owned());
                let line = group.span_close().start().line;
                flatten(group.stream(), part, words);
                words.push(Word { text: close.to_owned(), line });
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint => {
                push("::".to_owned());
                index += 1;
            }
            other => push(other.to_string()),
        }
        index += 1;
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Says whether `#[cfg(test)]`, or `#[cfg(all(test, ..))]`, begins here.
fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = trees else {
        return false;
    };
    let text: String = group.stream().to_string().split_whitespace().collect();
    hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// Returns where the item that begins here ends: after its body or its semicolon.
fn end_of_item(trees: &[TokenTree], begin: usize) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    trees[begin..].iter().position(ends).map_or(trees.len(), |offset| begin + offset + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(text: &str) -> String {
        let source = Source::new("flowkit/src/a.rs", text);
        let words = words(&source, Part::Library).expect("it is Rust");
        words.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_vanish_and_paths_stay_whole() {
        assert_eq!(library("use a::b; // c::d\n/* e */ f(\"g::h\")"), "use a :: b ; f ( \"g::h\" )");
    }

    #[test]
    fn test_code_is_left_out() {
        assert_eq!(library("a(); #[cfg(test)] mod tests { b() } c()"), "a ( ) ; c ( )");
        assert_eq!(library("#[cfg(test)] use x::y; fn f() { #[cfg(test)] g(); h() }"), "fn f ( ) { h ( ) }");
        assert_eq!(library("#[cfg(not(test))] fn f() {}"), "# [ cfg ( not ( test ) ) ] fn f ( ) { }");
    }

    #[test]
    fn lines_count_from_one() {
        let words = words(&Source::new("a.rs", "a\n\n(b\n)"), Part::Whole).expect("it is Rust");
        let lines: Vec<usize> = words.iter().map(|word| word.line).collect();
        assert_eq!(lines, [1, 3, 3, 4]);
    }

    #[test]
    fn what_is_no_rust_is_a_finding() {
        assert!(words(&Source::new("a.rs", "fn f( {"), Part::Whole).is_err());
    }
}
