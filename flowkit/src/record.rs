//! Stored results: what a record looks like, and the reference to it that a state carries.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::{ResultCodec, Wrong};

/// Where the result of a run is stored (Prefect's result record metadata), as the state of the run tells.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResultRef {
    /// The place: an absolute path, or a URL.
    pub storage_key: String,
    /// From when on the record counts as gone; `None`: never.
    #[serde(default)]
    pub expiration: Option<Timestamp>,
    /// How the result is written down.
    pub serializer: SerializerRef,
    /// The Prefect block that says where the place is; flowkit has none.
    #[serde(default)]
    pub storage_block_id: Option<String>,
}

/// Names the way in which a result is written down.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SerializerRef {
    /// The name: `json` and `msgpack` are those that flowkit knows.
    #[serde(rename = "type")]
    pub kind: String,
}

impl SerializerRef {
    fn codec(&self) -> Result<ResultCodec, Wrong> {
        let kind = &self.kind;
        ResultCodec::named(kind).ok_or_else(|| {
            let python = if kind.contains("pickle") { ", which only Python can read" } else { "" };
            Wrong::new(format!("it was written by the serializer `{kind}`{python}; flowkit reads `json` and `msgpack`"))
        })
    }
}

impl ResultRef {
    pub(crate) fn new(storage_key: String, codec: ResultCodec, expiration: Option<Timestamp>) -> Self {
        let serializer = SerializerRef { kind: codec.as_str().to_owned() };
        Self { storage_key, expiration, serializer, storage_block_id: None }
    }
}

/// A record as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    metadata: Metadata,
    result: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Metadata {
    #[serde(flatten)]
    place: ResultRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flowkit_version: Option<String>,
}

/// A record that has been read: its reference, and the result still written down.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Record {
    pub(crate) place: ResultRef,
    codec: ResultCodec,
    text: String,
}

impl Record {
    /// Makes a record of a value.
    pub(crate) fn of(place: ResultRef, codec: ResultCodec, value: &dyn erased_serde::Serialize) -> Result<Self, Wrong> {
        Ok(Self { place, codec, text: codec.encode(value)? })
    }

    /// Writes the record down.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Wrong> {
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        let metadata = Metadata { place: self.place.clone(), flowkit_version: version };
        serde_json::to_vec(&Whole { metadata, result: self.text.clone() }).map_err(Wrong::new)
    }

    /// Reads a record, its result not yet.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Wrong> {
        let Whole { metadata, result } = serde_json::from_slice(bytes).map_err(Wrong::new)?;
        let codec = metadata.place.serializer.codec()?;
        Ok(Self { place: metadata.place, codec, text: result })
    }

    /// Reads what a reference refers to: a record, or, as Python stores the results of flows, the bare result.
    pub(crate) fn referred(place: &ResultRef, bytes: &[u8]) -> Result<Self, Wrong> {
        let codec = place.serializer.codec()?;
        Self::from_bytes(bytes).or_else(|no_record| {
            let bare = codec == ResultCodec::Json && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
            let text = std::str::from_utf8(bytes).ok().filter(|_| bare).ok_or(no_record)?;
            Ok(Self { place: place.clone(), codec, text: text.to_owned() })
        })
    }

    /// Tells whether the record counts as gone.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.place.expiration.is_some_and(|at| at <= now)
    }

    /// Reads the result.
    pub(crate) fn value<'de, T: Deserialize<'de>>(&self) -> Result<T, Wrong> {
        self.codec.decode(&self.text)
    }

    /// Lets `read` read the result.
    pub(crate) fn read<T>(
        &self,
        read: fn(&mut dyn erased_serde::Deserializer<'static>) -> Result<T, erased_serde::Error>,
    ) -> Result<T, Wrong> {
        self.codec.read(&self.text, &mut |from| read(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(codec: ResultCodec) -> Record {
        let at = Timestamp::from_unix_micros(1_000_000);
        Record::of(ResultRef::new("/store/key".into(), codec, Some(at)), codec, &vec![1, 2]).expect("it can be written")
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for codec in [ResultCodec::Json, ResultCodec::Compact] {
            let written = record(codec);
            let read = Record::from_bytes(&written.to_bytes().expect("bytes")).expect("a record");
            assert_eq!(read, written);
            assert_eq!(read.value(), Ok(vec![1_u8, 2]));
            assert!(!read.is_expired(Timestamp::from_unix_micros(999_999)));
            assert!(read.is_expired(Timestamp::from_unix_micros(1_000_000)));
        }
    }

    #[test]
    fn the_metadata_is_prefects() {
        let bytes = record(ResultCodec::Json).to_bytes().expect("bytes");
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("json");
        assert_eq!(json["metadata"]["storage_key"], "/store/key");
        assert_eq!(json["metadata"]["expiration"], "1970-01-01T00:00:01.000000Z");
        assert_eq!(json["metadata"]["serializer"]["type"], "json");
        assert_eq!(json["metadata"]["storage_block_id"], serde_json::Value::Null);
        assert_eq!(json["result"], "[1,2]");
    }

    #[test]
    fn what_python_pickled_is_refused_in_clear_words() {
        let bytes =
            br#"{"metadata":{"storage_key":"k","expiration":null,"prefect_version":"3.8.8","storage_block_id":null,
            "serializer":{"type":"pickle","picklelib":"cloudpickle"}},"result":"gAVLAS4="}"#;
        let why = Record::from_bytes(bytes).expect_err("it is a pickle").to_string();
        assert!(why.contains("`pickle`, which only Python can read"), "{why}");
    }

    #[test]
    fn a_bare_result_of_python_is_read_by_its_reference() {
        let place = ResultRef::new("/store/key".into(), ResultCodec::Json, None);
        let read = |bytes: &[u8]| Record::referred(&place, bytes).and_then(|record| record.value::<Vec<u8>>());
        assert_eq!(read(b"[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(read(&record(ResultCodec::Json).to_bytes().expect("bytes")), Ok(vec![1, 2]));
        assert!(read(b"gAVLKi4=").is_err());
        let place = ResultRef { serializer: SerializerRef { kind: "pickle".into() }, ..place };
        let why = Record::referred(&place, b"gAVLKi4=").expect_err("it is a pickle").to_string();
        assert!(why.contains("`pickle`, which only Python can read"), "{why}");
    }
}
