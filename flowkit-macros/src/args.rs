//! Reads what stands in the parentheses of `#[task(..)]` and `#[flow(..)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprPath, Ident, LitStr, Token};

use crate::assets::Assets;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::results::{self, Results};
use crate::suggest;
use crate::value::{Argument, Value};

/// What the attribute says.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) run_name: Option<RunName>,
    pub(crate) retries: Option<u32>,
    pub(crate) retry_delay: Option<Delay>,
    pub(crate) retry_jitter_factor: Option<f64>,
    pub(crate) retry_if: Option<ExprPath>,
    pub(crate) timeout: Option<u64>,
    pub(crate) log_prints: Option<bool>,
    pub(crate) background: bool,
    pub(crate) resumable: bool,
    pub(crate) hooks: Vec<(Ident, Vec<ExprPath>)>,
    pub(crate) transaction_hooks: Vec<(Ident, Vec<ExprPath>)>,
    pub(crate) results: Results,
    pub(crate) assets: Assets,
}

/// Where the names of runs come from.
pub(crate) enum RunName {
    Template(LitStr),
    Function(ExprPath),
}

/// Milliseconds to wait before each retry.
pub(crate) enum Delay {
    Fixed(u64),
    List(Vec<u64>),
    Exponential { first: u64, factor: f64, max: Option<u64> },
}

const NAMES: [&str; 15] = [
    "name",
    "description",
    "version",
    "tags",
    "run_name",
    "retries",
    "retry_delay",
    "retry_if",
    "timeout",
    "log_prints",
    "on_running",
    "on_completion",
    "on_failure",
    "on_cancellation",
    "on_crashed",
];

/// Options that flows do not have.
const OF_TASKS: [&str; 7] =
    ["background", "retry_jitter_factor", "on_commit", "on_rollback", "materializes", "materialized_by", "asset_deps"];

/// Options that tasks do not have.
const OF_FLOWS: [&str; 1] = ["resumable"];

fn names(kind: Kind) -> Vec<&'static str> {
    let mut names: Vec<&str> = NAMES.iter().chain(&results::NAMES).copied().collect();
    match kind {
        Kind::Task => names.extend(OF_TASKS.iter().chain(&results::OF_TASKS)),
        Kind::Flow => names.extend(OF_FLOWS),
    }
    names
}

/// Characters that Prefect has no flow names with.
const BANNED: [char; 5] = ['/', '%', '&', '<', '>'];

/// One item of the list: `retries = 3`, `log_prints`.
struct Item {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected an option: {}", NAMES.join(", "))));
        }
        let name = Ident::parse_any(input)?;
        if !input.peek(Token![=]) {
            let end = input.is_empty() || input.peek(Token![,]);
            return if end { Ok(Self { name, value: None }) } else { Err(input.error(needs_value(&name))) };
        }
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new_spanned(equals, needs_value(&name)));
        }
        Ok(Self { name, value: Some(input.parse()?) })
    }
}

fn needs_value(name: &Ident) -> String {
    format!("`{name}` needs a value: `{name} = ..`")
}

/// Reads the attribute; what is wrong goes to `errors`, and what is right is returned.
pub(crate) fn parse(kind: Kind, attribute: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let mut seen = Vec::new();
    let items = Punctuated::<Item, Token![,]>::parse_terminated.parse2(attribute);
    for item in errors.keep(items).into_iter().flatten() {
        let name = item.name.unraw().to_string();
        if seen.contains(&name) {
            errors.at(&item.name, format!("`{name}` is given twice"));
            continue;
        }
        let read = match &item.value {
            Some(expr) => options.read(kind, &item.name, &Value::new(&name, expr)),
            None if name == "log_prints" => {
                options.log_prints = Some(true);
                Ok(())
            }
            None if name == "background" && kind == Kind::Task => {
                options.background = true;
                Ok(())
            }
            None if name == "resumable" && kind == Kind::Flow => {
                options.resumable = true;
                Ok(())
            }
            None if results::SWITCHES.iter().any(|switch| item.name == switch)
                && names(kind).contains(&name.as_str()) =>
            {
                options.results.switch_on(&item.name);
                Ok(())
            }
            None if names(kind).contains(&name.as_str()) => {
                Err(syn::Error::new_spanned(&item.name, needs_value(&item.name)))
            }
            None => Err(unknown(kind, &item.name)),
        };
        errors.keep(read);
        seen.push(name);
    }
    options.assets.check(errors);
    options
}

impl Options {
    fn read(&mut self, kind: Kind, name: &Ident, value: &Value<'_>) -> syn::Result<()> {
        match value.option {
            "name" => self.name = Some(given_name(kind, value)?),
            "description" => self.description = Some(value.string()?),
            "version" => self.version = Some(value.name()?),
            "tags" => self.tags = tags(value)?,
            "run_name" => self.run_name = Some(run_name(value)?),
            "retries" => self.retries = Some(value.count()?),
            "retry_delay" => self.retry_delay = Some(delay(value)?),
            "background" if kind == Kind::Task => self.background = value.switch()?,
            "retry_jitter_factor" if kind == Kind::Task => self.retry_jitter_factor = Some(value.number()?),
            "retry_if" => self.retry_if = Some(value.path("a function over the error: `fn(&E) -> bool`")?),
            "timeout" => self.timeout = Some(timeout(value)?),
            "log_prints" => self.log_prints = Some(value.switch()?),
            "resumable" if kind == Kind::Flow => self.resumable = value.switch()?,
            "on_running" | "on_completion" | "on_failure" | "on_cancellation" | "on_crashed" => {
                self.hooks.push((name.clone(), hooks(value)?));
            }
            "on_commit" | "on_rollback" if kind == Kind::Task => {
                self.transaction_hooks.push((name.clone(), hooks(value)?));
            }
            result if results::NAMES.contains(&result) => self.results.read(name, value)?,
            result if results::OF_TASKS.contains(&result) && kind == Kind::Task => self.results.read(name, value)?,
            _ => {
                let of_assets = if kind == Kind::Task { self.assets.read(value) } else { None };
                return of_assets.unwrap_or_else(|| Err(unknown(kind, name)));
            }
        }
        Ok(())
    }
}

fn given_name(kind: Kind, value: &Value<'_>) -> syn::Result<LitStr> {
    let name = value.name()?;
    if kind == Kind::Flow && name.value().contains(BANNED) {
        return Err(value.wrong("of a flow cannot contain `/`, `%`, `&`, `<` or `>`"));
    }
    Ok(name)
}

fn run_name(value: &Value<'_>) -> syn::Result<RunName> {
    match value.path("") {
        Ok(function) => Ok(RunName::Function(function)),
        Err(_) if value.string().is_ok() => value.name().map(RunName::Template),
        Err(_) => {
            Err(value
                .takes("a template, or the path of a function over references to the arguments", "\"page-{page}\""))
        }
    }
}

fn hooks(value: &Value<'_>) -> syn::Result<Vec<ExprPath>> {
    let path = |value: &Value<'_>| value.path("a function, or a list of paths");
    match value.elements() {
        Some(elements) => elements?.iter().map(path).collect(),
        None => Ok(vec![path(value)?]),
    }
}

fn tags(value: &Value<'_>) -> syn::Result<Vec<LitStr>> {
    let elements = value.elements().unwrap_or_else(|| Err(value.takes("a list of strings", "[\"..\"]")))?;
    elements.iter().map(tag).collect()
}

fn tag(value: &Value<'_>) -> syn::Result<LitStr> {
    let tag = value.string().map_err(|_| value.takes("a list of strings", "[\"..\"]"))?;
    if tag.value().trim().is_empty() { Err(syn::Error::new_spanned(tag, "a tag cannot be empty")) } else { Ok(tag) }
}

fn delay(value: &Value<'_>) -> syn::Result<Delay> {
    if let Some(arguments) = value.call("exponential") {
        return exponential(value, &arguments);
    }
    Ok(match value.elements() {
        Some(elements) => Delay::List(elements?.iter().map(Value::millis).collect::<syn::Result<_>>()?),
        None => Delay::Fixed(value.millis()?),
    })
}

/// `exponential("1s", 2.0, max = "1m")`
fn exponential(value: &Value<'_>, arguments: &[Argument<'_>]) -> syn::Result<Delay> {
    let form =
        || value.takes("a first delay, a factor and the longest delay", "exponential(\"1s\", 2.0, max = \"1m\")");
    let (mut plain, mut max) = (Vec::new(), None);
    for Argument { name, value } in arguments {
        match name.as_deref() {
            None if max.is_none() => plain.push(value),
            Some("max") if max.is_none() => max = Some(value.millis()?),
            _ => return Err(form()),
        }
    }
    let (first, factor) = match plain[..] {
        [first] => (first, 2.0),
        [first, factor] => match factor.number()? {
            number if number < 1.0 => return Err(factor.wrong("cannot shrink: the factor is at least 1")),
            number => (first, number),
        },
        _ => return Err(form()),
    };
    Ok(Delay::Exponential { first: first.millis()?, factor, max })
}

fn timeout(value: &Value<'_>) -> syn::Result<u64> {
    match value.millis()? {
        0 => Err(value.wrong("must be longer than zero: leave the option out for no timeout")),
        millis => Ok(millis),
    }
}

fn unknown(kind: Kind, name: &Ident) -> syn::Error {
    let names = names(kind);
    let guess = suggest::closest(&name.unraw().to_string(), &names);
    let guess = guess.map(|guess| format!(", did you mean `{guess}`?")).unwrap_or_default();
    syn::Error::new_spanned(name, format!("`{kind}` has no option `{name}`{guess}\nit takes: {}", names.join(", ")))
}
