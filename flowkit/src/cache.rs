//! What makes two runs of a task equal, so that the second can have the first one's result (Prefect's cache policies).
//!
//! `#[task(cache = inputs + source)]` says it for a task, `.cache(cache::inputs() + cache::source())` for one call.
//! A key always contains the task's name and module and the type of its value, so that two tasks never share a result,
//! unless the author gives an explicit key.
//!
//! Equal keys in flight in one process run once: the others wait for the first and have its result, or run when it
//! fails. With [`CacheIsolation::Serializable`] this holds for all processes that share the store.

use std::ops::Add;

/// What a cache key is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CachePolicy {
    parts: u8,
    without: &'static [&'static str],
}

const INPUTS: u8 = 1;
const SOURCE: u8 = 2;
const RUN_ID: u8 = 4;
const FLOW_PARAMETERS: u8 = 8;
const FUNCTION: u8 = 16;

/// The arguments of the call (Prefect's `INPUTS`). Each must be `Serialize`.
///
/// The order of maps, sets and fields does not matter, nor does the width of a number.
#[must_use]
pub const fn inputs() -> CachePolicy {
    CachePolicy::of(INPUTS)
}

/// The source text of the task, without comments and layout (Prefect's `TASK_SOURCE`).
#[must_use]
pub const fn source() -> CachePolicy {
    CachePolicy::of(SOURCE)
}

/// The flow run, so that results are used again in one flow run only (Prefect's `RUN_ID`); outside of any flow the
/// task run, so that nothing is used again.
#[must_use]
pub const fn run_id() -> CachePolicy {
    CachePolicy::of(RUN_ID)
}

/// The parameters of the flow run (Prefect's `FLOW_PARAMETERS`); nothing outside of any flow.
#[must_use]
pub const fn flow_parameters() -> CachePolicy {
    CachePolicy::of(FLOW_PARAMETERS)
}

/// Nothing: the result is not cached (Prefect's `NO_CACHE`), whatever the definition says.
#[must_use]
pub const fn none() -> CachePolicy {
    CachePolicy::of(0)
}

impl CachePolicy {
    const fn of(parts: u8) -> Self {
        Self { parts, without: &[] }
    }

    /// What the function of `cache_key = ..` says.
    #[doc(hidden)]
    #[must_use]
    pub const fn function() -> Self {
        Self::of(FUNCTION)
    }

    /// Adds another policy, as `+` does; can be used in constants. If both leave arguments out, those that this one
    /// leaves out count.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let without = if self.without.is_empty() { other.without } else { self.without };
        Self { parts: self.parts | other.parts, without }
    }

    /// Leaves arguments out of [`inputs`]: `inputs().without(&["session"])`. A task without such an argument fails.
    #[must_use]
    pub const fn without(mut self, arguments: &'static [&'static str]) -> Self {
        self.without = arguments;
        self
    }

    pub(crate) const fn is_none(self) -> bool {
        self.parts == 0
    }

    pub(crate) const fn has_inputs(self) -> bool {
        self.parts & INPUTS != 0
    }

    pub(crate) const fn has_source(self) -> bool {
        self.parts & SOURCE != 0
    }

    pub(crate) const fn has_run_id(self) -> bool {
        self.parts & RUN_ID != 0
    }

    pub(crate) const fn has_flow_parameters(self) -> bool {
        self.parts & FLOW_PARAMETERS != 0
    }

    pub(crate) const fn has_function(self) -> bool {
        self.parts & FUNCTION != 0
    }

    pub(crate) const fn left_out(self) -> &'static [&'static str] {
        self.without
    }
}

impl Add for CachePolicy {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.and(other)
    }
}

/// How runs of equal keys see each other (Prefect's isolation levels).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CacheIsolation {
    /// A run uses what was stored before it began. Two processes may run the same key at the same time, and the last
    /// one's result stays.
    #[default]
    ReadCommitted,
    /// A run has a lock on its key, in the store, until its result is there. Stores in object storage have no locks.
    Serializable,
}

/// What a function of `cache_key = ..` may return: a key, or `None` for a call that is not to be cached.
///
/// The key is all that counts, whichever task it is for. Tasks that make the same key share a result, so they must agree
/// on its type: a record that cannot be read as the other type is made anew each time, and one that can is taken for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no cache key",
    label = "a function of `cache_key` returns a `String` or an `Option<String>`"
)]
pub trait IntoCacheKey {
    /// Turns it into a key.
    fn into_cache_key(self) -> Option<String>;
}

impl IntoCacheKey for String {
    fn into_cache_key(self) -> Option<String> {
        Some(self)
    }
}

impl IntoCacheKey for &str {
    fn into_cache_key(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl<K: IntoCacheKey> IntoCacheKey for Option<K> {
    fn into_cache_key(self) -> Option<String> {
        self.and_then(K::into_cache_key)
    }
}

/// Makes a name for a file out of a key; keys that are plain names stay as they are.
pub(crate) fn file_name(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=128).contains(&key.len()) && key.chars().all(is_plain) && !key.starts_with('.') {
        return key.to_owned();
    }
    let mut canonical = crate::canonical::Canonical::default();
    canonical.word(key);
    canonical.finish().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_add_up_in_constants_and_by_plus() {
        const POLICY: CachePolicy = inputs().without(&["session"]).and(source());
        assert_eq!(POLICY, source() + inputs().without(&["session"]));
        assert!(POLICY.has_inputs() && POLICY.has_source() && !POLICY.has_run_id() && !POLICY.is_none());
        assert_eq!(POLICY.left_out(), ["session"]);
        assert!(none().is_none() && (none() + none()).is_none());
    }

    #[test]
    fn a_key_that_cannot_be_a_file_is_hashed() {
        assert_eq!(file_name("report-2026.11"), "report-2026.11");
        for key in ["", "a/b", "..", ".hidden", "ü", "a b", &"x".repeat(200)] {
            let name = file_name(key);
            assert!(name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit()), "{key}: {name}");
        }
        assert_ne!(file_name("a/b"), file_name("a/c"));
    }
}
