//! Values that must not be seen.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::redact::{self, MASK};

/// Holds a value that cannot be printed by mistake: a parameter of a flow, an argument of a task, part of either.
///
/// `Debug`, `Display` and `Serialize` give `**********`, as Prefect's `SecretStr` does, so the value is not in the
/// parameters that a server shows. From the moment it is made, its texts of four characters or more are masked in the
/// log lines and state messages of this process too. Code that needs it says [`expose`](Secret::expose).
///
/// What is written is the mask, so a secret does not come back from where it is written to:
///
/// - A result that holds a secret is not stored. A run whose result is only cached warns and runs again the next time;
///   one with `persist_result` fails. Return what the secret is for, or the name under which others find it.
/// - The mask is no value: reading it as a secret is an error. So the parameters that a run has reported cannot start
///   another one, as in `flow.with_parameters(call.parameters().clone())`, unless the secret is put in anew.
///
/// ```
/// use flowkit::{Secret, prelude::*};
///
/// #[flow]
/// async fn sync(token: Secret) -> String {
///     tracing::info!("using {}", token.expose());      // logs `using **********`
///     format!("{token}")
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// assert_eq!(sync(Secret::new("hunter2")).await?, "**********");
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret<T = String>(T);

/// A value that can be secret: it tells which texts must not be seen.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a `Secret`",
    label = "must be `Sensitive`: text, JSON, or an `Option`, `Vec`, map or `Arc` of those",
    note = "implement `flowkit::Sensitive` for a type of your own: it hands each secret text to the function it is given"
)]
pub trait Sensitive {
    /// Calls `each` with every text that must not be seen.
    fn texts(&self, each: &mut dyn FnMut(&str));

    /// Gives the value itself as JSON, for a [block](crate::block) that is saved: the only place to which a secret goes.
    /// `None`, the default, if such a value cannot be in a block.
    fn plain(&self) -> Option<Value> {
        None
    }
}

impl<T: Sensitive> Secret<T> {
    /// Takes a value, and has it masked in logs from now on.
    pub fn new(value: impl Into<T>) -> Self {
        let value = value.into();
        value.texts(&mut redact::register);
        Self(value)
    }
}

impl<T> Secret<T> {
    /// Lends the value itself.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Gives up the value itself.
    #[must_use]
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Under which name a secret is written, for whoever needs to know that it is one.
pub(crate) const NAME: &str = "flowkit::Secret";

/// Writes the mask; where people do not read what is written, a hash, so that cache keys differ as the values do.
impl<T: Sensitive> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &Written(&self.0))
    }
}

/// Why a result is refused.
const NOT_STORED: &str = "a result that holds a Secret is not stored: only its mask could be read back";

/// Why a block is refused.
const NOT_PLAIN: &str = "its secret is of a type that cannot be in a block: it has no `Sensitive::plain`";

/// Whether what is written on this thread is to be stored, and read back as a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storing {
    No,
    Yes,
    Refused,
    /// It goes to where secrets are kept.
    Plain,
}

thread_local! {
    static STORING: Cell<Storing> = const { Cell::new(Storing::No) };
}

/// Writes something that is to be read back, which no secret can be. Tells why not if there was one, even if the code
/// around the secret went on without it.
pub(crate) fn none_in<T>(write: impl FnOnce() -> T) -> Result<T, &'static str> {
    let _before = Before(STORING.replace(Storing::Yes));
    let written = write();
    if STORING.get() == Storing::Refused { Err(NOT_STORED) } else { Ok(written) }
}

/// Writes something that goes to where secrets are kept, and nowhere else: secrets are written as they are.
pub(crate) fn plain_in<T>(write: impl FnOnce() -> T) -> T {
    let _before = Before(STORING.replace(Storing::Plain));
    write()
}

/// Puts back what was there, after a panic as well.
struct Before(Storing);

impl Drop for Before {
    fn drop(&mut self) {
        STORING.set(self.0);
    }
}

struct Written<'a, T>(&'a T);

impl<T: Sensitive> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match STORING.get() {
            Storing::No => {}
            Storing::Plain => {
                return self.0.plain().ok_or_else(|| S::Error::custom(NOT_PLAIN))?.serialize(serializer);
            }
            Storing::Yes | Storing::Refused => {
                STORING.set(Storing::Refused);
                return Err(S::Error::custom(NOT_STORED));
            }
        }
        if serializer.is_human_readable() {
            return serializer.serialize_str(MASK);
        }
        let mut hash = Sha256::new();
        self.0.texts(&mut |text| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        });
        serializer.serialize_bytes(&hash.finalize())
    }
}

impl<'de, T: Sensitive + DeserializeOwned> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of the type could quote the value.
        let value = T::deserialize(deserializer).map_err(|_| D::Error::custom("a secret of another type"))?;
        let mut masked = false;
        value.texts(&mut |text| masked |= text == MASK);
        if masked {
            return Err(D::Error::custom("the mask of a secret is not its value"));
        }
        Ok(Self::new(value))
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        if schema.get("type").and_then(|kind| kind.as_str()) == Some("string") {
            schema = json_schema!({"type": "string", "format": "password"});
        }
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

impl Sensitive for str {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }

    fn plain(&self) -> Option<Value> {
        Some(self.into())
    }
}

impl Sensitive for String {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }

    fn plain(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl<T: Sensitive> Sensitive for Option<T> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        self.iter().for_each(|value| value.texts(each));
    }

    fn plain(&self) -> Option<Value> {
        self.as_ref().map_or(Some(Value::Null), Sensitive::plain)
    }
}

impl<T: Sensitive> Sensitive for Vec<T> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        self.iter().for_each(|value| value.texts(each));
    }

    fn plain(&self) -> Option<Value> {
        self.iter().map(Sensitive::plain).collect::<Option<Vec<_>>>().map(Value::Array)
    }
}

/// The values are secret, the names are not.
impl<T: Sensitive> Sensitive for BTreeMap<String, T> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        self.values().for_each(|value| value.texts(each));
    }

    fn plain(&self) -> Option<Value> {
        self.iter().map(|(name, value)| Some((name.clone(), value.plain()?))).collect::<Option<_>>().map(Value::Object)
    }
}

/// The values are secret, the names are not.
impl<T: Sensitive, H> Sensitive for HashMap<String, T, H> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        self.values().for_each(|value| value.texts(each));
    }

    fn plain(&self) -> Option<Value> {
        self.iter().map(|(name, value)| Some((name.clone(), value.plain()?))).collect::<Option<_>>().map(Value::Object)
    }
}

impl<T: Sensitive + ?Sized> Sensitive for Box<T> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        (**self).texts(each);
    }

    fn plain(&self) -> Option<Value> {
        (**self).plain()
    }
}

impl<T: Sensitive + ?Sized> Sensitive for Arc<T> {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        (**self).texts(each);
    }

    fn plain(&self) -> Option<Value> {
        (**self).plain()
    }
}

impl Sensitive for Value {
    fn texts(&self, each: &mut dyn FnMut(&str)) {
        match self {
            Self::String(text) => each(text),
            Self::Array(values) => values.iter().for_each(|value| value.texts(each)),
            Self::Object(values) => values.values().for_each(|value| value.texts(each)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    fn plain(&self) -> Option<Value> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Canonical;

    #[test]
    fn a_secret_is_a_mask_to_people_and_its_own_value_to_cache_keys() {
        let (one, other) = (Secret::<String>::new("hunter-one"), Secret::<String>::new("hunter-two"));
        assert_eq!(serde_json::to_string(&one).expect("it is text"), "\"**********\"");
        assert_eq!((format!("{one} {one:?}")), "********** Secret(**********)");
        let key = |secret: &Secret| {
            let mut canonical = Canonical::default();
            canonical.write(&(1, secret, 2)).expect("it can be written");
            canonical.finish()
        };
        assert_eq!(key(&one), key(&one.clone()));
        assert_ne!(key(&one), key(&other));
    }

    #[test]
    fn a_secret_is_not_written_where_it_is_to_be_read_back() {
        let secret = Secret::<String>::new("hunter-three");
        let swallowed = none_in(|| serde_json::to_string(&[&secret]).unwrap_or_default());
        assert_eq!(swallowed, Err(NOT_STORED));
        assert_eq!(none_in(|| serde_json::to_string("plain").ok()), Ok(Some("\"plain\"".to_owned())));
        let panicked = std::panic::catch_unwind(|| none_in(|| std::panic::resume_unwind(Box::new(()))));
        assert!(panicked.is_err());
        assert!(serde_json::to_string(&secret).is_ok(), "people may see the mask");
    }

    #[test]
    fn a_secret_is_written_plain_only_while_that_is_asked_for() {
        let headers = BTreeMap::from([("auth".to_owned(), Some("hunter-four".to_owned()))]);
        let secret = Secret::<BTreeMap<String, Option<String>>>::new(headers);
        let write = || serde_json::to_string(&[&secret]).expect("it can be written");
        assert_eq!(plain_in(write), r#"[{"auth":"hunter-four"}]"#);
        assert_eq!(write(), "[\"**********\"]");
        let panicked = std::panic::catch_unwind(|| plain_in(|| std::panic::resume_unwind(Box::new(()))));
        assert!(panicked.is_err());
        assert_eq!(write(), "[\"**********\"]");
    }

    #[test]
    fn the_mask_is_not_read_as_a_secret() {
        for text in ["\"**********\"", "[\"ok\", \"**********\"]"] {
            let error = serde_json::from_str::<Secret<serde_json::Value>>(text).expect_err("it is a mask").to_string();
            assert!(error.starts_with("the mask of a secret is not its value"), "{error}");
        }
        assert!(serde_json::from_str::<Secret>("\"***********\"").is_ok(), "a secret may have stars");
    }

    #[test]
    fn a_secret_of_another_type_is_not_quoted() {
        let error = serde_json::from_str::<Secret>("[\"hunter2\"]").expect_err("it is no string");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
