//! What a call was given, as a hash.

use crate::canonical::{Canonical, Fingerprint};
use crate::engine::body::Body;
use crate::engine::panic;

/// Why an argument cannot be part of a hash.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Unfit {
    /// Its type is not `Serialize`.
    Type,
    /// Its `Serialize` failed, and said why.
    Value(String),
}

/// Hashes the arguments that are in use, each with its name, whatever their order.
///
/// The arguments must be there, and not handed to the body yet. The error names the argument.
pub(crate) fn of_arguments<'a, T>(
    body: &dyn Body<T>,
    params: &[&'a str],
    in_use: impl Fn(&str) -> bool,
) -> Result<Fingerprint, (&'a str, Unfit)> {
    let mut all: Vec<(usize, &str)> = params.iter().copied().enumerate().filter(|(_, name)| in_use(name)).collect();
    all.sort_by_key(|(_, name)| *name);
    let mut out = Canonical::default();
    for (index, name) in all {
        out.word(name);
        // Serializing an argument is the user's code.
        match panic::contain(|| body.write(index, &mut out)) {
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(why))) => return Err((name, Unfit::Value(why.to_string()))),
            Ok(None) => return Err((name, Unfit::Type)),
            Err(panicked) => return Err((name, Unfit::Value(panicked))),
        }
    }
    Ok(out.finish())
}
