//! Writes one value. Every form begins with a tag of its kind and tells where it ends.

use serde::Serialize;
use serde::ser::Serializer;

use super::compound::{List, Sorted, Variant};
use super::{Canonical, Unserializable};
use crate::secret;

/// Writes the next value.
pub(super) struct Writer<'a>(pub(super) &'a mut Canonical);

impl Writer<'_> {
    fn integer(self, negative: bool, magnitude: u128) -> Result<(), Unserializable> {
        let tag = if negative { b'-' } else { b'+' };
        let bytes = magnitude.to_be_bytes();
        let zeros = (magnitude.leading_zeros() / 8) as usize;
        self.0.sized(tag, &bytes[zeros..]);
        Ok(())
    }

    fn nothing(self, tag: u8) -> Result<(), Unserializable> {
        self.0.tag(tag);
        Ok(())
    }
}

/// Collections whose order is chance. Serde shows all of them as sequences, so they are known by their names.
fn is_unordered(type_name: &str) -> bool {
    let path = type_name.split_once('<').map_or(type_name, |(path, _)| path);
    path.starts_with('&') && ["::HashSet", "::BinaryHeap"].iter().any(|name| path.ends_with(name))
}

macro_rules! integers {
    ($($signed:ident $signed_type:ident, $unsigned:ident $unsigned_type:ident;)*) => {$(
        fn $signed(self, value: $signed_type) -> Result<(), Unserializable> {
            self.integer(value < 0, value.unsigned_abs().into())
        }

        fn $unsigned(self, value: $unsigned_type) -> Result<(), Unserializable> {
            self.integer(false, value.into())
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unserializable;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Variant<List<'a>>;
    type SerializeMap = Sorted<'a>;
    type SerializeStruct = Sorted<'a>;
    type SerializeStructVariant = Variant<Sorted<'a>>;

    integers! {
        serialize_i8 i8, serialize_u8 u8;
        serialize_i16 i16, serialize_u16 u16;
        serialize_i32 i32, serialize_u32 u32;
        serialize_i64 i64, serialize_u64 u64;
        serialize_i128 i128, serialize_u128 u128;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unserializable> {
        self.nothing(if value { b't' } else { b'f' })
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unserializable> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unserializable> {
        self.0.not_finite |= !value.is_finite();
        let value = match value {
            _ if value.is_nan() => f64::NAN,
            // Equal values have equal forms, and the two zeros are equal.
            0.0 => 0.0,
            _ => value,
        };
        self.0.plain(b'd', &value.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unserializable> {
        self.0.plain(b'c', &u32::from(value).to_be_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unserializable> {
        self.0.sized(b's', value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unserializable> {
        self.0.sized(b'b', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unserializable> {
        self.nothing(b'n')
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unserializable> {
        self.0.tag(b'o');
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unserializable> {
        self.nothing(b'u')
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unserializable> {
        self.nothing(b'u')
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unserializable> {
        self.0.sized(b'v', name.as_bytes());
        self.nothing(b'u')
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        self.0.secret = name == secret::NAME;
        let written = value.serialize(Writer(&mut *self.0));
        self.0.secret = false;
        written
    }

    fn is_human_readable(&self) -> bool {
        !self.0.secret
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        self.0.sized(b'v', name.as_bytes());
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Unserializable> {
        Ok(List::begin(self.0))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Unserializable> {
        Ok(List::begin(self.0))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Unserializable> {
        Ok(List::begin(self.0))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<List<'a>>, Unserializable> {
        self.0.sized(b'v', name.as_bytes());
        Ok(Variant(List::begin(self.0)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Sorted<'a>, Unserializable> {
        Ok(Sorted::begin(self.0, b'{'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Sorted<'a>, Unserializable> {
        Ok(Sorted::begin(self.0, b'{'))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<Sorted<'a>>, Unserializable> {
        self.0.sized(b'v', name.as_bytes());
        Ok(Variant(Sorted::begin(self.0, b'{')))
    }

    fn collect_seq<I>(self, values: I) -> Result<(), Unserializable>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if is_unordered(std::any::type_name::<I>()) {
            let mut set = Sorted::begin(self.0, b'<');
            values.into_iter().try_for_each(|value| set.part(&value))?;
            set.finish(b'>');
        } else {
            let mut list = List::begin(self.0);
            values.into_iter().try_for_each(|value| list.part(&value))?;
            list.finish();
        }
        Ok(())
    }
}
