//! Values as bytes that are equal exactly when the values are, hashed.
//!
//! What does not matter: the order of maps, of the fields of a struct and of a `HashSet`, the width of an integer or a
//! float, the sign of a zero. What always does: the kind of a value, so that `1`, `1.0`, `"1"`, `'1'`, `true`, `()` and
//! `[1]` are all different, and where one value ends and the next begins.

mod compound;
mod serializer;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use serializer::Writer;

/// What is hashed at once.
const CHUNK: usize = 8192;

/// The hash of some values in their canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a value has no canonical form: what its `Serialize` said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unserializable(pub(crate) String);

impl fmt::Display for Unserializable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unserializable {}

impl serde::ser::Error for Unserializable {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

/// Takes values, one after the other, and makes a hash of all.
#[derive(Debug, Default)]
pub struct Canonical {
    hash: Sha256,
    /// What is not hashed yet.
    bytes: Vec<u8>,
    /// How many values are open whose parts are to be sorted at their end.
    open: usize,
    /// What is written is a secret, which shows people a mask and us its hash.
    secret: bool,
    /// There was a float that is no finite number.
    not_finite: bool,
}

impl Canonical {
    /// Takes a value.
    ///
    /// # Errors
    /// What the value's `Serialize` says.
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        value.serialize(Writer(self))
    }

    /// Takes a word of ours.
    pub(crate) fn word(&mut self, word: &str) {
        self.sized(b's', word.as_bytes());
    }

    /// Tells whether a float so far was NaN or infinite.
    pub(crate) fn is_not_finite(&self) -> bool {
        self.not_finite
    }

    pub(crate) fn finish(mut self) -> Fingerprint {
        self.hash.update(&self.bytes);
        Fingerprint(self.hash.finalize().into())
    }

    fn tag(&mut self, tag: u8) {
        self.plain(tag, &[]);
    }

    fn plain(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(bytes);
        if self.open == 0 && self.bytes.len() >= CHUNK {
            self.hash.update(&self.bytes);
            self.bytes.clear();
        }
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes.push(tag);
        self.plain_length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn plain_length(&mut self, length: usize) {
        self.bytes.extend_from_slice(&(length as u64).to_be_bytes());
    }
}
