//! Writes values that have parts.

use std::ops::Range;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use super::serializer::Writer;
use super::{Canonical, Unserializable};

/// Parts in the order in which they come.
pub(super) struct List<'a>(&'a mut Canonical);

impl<'a> List<'a> {
    pub(super) fn begin(out: &'a mut Canonical) -> Self {
        out.tag(b'[');
        Self(out)
    }

    pub(super) fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        value.serialize(Writer(self.0))
    }

    pub(super) fn finish(self) {
        self.0.tag(b']');
    }
}

/// Parts whose order does not matter: they are kept until the end and sorted then.
pub(super) struct Sorted<'a> {
    out: &'a mut Canonical,
    /// Where each part is among the bytes that are not hashed yet.
    parts: Vec<Range<usize>>,
}

impl<'a> Sorted<'a> {
    pub(super) fn begin(out: &'a mut Canonical, tag: u8) -> Self {
        out.tag(tag);
        out.open += 1;
        Self { out, parts: Vec::new() }
    }

    fn begin_part(&mut self) {
        let start = self.out.bytes.len();
        self.parts.push(start..start);
    }

    /// Adds to the part that was begun last.
    fn extend<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        value.serialize(Writer(self.out))?;
        if let Some(part) = self.parts.last_mut() {
            part.end = self.out.bytes.len();
        }
        Ok(())
    }

    pub(super) fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.begin_part();
        self.extend(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unserializable> {
        self.part(name)?;
        self.extend(value)
    }

    pub(super) fn finish(self, tag: u8) {
        let Self { out, mut parts } = self;
        let bytes = &out.bytes;
        if !parts.is_sorted_by(|a, b| bytes[a.clone()] <= bytes[b.clone()]) {
            let first = parts[0].start;
            parts.sort_by(|a, b| bytes[a.clone()].cmp(&bytes[b.clone()]));
            let sorted: Vec<u8> = parts.into_iter().flat_map(|part| &bytes[part]).copied().collect();
            out.bytes.truncate(first);
            out.bytes.extend(sorted);
        }
        out.open -= 1;
        out.tag(tag);
    }
}

/// The parts of an enum's variant, whose name is written already.
pub(super) struct Variant<P>(pub(super) P);

macro_rules! lists {
    ($($of:ident :: $part:ident for $list:ty, [$($inner:tt)*];)*) => {$(
        impl $of for $list {
            type Ok = ();
            type Error = Unserializable;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
                self $($inner)* .part(value)
            }

            fn end(self) -> Result<(), Unserializable> {
                self $($inner)* .finish();
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq::serialize_element for List<'_>, [];
    SerializeTuple::serialize_element for List<'_>, [];
    SerializeTupleStruct::serialize_field for List<'_>, [];
    SerializeTupleVariant::serialize_field for Variant<List<'_>>, [.0];
}

macro_rules! structs {
    ($($of:ident for $fields:ty, [$($inner:tt)*];)*) => {$(
        impl $of for $fields {
            type Ok = ();
            type Error = Unserializable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unserializable> {
                self $($inner)* .field(name, value)
            }

            fn end(self) -> Result<(), Unserializable> {
                self $($inner)* .finish(b'}');
                Ok(())
            }
        }
    )*};
}

structs! {
    SerializeStruct for Sorted<'_>, [];
    SerializeStructVariant for Variant<Sorted<'_>>, [.0];
}

impl SerializeMap for Sorted<'_> {
    type Ok = ();
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.extend(value)
    }

    fn end(self) -> Result<(), Unserializable> {
        self.finish(b'}');
        Ok(())
    }
}
