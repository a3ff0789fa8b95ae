//! What `#[derive(Block)]` accepts and emits.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, Lit, LitStr, Meta, Result, Token};

use crate::errors::Errors;
use crate::suggest;
use crate::value::Value;

const OPTIONS: [&str; 8] =
    ["name", "slug", "description", "logo_url", "documentation_url", "code_example", "capabilities", "version"];

/// Expands the derive.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let block = Block::read(&input, &mut errors);
    match errors.finish() {
        Some(error) => error.to_compile_error(),
        None => block.emit(&input),
    }
}

/// What is to be emitted.
#[derive(Default)]
struct Block {
    name: String,
    slug: String,
    texts: Vec<(Ident, String)>,
    capabilities: Vec<String>,
    order: Vec<String>,
}

struct Given {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Self { name, value })
    }
}

impl Block {
    fn read(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut block = Self { name: input.ident.unraw().to_string(), ..Self::default() };
        match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => block.order = fields.named.iter().filter_map(written).collect(),
                fields => errors.at(
                    if fields.is_empty() { quote::ToTokens::to_token_stream(&input.ident) } else { quote!(#fields) },
                    "a block is a struct with named fields",
                ),
            },
            Data::Enum(data) => errors.at(data.enum_token, "a block is a struct with named fields, not an enum"),
            Data::Union(data) => errors.at(data.union_token, "a block is a struct with named fields, not a union"),
        }
        if !input.generics.params.is_empty() {
            errors.at(&input.generics, "a block cannot be generic: its type has one schema");
        }
        for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("block")) {
            match attr.parse_args_with(Punctuated::<Given, Token![,]>::parse_terminated) {
                Ok(all) => all.iter().for_each(|given| block.option(given, errors)),
                Err(error) => errors.push(error),
            }
        }
        let description = crate::doc::text(&input.attrs);
        if !description.is_empty() && !block.texts.iter().any(|(name, _)| name == "description") {
            block.texts.push((Ident::new("description", input.ident.span()), description));
        }
        if block.slug.is_empty() {
            block.slug = slug_of(&block.name);
        }
        block
    }

    fn option(&mut self, Given { name, value }: &Given, errors: &mut Errors) {
        let option = name.to_string();
        if !OPTIONS.contains(&option.as_str()) {
            return errors.at(name, unknown(&option));
        }
        let is_there = match option.as_str() {
            "capabilities" => !self.capabilities.is_empty(),
            "slug" => !self.slug.is_empty(),
            _ => self.texts.iter().any(|(known, _)| known == name),
        };
        if is_there {
            return errors.at(name, format!("`{option}` is given twice"));
        }
        let Some(expr) = value else {
            return errors.at(name, format!("`{option}` needs a value: `{option} = \"..\"`"));
        };
        let value = Value::new(&option, expr);
        match option.as_str() {
            "capabilities" => match value.elements() {
                Some(elements) => {
                    let words = elements.and_then(|all| all.iter().map(Value::name).collect::<Result<Vec<_>>>());
                    self.capabilities.extend(errors.keep(words).into_iter().flatten().map(|word| word.value()));
                }
                None => errors.push(value.takes("a list of strings", "[\"notify\"]")),
            },
            "slug" => {
                let slug = value.name().and_then(|text| checked_slug(&text));
                self.slug = errors.keep(slug).unwrap_or_default();
            }
            "name" => {
                if let Some(text) = errors.keep(value.name().and_then(|text| checked_name(&text))) {
                    self.name = text;
                }
            }
            _ => self.texts.extend(errors.keep(value.name()).map(|text| (name.clone(), text.value()))),
        }
    }

    fn emit(&self, input: &DeriveInput) -> TokenStream {
        let Self { name, slug, texts, capabilities, order } = self;
        let ident = &input.ident;
        let texts = texts.iter().map(|(option, text)| quote!(.#option(#text)));
        quote! {
            impl ::flowkit::block::Block for #ident {
                const TYPE: ::flowkit::block::BlockType = ::flowkit::block::BlockType::new(#name, #slug)
                    #(#texts)*
                    .capabilities(&[#(#capabilities),*])
                    .order(&[#(#order),*]);
            }
        }
    }
}

fn unknown(option: &str) -> String {
    match suggest::closest(option, &OPTIONS) {
        Some(known) => format!("unknown option `{option}`: did you mean `{known}`?"),
        None => {
            format!("unknown option `{option}`: a block takes {}", OPTIONS.map(|known| format!("`{known}`")).join(", "))
        }
    }
}

fn checked_slug(text: &LitStr) -> Result<String> {
    let slug = text.value();
    let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if slug.chars().all(is_fit) {
        return Ok(slug);
    }
    Err(Error::new_spanned(text, format!("a slug has lowercase letters, digits and dashes: `{}`", slug_of(&slug))))
}

fn checked_name(text: &LitStr) -> Result<String> {
    let name = text.value();
    if let Some(odd) = name.chars().find(|letter| "/%&<>".contains(*letter)) {
        return Err(Error::new_spanned(text, format!("the name of a block type cannot have `{odd}`")));
    }
    if name.to_lowercase().starts_with("prefect") {
        return Err(Error::new_spanned(text, "names of block types that begin with `Prefect` are Prefect's own"));
    }
    Ok(name)
}

/// `My Type_2` is `my-type-2`, as Prefect makes slugs of names.
fn slug_of(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' };
    let plain: String = name.chars().map(letter).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}

/// The name of a field as serde writes it, as far as can be seen here: it only decides where forms show the field.
fn written(field: &Field) -> Option<String> {
    let renamed = field.attrs.iter().filter(|attr| attr.path().is_ident("serde")).find_map(renamed);
    renamed.or_else(|| field.ident.as_ref().map(|name| name.unraw().to_string()))
}

fn renamed(attr: &Attribute) -> Option<String> {
    let metas = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    metas.iter().find_map(|meta| match meta {
        Meta::NameValue(pair) if pair.path.is_ident("rename") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) => Some(name.value()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_names() {
        for (name, slug) in [("Warehouse", "warehouse"), ("AWS Credentials", "aws-credentials"), ("A_b  2!", "a-b-2")] {
            assert_eq!(slug_of(name), slug);
        }
    }
}
