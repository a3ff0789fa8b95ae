//! Options about what becomes of a value: caching and storing.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{BinOp, Expr, ExprPath, Result};

use crate::errors::Errors;
use crate::signature::Arg;
use crate::value::Value;

/// The options of tasks and flows.
pub(crate) const NAMES: [&str; 2] = ["persist_result", "result_codec"];

/// The options of tasks alone.
pub(crate) const OF_TASKS: [&str; 5] = ["cache", "cache_key", "cache_expiration", "refresh_cache", "cache_isolation"];

/// Those that stand without a value.
pub(crate) const SWITCHES: [&str; 2] = ["persist_result", "refresh_cache"];

/// What the attribute says about results.
#[derive(Default)]
pub(crate) struct Results {
    pub(crate) cache: Option<Policy>,
    pub(crate) cache_key: Option<ExprPath>,
    cache_expiration: Option<(Ident, u64)>,
    refresh_cache: Option<(Ident, bool)>,
    cache_isolation: Option<(Ident, Ident)>,
    persist_result: Option<bool>,
    result_codec: Option<Ident>,
}

/// What a cache key is made of.
#[derive(Default)]
pub(crate) struct Policy {
    parts: Vec<Ident>,
    without: Vec<Ident>,
}

const PARTS: [&str; 5] = ["inputs", "source", "run_id", "flow_parameters", "none"];

impl Results {
    /// Reads one of the options.
    pub(crate) fn read(&mut self, name: &Ident, value: &Value<'_>) -> Result<()> {
        match value.option {
            "cache" => self.cache = Some(policy(value)?),
            "cache_key" => self.cache_key = Some(value.path("a function over references to the arguments")?),
            "cache_expiration" => match value.millis()? {
                0 => return Err(value.wrong("must be longer than zero: leave the option out for results that stay")),
                millis => self.cache_expiration = Some((name.clone(), millis)),
            },
            "refresh_cache" => self.refresh_cache = Some((name.clone(), value.switch()?)),
            "cache_isolation" => {
                self.cache_isolation = Some((name.clone(), value.word(&["read_committed", "serializable"])?));
            }
            "persist_result" => self.persist_result = Some(value.switch()?),
            _ => self.result_codec = Some(value.word(&["json", "compact"])?),
        }
        Ok(())
    }

    /// Switches on one of those that need no value.
    pub(crate) fn switch_on(&mut self, name: &Ident) {
        if name == "persist_result" {
            self.persist_result = Some(true);
        } else {
            self.refresh_cache = Some((name.clone(), true));
        }
    }

    /// Checks the options against each other and against the arguments, if those are known.
    pub(crate) fn check(&self, args: Option<&[Arg]>, errors: &mut Errors) {
        if let (Some(_), Some(path)) = (&self.cache, &self.cache_key) {
            errors.at(path, "`cache_key` takes the place of `cache`: give one of them");
        }
        let lonely = [
            self.cache_expiration.as_ref().map(|(name, _)| name),
            self.refresh_cache.as_ref().map(|(name, _)| name),
            self.cache_isolation.as_ref().map(|(name, _)| name),
        ];
        for name in lonely.into_iter().flatten().filter(|_| self.cache.is_none() && self.cache_key.is_none()) {
            errors.at(name, format!("`{name}` needs `cache` or `cache_key`"));
        }
        let (Some(policy), Some(args)) = (&self.cache, args) else { return };
        let known: Vec<String> = args.iter().map(|arg| arg.name.unraw().to_string()).collect();
        for name in &policy.without {
            if !known.contains(&name.unraw().to_string()) {
                let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
                errors.at(name, format!("`cache` leaves out `{name}`, which is no argument\narguments: {known}"));
            }
        }
    }

    /// Whether an argument is part of the cache key.
    pub(crate) fn keys(&self, arg: &Ident) -> bool {
        self.cache.as_ref().is_some_and(|policy| policy.has("inputs") && !policy.without.contains(arg))
    }

    /// Whether the value is to be stored by what the definition says.
    pub(crate) fn stores(&self) -> bool {
        let caches = self.cache.as_ref().is_some_and(|policy| !policy.has("none")) || self.cache_key.is_some();
        caches || self.persist_result == Some(true)
    }

    /// The setters of the options.
    pub(crate) fn setters(&self) -> TokenStream {
        let policy = self.cache.as_ref().map(Policy::emit);
        let function = self.cache_key.as_ref().map(|_| quote!(::flowkit::CachePolicy::function()));
        let cache = policy.or(function).map(|policy| quote!(.cache(#policy)));
        let expiration = self
            .cache_expiration
            .as_ref()
            .map(|(_, millis)| quote!(.cache_expiration(::flowkit::__private::millis(#millis))));
        let refresh = self.refresh_cache.as_ref().map(|(_, refresh)| quote!(.refresh_cache(#refresh)));
        let isolation = self.cache_isolation.as_ref().map(|(_, word)| {
            let isolation = if word == "serializable" { quote!(Serializable) } else { quote!(ReadCommitted) };
            quote!(.cache_isolation(::flowkit::CacheIsolation::#isolation))
        });
        let persist = self.persist_result.map(|persist| quote!(.persist_result(#persist)));
        let codec = self.result_codec.as_ref().map(|word| {
            let codec = if word == "compact" { quote!(Compact) } else { quote!(Json) };
            quote!(.result_codec(::flowkit::ResultCodec::#codec))
        });
        quote!(#cache #expiration #refresh #isolation #persist #codec)
    }
}

impl Policy {
    fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|known| known == part)
    }

    fn emit(&self) -> TokenStream {
        let mut parts = self.parts.iter().map(|part| quote!(::flowkit::cache::#part()));
        let first = parts.next();
        let others = parts.map(|part| quote!(.and(#part)));
        let names = self.without.iter().map(|name| name.unraw().to_string());
        let without = (!self.without.is_empty()).then(|| quote!(.without(&[#(#names),*])));
        quote!(#first #(#others)* #without)
    }
}

/// `inputs + source - session`
fn policy(value: &Value<'_>) -> Result<Policy> {
    let mut policy = Policy::default();
    collect(value.expr, &mut policy)?;
    if policy.has("none") && policy.parts.len() > 1 {
        return Err(value.wrong("is `none`, or something else, but not both"));
    }
    if let (Some(name), false) = (policy.without.first(), policy.has("inputs")) {
        return Err(syn::Error::new_spanned(name, format!("`{name}` is left out of `inputs`, which is not there")));
    }
    Ok(policy)
}

fn collect(expr: &Expr, policy: &mut Policy) -> Result<()> {
    let word = |expr: &Expr| match expr {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    };
    match expr {
        Expr::Group(group) => collect(&group.expr, policy),
        Expr::Paren(paren) => collect(&paren.expr, policy),
        Expr::Binary(sum) if matches!(sum.op, BinOp::Add(_)) => {
            collect(&sum.left, policy)?;
            collect(&sum.right, policy)
        }
        Expr::Binary(sum) if matches!(sum.op, BinOp::Sub(_)) => {
            collect(&sum.left, policy)?;
            let Some(name) = word(&sum.right) else {
                return Err(syn::Error::new_spanned(&sum.right, "`-` leaves out an argument by its name"));
            };
            policy.without.push(name);
            Ok(())
        }
        other => match word(other).filter(|word| PARTS.iter().any(|part| word == part)) {
            Some(part) => {
                policy.parts.push(part);
                Ok(())
            }
            None => {
                let takes = format!(
                    "`cache` is made of {}, joined by `+`; `- argument` leaves one out: `cache = inputs + source - session`",
                    PARTS.map(|part| format!("`{part}`")).join(", ")
                );
                Err(syn::Error::new_spanned(other, takes))
            }
        },
    }
}
