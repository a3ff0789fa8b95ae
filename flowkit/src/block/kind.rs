//! What a type of blocks is, as its author says it.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::{self, Described};
use crate::blocks::{BlockKind, Fields};
use crate::error::{Error, ErrorKind};
use crate::secret;

/// A type whose values can be saved under a name: `#[derive(Block)]` makes a struct one.
///
/// See [`block`](crate::block) for what it is for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no block",
    label = "must be a block",
    note = "`#[derive(flowkit::Block, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]` makes a struct one"
)]
pub trait Block: BlockForm {
    /// What the type is called, and what is shown of it.
    const TYPE: BlockType;

    /// Gives the fields, secrets as they are.
    #[doc(hidden)]
    fn fields(&self) -> Result<Fields, Error> {
        fields_of(self)
    }

    /// Reads the fields.
    #[doc(hidden)]
    fn from_fields(fields: Fields) -> Result<Self, Error> {
        read(fields)
    }

    /// The schema of the fields in the form that JSON schemas have, with pydantic's words.
    #[doc(hidden)]
    fn schema() -> Fields {
        crate::parameters::schema_of::<Self>()
    }
}

/// What the type of a block must be: written and read by serde, and described by schemars.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as a block",
    label = "must implement `Serialize`, `DeserializeOwned` and `JsonSchema`",
    note = "add `#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]`"
)]
pub trait BlockForm: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> BlockForm for T {}

/// What a type of blocks is called, and what is shown of it.
///
/// `#[derive(Block)]` makes it of its options; this is for types that implement [`Block`] by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockType {
    name: &'static str,
    slug: &'static str,
    description: Option<&'static str>,
    logo_url: Option<&'static str>,
    documentation_url: Option<&'static str>,
    code_example: Option<&'static str>,
    capabilities: &'static [&'static str],
    version: &'static str,
    order: &'static [&'static str],
    is_system: bool,
}

impl BlockType {
    /// Names a type: `name` for people, `slug` (lowercase letters, digits and dashes) for paths and programs.
    #[must_use]
    pub const fn new(name: &'static str, slug: &'static str) -> Self {
        Self {
            name,
            slug,
            description: None,
            logo_url: None,
            documentation_url: None,
            code_example: None,
            capabilities: &[],
            version: "non-versioned",
            order: &[],
            is_system: false,
        }
    }

    /// Says what its blocks are for.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Sets the address of a picture.
    #[must_use]
    pub const fn logo_url(mut self, url: &'static str) -> Self {
        self.logo_url = Some(url);
        self
    }

    /// Sets the address of its documentation.
    #[must_use]
    pub const fn documentation_url(mut self, url: &'static str) -> Self {
        self.documentation_url = Some(url);
        self
    }

    /// Shows its use, in Markdown.
    #[must_use]
    pub const fn code_example(mut self, example: &'static str) -> Self {
        self.code_example = Some(example);
        self
    }

    /// Sets what its blocks can do, in Prefect's words: `notify`, `get-directory` and so on.
    #[must_use]
    pub const fn capabilities(mut self, capabilities: &'static [&'static str]) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets the version of the schema. Default: `non-versioned`, as in Prefect.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Sets the order in which forms show the fields. Default: that of the alphabet; with `#[derive(Block)]`, that in which
    /// they are declared.
    #[must_use]
    pub const fn order(mut self, fields: &'static [&'static str]) -> Self {
        self.order = fields;
        self
    }

    /// Says that the type is Prefect's own: the server has its schema.
    pub(super) const fn system(mut self) -> Self {
        self.is_system = true;
        self
    }

    /// Returns the name for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the name for paths and programs.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        self.slug
    }
}

/// Describes a type of blocks to a backend.
pub(super) fn kind_of<T: Block>() -> BlockKind {
    let of = T::TYPE;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let Described { schema, secret_fields, nested } = schema::of_block(T::schema(), of.slug, of.description, of.order);
    BlockKind {
        name: of.name.to_owned(),
        slug: of.slug.to_owned(),
        description: text(of.description),
        logo_url: text(of.logo_url),
        documentation_url: text(of.documentation_url),
        code_example: text(of.code_example),
        capabilities: of.capabilities.iter().map(|word| (*word).to_owned()).collect(),
        version: of.version.to_owned(),
        is_system: of.is_system,
        schema,
        secret_fields,
        nested,
    }
}

/// Writes a struct as a block holds it.
pub(super) fn fields_of<T: Serialize + ?Sized>(block: &T) -> Result<Fields, Error> {
    let refuse = |why: &str| Error::new(ErrorKind::Input, why);
    match secret::plain_in(|| serde_json::to_value(block)) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(refuse("a block is a struct with named fields")),
        Err(error) => Err(refuse("it cannot be written as JSON").with_source(error)),
    }
}

/// Reads a struct from what a block holds. The error tells where, and nothing of what is there.
pub(super) fn read<T: DeserializeOwned>(fields: Fields) -> Result<T, Error> {
    let wrong = |path: Option<String>, why: &serde_json::Error| {
        let why = without_values(&why.to_string());
        let message = path.map_or_else(|| why.clone(), |path| format!("`{path}`: {why}"));
        Error::new(ErrorKind::WrongType, message)
    };
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = Some(error.path().to_string()).filter(|path| path != ".");
        wrong(path, error.inner())
    })
}

/// What serde says of a value that does not fit, without the value, which may be a secret under another type.
fn without_values(why: &str) -> String {
    if why.starts_with("missing field") || why.starts_with("duplicate field") || why.starts_with("a secret of") {
        return why.to_owned();
    }
    match why.rfind("expected ") {
        Some(at) => format!("{} is there", &why[at..]).replacen("expected", "something else than", 1),
        None => "it does not fit".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_without_what_is_there() {
        let told = [
            ("missing field `url`", "missing field `url`"),
            ("invalid type: string \"hunter2\", expected u32", "something else than u32 is there"),
            ("invalid value: integer `7`, expected a map", "something else than a map is there"),
            (
                "unknown variant `hunter2`, expected one of `GET`, `POST`",
                "something else than one of `GET`, `POST` is there",
            ),
            ("hunter2 is odd", "it does not fit"),
            ("a secret of another type", "a secret of another type"),
        ];
        for (why, told) in told {
            assert_eq!(without_values(why), told);
        }
        let odd = without_values("invalid type: string \"x, expected hunter2\", expected u32");
        assert_eq!(odd, "something else than u32 is there");
    }
}
