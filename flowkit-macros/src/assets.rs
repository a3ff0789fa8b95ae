//! Reads what a task says about assets: `materializes`, `materialized_by` and `asset_deps`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ExprPath, LitStr, Result};

use crate::errors::Errors;
use crate::value::Value;

/// The longest key in bytes.
const LONGEST: usize = 512;

/// Characters that no key has, besides control characters.
const BANNED: &str = "\0\n\r\t #?&%\"'<>[]{}|\\^`";

/// What the attribute says.
#[derive(Default)]
pub(crate) struct Assets {
    materializes: Vec<Asset>,
    by: Option<LitStr>,
    deps: Vec<Asset>,
}

/// One asset: its key, or the path of a constant.
enum Asset {
    Key(LitStr),
    Constant(ExprPath),
}

impl Assets {
    /// Reads one of the options; `None` if it is another one.
    pub(crate) fn read(&mut self, value: &Value<'_>) -> Option<Result<()>> {
        Some(match value.option {
            "materializes" => list(value).map(|assets| self.materializes = assets),
            "materialized_by" => value.name().map(|tool| self.by = Some(tool)),
            "asset_deps" => list(value).map(|assets| self.deps = assets),
            _ => return None,
        })
    }

    /// Checks what only the whole attribute shows.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let (Some(tool), true) = (&self.by, self.materializes.is_empty()) {
            errors.at(tool, "`materialized_by` needs `materializes`: it tells with which tool");
        }
    }

    /// The setter of a definition, with the assertions about constants; nothing if there are no assets.
    pub(crate) fn expand(&self) -> (TokenStream, TokenStream) {
        if self.materializes.is_empty() && self.deps.is_empty() {
            return (TokenStream::new(), TokenStream::new());
        }
        let (materializes, deps) = (self.materializes.iter().map(Asset::expand), self.deps.iter().map(Asset::expand));
        let by = self
            .by
            .as_ref()
            .map_or_else(|| quote!(::core::option::Option::None), |tool| quote!(::core::option::Option::Some(#tool)));
        let setter = quote! {
            .assets({
                static ASSETS: ::flowkit::__private::AssetsDef =
                    ::flowkit::__private::AssetsDef::new(&[#(#materializes),*], #by, &[#(#deps),*]);
                &ASSETS
            })
        };
        let constants = self.materializes.iter().chain(&self.deps).filter_map(Asset::assertion);
        (setter, quote!(#(#constants)*))
    }
}

impl Asset {
    fn expand(&self) -> TokenStream {
        match self {
            Self::Key(key) => quote!(::flowkit::__private::Asset::new(#key)),
            Self::Constant(path) => quote!(#path),
        }
    }

    fn assertion(&self) -> Option<TokenStream> {
        let Self::Constant(path) = self else { return None };
        const WHY: &str = "the key of this asset is none: it is a URI such as `s3://bucket/table`, without white space and \
            special characters";
        Some(quote_spanned!(path.span()=> const _: () = ::core::assert!(#path.has_key(), #WHY);))
    }
}

fn list(value: &Value<'_>) -> Result<Vec<Asset>> {
    match value.elements() {
        Some(elements) => elements?.iter().map(asset).collect(),
        None => Ok(vec![asset(value)?]),
    }
}

fn asset(value: &Value<'_>) -> Result<Asset> {
    if let Ok(path) = value.path("") {
        return Ok(Asset::Constant(path));
    }
    let key = value
        .string()
        .map_err(|_| value.takes("keys of assets, or paths of constants of type `Asset`", "\"s3://bucket/table\""))?;
    match wrong(&key.value()) {
        Some(why) => Err(Error::new_spanned(&key, why)),
        None => Ok(Asset::Key(key)),
    }
}

/// Tells what is wrong with a key, by the rules that flowkit and Prefect have for it at run time.
fn wrong(key: &str) -> Option<String> {
    let protocol = key.split_once("://").map_or("", |(protocol, _)| protocol);
    if protocol.is_empty() || !protocol.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return Some(
            "the key of an asset begins with a protocol of lower-case letters and digits: `s3://bucket/table`"
                .to_owned(),
        );
    }
    if let Some(banned) = key.chars().find(|c| BANNED.contains(*c)) {
        return Some(format!("the key of an asset cannot contain {banned:?}"));
    }
    (key.len() > LONGEST)
        .then(|| format!("the key of an asset has at most {LONGEST} bytes, and this has {}", key.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_uri_without_special_characters() {
        for key in ["s3://bucket/table", "postgres://db", "file://a/b.csv"] {
            assert_eq!(wrong(key), None, "{key}");
        }
        for (key, why) in [
            ("table", "begins with a protocol"),
            ("S3://b", "begins with a protocol"),
            ("://b", "begins with a protocol"),
            ("s3://a b", "cannot contain ' '"),
            ("s3://a\nb", "cannot contain '\\n'"),
            (&format!("s3://{}", "x".repeat(508)), "at most 512 bytes"),
        ] {
            assert!(wrong(key).is_some_and(|told| told.contains(why)), "{key}");
        }
    }
}
