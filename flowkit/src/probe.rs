//! What a type can do, found out where it is concrete.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Canonical, Unserializable};
use crate::returns::{CloneFn, DecodeFn, EncodeFn, decode, encode};

/// Finds out what a type can do, with constants that exist only where a bound holds.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// How to write a value of a type in its canonical form.
pub type WriteFn<T> = fn(&T, &mut Canonical) -> Result<(), Unserializable>;

/// What [`Probe`] says where no bound holds.
pub trait Absent {
    /// The probed type.
    type Probed;
    /// It cannot be cloned.
    const CLONE: Option<CloneFn<Self::Probed>> = None;
    /// It cannot be displayed.
    const DISPLAY: Option<fn(&Self::Probed) -> String> = None;
    /// It cannot be debugged.
    const DEBUG: Option<fn(&Self::Probed) -> String> = None;
    /// It cannot be serialized.
    const WRITE: Option<WriteFn<Self::Probed>> = None;
    /// It cannot be serialized.
    const ENCODE: Option<EncodeFn<Self::Probed>> = None;
    /// It cannot be deserialized.
    const DECODE: Option<DecodeFn<Self::Probed>> = None;
    /// It is not a `Result`.
    const IS_RESULT: bool = false;
    /// It has no schema.
    const SCHEMA: fn(&mut SchemaGenerator) -> Schema = |_| Schema::default();

    /// It is not JSON.
    fn to_value(_: Self::Probed) -> Value {
        Value::Null
    }
}

impl<T> Absent for Probe<T> {
    type Probed = T;
}

impl<T: Clone> Probe<T> {
    /// How to clone it.
    pub const CLONE: Option<CloneFn<T>> = Some(T::clone);
}

impl<T: Display> Probe<T> {
    /// How to display it.
    pub const DISPLAY: Option<fn(&T) -> String> = Some(|value| value.to_string());
}

impl<T: Debug> Probe<T> {
    /// How to debug it.
    pub const DEBUG: Option<fn(&T) -> String> = Some(|value| format!("{value:?}"));
}

impl<T: Serialize> Probe<T> {
    /// How to write it in its canonical form.
    pub const WRITE: Option<WriteFn<T>> = Some(|value, out| out.write(value));
    /// How to serialize it.
    pub const ENCODE: Option<EncodeFn<T>> = Some(encode::<T>);
}

impl<T: Deserialize<'static>> Probe<T> {
    /// How to deserialize it.
    pub const DECODE: Option<DecodeFn<T>> = Some(decode::<T>);
}

impl<T: JsonSchema> Probe<T> {
    /// Its JSON schema.
    pub const SCHEMA: fn(&mut SchemaGenerator) -> Schema = |generator| generator.subschema_for::<T>();
}

impl<T: Serialize> Probe<T> {
    /// Makes JSON of a default value; `null` if it cannot be.
    pub fn to_value(value: T) -> Value {
        serde_json::to_value(value).unwrap_or_default()
    }
}

impl<T, E> Probe<Result<T, E>> {
    /// It is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// Shows a value if its type can be displayed or debugged.
#[doc(hidden)]
#[macro_export]
macro_rules! show {
    ($ty:ty, $value:expr) => {{
        #[allow(unused_imports, reason = "only for types that lack a trait")]
        use $crate::__private::Absent as _;
        $crate::__private::Probe::<$ty>::DISPLAY.or($crate::__private::Probe::<$ty>::DEBUG).map(|show| show($value))
    }};
}

/// Writes a value in its canonical form if its type is `Serialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! written {
    ($ty:ty, $value:expr, $out:ident) => {
        $crate::__private::Probe::<$ty>::WRITE.map(|write| write($value, $out))
    };
}

/// What a type of values can do.
#[doc(hidden)]
#[macro_export]
macro_rules! returns {
    ($ty:ty) => {
        $crate::__private::Returns::new(
            $crate::__private::Probe::<$ty>::CLONE,
            $crate::__private::Probe::<$ty>::ENCODE,
            $crate::__private::Probe::<$ty>::DECODE,
        )
    };
}
