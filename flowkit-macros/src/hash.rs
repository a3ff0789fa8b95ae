//! A hash of source text that is the same on every machine and with every compiler.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The 128-bit FNV-1a hash of some tokens; layout and ordinary comments do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceHash(u128);

impl SourceHash {
    pub(crate) fn of(tokens: TokenStream) -> Self {
        let mut hash = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        hash.stream(tokens);
        hash
    }

    /// 32 hexadecimal digits.
    pub(crate) fn long(self) -> String {
        format!("{:032x}", self.0)
    }

    /// 8 hexadecimal digits.
    pub(crate) fn short(self) -> String {
        let folded = [0, 32, 64, 96].into_iter().fold(0, |sum, shift| sum ^ (self.0 >> shift) as u32);
        format!("{folded:08x}")
    }

    fn stream(&mut self, tokens: TokenStream) {
        for tree in tokens {
            match tree {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    self.word(open);
                    self.stream(group.stream());
                    self.word(close);
                }
                leaf => self.word(&leaf.to_string()),
            }
        }
    }

    fn word(&mut self, text: &str) {
        for byte in text.bytes().chain([b' ']) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(source: &str) -> SourceHash {
        SourceHash::of(source.parse().expect("tokens"))
    }

    #[test]
    fn a_hash_never_changes() {
        let hash = hash("async fn double(n: u32) -> u32 { n * 2 }");
        assert_eq!(hash.long(), "2709299c6bc32ded3b18d9eca5d8a9e8");
        assert_eq!(hash.short(), "d20a7475");
    }

    #[test]
    fn layout_and_comments_do_not_count_but_every_token_does() {
        let one = hash("fn f(a: u8) -> u8 { a + 1 }");
        assert_eq!(one, hash("fn f(a:u8)->u8{\n // why\n a+1 }"));
        for other in ["fn f(a: u8) -> u8 { a + 2 }", "fn f(a: u8) -> u8 { (a + 1) }", "fn f(a: u8) -> u8 { a1 + }"] {
            assert_ne!(one, hash(other), "{other}");
        }
    }
}
