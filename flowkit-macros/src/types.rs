//! Checks the types in a signature: they are owned and written out.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Error, Lifetime, Path, Type, TypeBareFn, TypeImplTrait, TypeInfer, TypeReference};

use crate::kind::Kind;

/// Where the type stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Argument,
    Return,
}

/// Finds the first part of a type that a task or flow cannot have there.
pub(crate) fn check(kind: Kind, place: Place, ty: &Type) -> Result<(), Error> {
    let mut search = Search { kind, place, found: None };
    search.visit_type(ty);
    search.found.map_or(Ok(()), Err)
}

/// Whether a type has a `_` in it.
pub(crate) fn is_inferred(ty: &Type) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_type_infer(&mut self, _: &'ast TypeInfer) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_type(ty);
    search.0
}

struct Search {
    kind: Kind,
    place: Place,
    found: Option<Error>,
}

impl Search {
    fn found(&mut self, at: &dyn ToTokens, message: String) {
        self.found.get_or_insert_with(|| Error::new_spanned(at.to_token_stream(), message));
    }

    fn subject(&self) -> String {
        match self.place {
            Place::Argument => format!("a {} argument", self.kind.noun()),
            Place::Return => format!("what a {} returns", self.kind.noun()),
        }
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
        if ty.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
            let owned = owned(&ty.elem);
            self.found(ty, format!("{} cannot be borrowed: use `{owned}`", self.subject()));
        } else {
            visit::visit_type_reference(self, ty);
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found(lifetime, format!("{} cannot be borrowed: use an owned type", self.subject()));
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let message = format!("{} has one type: write it instead of `impl ..`", self.subject());
        self.found(ty, message);
    }

    fn visit_type_infer(&mut self, ty: &'ast TypeInfer) {
        let message = format!("the type of {} must be written out", self.subject());
        self.found(ty, message);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.first().is_some_and(|segment| segment.ident == "Self") {
            let message = format!("a {} is a free function: write the type instead of `Self`", self.kind.noun());
            self.found(path, message);
        }
        visit::visit_path(self, path);
    }

    // What a function pointer or `dyn Fn(&T)` borrows, it borrows for each call.
    fn visit_type_bare_fn(&mut self, _: &'ast TypeBareFn) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}

    fn visit_trait_bound(&mut self, bound: &'ast syn::TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }

    fn visit_type_array(&mut self, ty: &'ast syn::TypeArray) {
        self.visit_type(&ty.elem); // the length is an expression
    }
}

fn owned(borrowed: &Type) -> String {
    match borrowed {
        Type::Path(ty) if ty.path.is_ident("str") => "String".to_owned(),
        Type::Path(ty) if ty.path.segments.last().is_some_and(|last| last.ident == "Path") => "PathBuf".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", source(slice.elem.to_token_stream())),
        Type::TraitObject(_) => format!("Box<{}>", source(borrowed.to_token_stream())),
        _ => source(borrowed.to_token_stream()),
    }
}

/// Tokens as people write types.
fn source(tokens: TokenStream) -> String {
    let mut text = tokens.to_string();
    for (spaced, tight) in [(" < ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ",")] {
        text = text.replace(spaced, tight);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(ty: &str) -> Option<String> {
        let ty = syn::parse_str(ty).expect("a type");
        check(Kind::Task, Place::Argument, &ty).err().map(|error| error.to_string())
    }

    #[test]
    fn owned_types_are_accepted() {
        for ty in [
            "String",
            "&'static str",
            "fn(&u8) -> &u8",
            "Box<dyn Fn(&str) -> u8 + Send>",
            "[u8; 3]",
            "(u8, Vec<Option<u8>>)",
            "Box<dyn for<'a> Job<'a>>",
            "Cow<'static, str>",
            "<Vec<u8> as IntoIterator>::Item",
        ] {
            assert_eq!(mistake(ty), None, "{ty}");
        }
    }

    #[test]
    fn borrowed_types_say_what_to_use() {
        for (ty, instead) in [
            ("&str", "use `String`"),
            ("&'a Path", "use `PathBuf`"),
            ("&[Vec<u8>]", "use `Vec<Vec<u8>>`"),
            ("Option<&str>", "use `String`"),
            ("&mut std::fs::File", "use `std::fs::File`"),
            ("&dyn Job", "use `Box<dyn Job>`"),
            ("Cow<'_, str>", "use an owned type"),
        ] {
            assert!(mistake(ty).is_some_and(|message| message.ends_with(instead)), "{ty}: {:?}", mistake(ty));
        }
    }

    #[test]
    fn types_that_are_not_written_out_are_refused() {
        for (ty, why) in [
            ("impl Job", "instead of `impl ..`"),
            ("Vec<_>", "must be written out"),
            ("Vec<Self>", "instead of `Self`"),
        ] {
            assert!(mistake(ty).is_some_and(|message| message.contains(why)), "{ty}: {:?}", mistake(ty));
        }
    }
}
