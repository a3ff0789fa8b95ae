//! How results are written down.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::canonical::Canonical;
use crate::secret;

/// The form in which a result is stored (Prefect's result serializer). Never code: no form can run anything when it is
/// read.
///
/// Both have one word for "nothing": `Some(None)` of a nested option, and `Some(())`, are read back as `None`. A type that
/// must tell them apart says so itself, with an enum or a field of its own. A result that holds a [`Secret`](crate::Secret)
/// is stored in neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum ResultCodec {
    /// JSON, which Prefect's Python can read as well. It has no NaN and no infinities: a result with one is not stored.
    #[default]
    Json,
    /// MessagePack with the names of fields: smaller than JSON, and true to bytes and to floats that are no numbers.
    Compact,
}

impl ResultCodec {
    /// Returns the name under which records tell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Compact => "msgpack",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Json, Self::Compact].into_iter().find(|codec| codec.as_str() == name)
    }

    /// Writes a value as the text that a record holds.
    pub(crate) fn encode(self, value: &dyn erased_serde::Serialize) -> Result<String, Wrong> {
        secret::none_in(|| match self {
            Self::Json => json(value),
            Self::Compact => rmp_serde::to_vec_named(value).map(|bytes| STANDARD.encode(bytes)).map_err(Wrong::new),
        })
        .map_err(Wrong::new)?
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode<'de, T: Deserialize<'de>>(self, text: &str) -> Result<T, Wrong> {
        self.read(text, &mut |from| erased_serde::deserialize(from))
    }

    /// Lets `read` read what [`encode`](Self::encode) wrote.
    pub(crate) fn read<'de, T>(
        self,
        text: &str,
        read: &mut dyn FnMut(&mut dyn erased_serde::Deserializer<'de>) -> Result<T, erased_serde::Error>,
    ) -> Result<T, Wrong> {
        match self {
            Self::Json => {
                let mut from = serde_json::Deserializer::from_reader(text.as_bytes());
                let value = read(&mut <dyn erased_serde::Deserializer<'de>>::erase(&mut from)).map_err(Wrong::new)?;
                from.end().map_err(Wrong::new)?;
                Ok(value)
            }
            Self::Compact => {
                let bytes = STANDARD.decode(text).map_err(Wrong::new)?;
                let mut from = rmp_serde::Deserializer::new(bytes.as_slice());
                read(&mut <dyn erased_serde::Deserializer<'de>>::erase(&mut from)).map_err(Wrong::new)
            }
        }
    }
}

fn json(value: &dyn erased_serde::Serialize) -> Result<String, Wrong> {
    let text = serde_json::to_string(value).map_err(Wrong::new)?;
    // JSON has null for numbers that it does not have, so only what has a null is looked at again.
    if text.contains("null") {
        let mut canonical = Canonical::default();
        canonical.write(value).map_err(Wrong::new)?;
        if canonical.is_not_finite() {
            return Err(Wrong::new(
                "it has a float that is NaN or infinite, which JSON cannot tell from null; `result_codec = compact` keeps it",
            ));
        }
    }
    Ok(text)
}

/// Why a value cannot be written or read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wrong(String);

impl Wrong {
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Text(String),
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Shape {
        Empty,
        Round { radius: f32 },
        Pair(u8, i64),
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct All {
        shapes: Vec<Shape>,
        either: Vec<Either>,
        #[serde(skip_serializing_if = "Option::is_none")]
        missing: Option<u8>,
        there: Option<Option<u8>>,
        map: HashMap<String, Vec<u8>>,
        #[serde(flatten)]
        rest: serde_json::Map<String, serde_json::Value>,
        tuple: (char, bool, ()),
        big: u64,
    }

    fn all() -> All {
        All {
            shapes: vec![Shape::Empty, Shape::Round { radius: 1.5 }, Shape::Pair(1, -2)],
            either: vec![Either::Number(0.5), Either::Text("x".into())],
            missing: None,
            there: Some(Some(3)),
            map: HashMap::from([("bytes".to_owned(), vec![0, 255])]),
            rest: serde_json::json!({"deep": {"list": [1, null, "y"]}}).as_object().cloned().unwrap_or_default(),
            tuple: ('ü', true, ()),
            big: u64::MAX,
        }
    }

    #[test]
    fn both_forms_give_back_what_they_were_given() {
        for codec in [ResultCodec::Json, ResultCodec::Compact] {
            let text = codec.encode(&all()).expect("it can be written");
            assert_eq!(codec.decode(&text), Ok(all()), "{codec:?}");
            assert_eq!(ResultCodec::named(codec.as_str()), Some(codec));
        }
        let nan = ResultCodec::Compact.encode(&f64::NAN).and_then(|text| ResultCodec::Compact.decode::<f64>(&text));
        assert!(nan.is_ok_and(f64::is_nan));
    }

    #[test]
    fn json_refuses_floats_that_it_does_not_have_and_names_the_form_that_does() {
        let refused: [&dyn erased_serde::Serialize; 5] = [
            &f64::NAN,
            &f32::INFINITY,
            &Some(vec![(1, f64::NEG_INFINITY)]),
            &HashMap::from([("deep", Either::Number(f64::NAN))]),
            &Shape::Round { radius: f32::NAN },
        ];
        for value in refused {
            let why = ResultCodec::Json.encode(value).expect_err("JSON has no such number").to_string();
            assert!(why.contains("NaN or infinite") && why.contains("`result_codec = compact`"), "{why}");
            assert!(ResultCodec::Compact.encode(value).is_ok());
        }
        for kept in [&None::<f64> as &dyn erased_serde::Serialize, &"null NaN", &(1.5, f64::MAX, ())] {
            assert!(ResultCodec::Json.encode(kept).is_ok());
        }
    }

    #[test]
    fn neither_form_takes_a_secret_or_tells_nested_options_apart() {
        #[derive(Serialize)]
        struct Login {
            name: &'static str,
            password: Option<crate::Secret>,
        }
        for codec in [ResultCodec::Json, ResultCodec::Compact] {
            let login = |password| Login { name: "me", password };
            let why = codec.encode(&login(Some(crate::Secret::new("hunter-four")))).expect_err("a secret").to_string();
            assert!(why.starts_with("a result that holds a Secret is not stored"), "{why}");
            assert!(codec.encode(&login(None)).is_ok());
            let nested = codec.encode(&Some(None::<u8>)).and_then(|text| codec.decode::<Option<Option<u8>>>(&text));
            assert_eq!(nested, Ok(None), "as its documentation says");
        }
    }

    #[test]
    fn what_is_no_record_of_the_type_is_an_error() {
        for (codec, text) in [
            (ResultCodec::Json, "{"),
            (ResultCodec::Json, "1 2"),
            (ResultCodec::Compact, "?"),
            (ResultCodec::Compact, ""),
        ] {
            assert!(codec.decode::<u8>(text).is_err(), "{text}");
        }
        let borrowed: Result<&str, _> = ResultCodec::Json.decode("\"x\"");
        assert!(borrowed.is_err(), "nothing can be borrowed from a record");
    }
}
