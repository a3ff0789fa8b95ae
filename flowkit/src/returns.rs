//! What the type of a task's or a flow's value can do.

use serde::{Deserialize, Serialize};

/// How to clone a value.
pub type CloneFn<T> = fn(&T) -> T;
/// How to lend a value to any format that serde knows.
pub type EncodeFn<T> = for<'a> fn(&'a T) -> &'a dyn erased_serde::Serialize;
/// How to read a value from any format that serde knows.
///
/// The format lends nothing of its own for ever, so a type that borrows what it reads, such as one with a `&'static
/// str`, is refused when it is read. Asking for `DeserializeOwned` instead cannot be done: whether a bound holds is
/// found out without looking at lifetimes.
pub type DecodeFn<T> = fn(&mut dyn erased_serde::Deserializer<'static>) -> Result<T, erased_serde::Error>;

/// What the macro found out about the type of a value; each is `None` where a bound does not hold.
pub struct Returns<T> {
    pub(crate) clone: Option<CloneFn<T>>,
    pub(crate) encode: Option<EncodeFn<T>>,
    pub(crate) decode: Option<DecodeFn<T>>,
}

impl<T> Returns<T> {
    /// Makes the table.
    #[must_use]
    pub const fn new(clone: Option<CloneFn<T>>, encode: Option<EncodeFn<T>>, decode: Option<DecodeFn<T>>) -> Self {
        Self { clone, encode, decode }
    }
}

impl<T> std::fmt::Debug for Returns<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Returns")
            .field("clone", &self.clone.is_some())
            .field("encode", &self.encode.is_some())
            .field("decode", &self.decode.is_some())
            .finish()
    }
}

/// Lends a value to any format.
pub(crate) fn encode<T: Serialize>(value: &T) -> &dyn erased_serde::Serialize {
    value
}

/// Reads a value from any format.
pub(crate) fn decode<T: Deserialize<'static>>(
    from: &mut dyn erased_serde::Deserializer<'static>,
) -> Result<T, erased_serde::Error> {
    erased_serde::deserialize(from)
}
