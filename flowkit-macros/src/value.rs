//! Reads the values of options: strings, numbers, durations, lists, switches.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitStr, Result, UnOp};

use crate::duration;

/// One option as written: its name and what follows the `=`.
pub(crate) struct Value<'a> {
    pub(crate) option: &'a str,
    pub(crate) expr: &'a Expr,
}

/// One argument of a value that looks like a call: `"1s"`, `max = "1m"`.
pub(crate) struct Argument<'a> {
    pub(crate) name: Option<String>,
    pub(crate) value: Value<'a>,
}

impl<'a> Value<'a> {
    pub(crate) fn new(option: &'a str, expr: &'a Expr) -> Self {
        // A value that came through a `macro_rules` variable sits in an invisible group.
        match expr {
            Expr::Group(group) => Self::new(option, &group.expr),
            _ => Self { option, expr },
        }
    }

    /// A string that says something.
    pub(crate) fn name(&self) -> Result<LitStr> {
        let text = self.string()?;
        if text.value().trim().is_empty() {
            return Err(self.wrong("cannot be empty"));
        }
        Ok(text)
    }

    pub(crate) fn string(&self) -> Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => Ok(text.clone()),
            _ => Err(self.takes("a string", "\"..\"")),
        }
    }

    pub(crate) fn switch(&self) -> Result<bool> {
        match self.literal() {
            Some(Lit::Bool(switch)) => Ok(switch.value),
            _ => Err(self.takes("nothing, `true` or `false`", "true")),
        }
    }

    /// A number of times.
    pub(crate) fn count(&self) -> Result<u32> {
        match self.literal() {
            Some(Lit::Int(number)) if number.suffix().is_empty() => {
                number.base10_parse().map_err(|_| self.wrong(format!("is too large: the most is {}", u32::MAX)))
            }
            _ if self.is_negative() => Err(self.wrong("cannot be negative")),
            _ => Err(self.takes("a whole number", "3")),
        }
    }

    /// A length of time in milliseconds.
    pub(crate) fn millis(&self) -> Result<u64> {
        let text = match self.literal() {
            Some(Lit::Str(text)) => text.value(),
            Some(Lit::Int(number)) if number.suffix().is_empty() => number.base10_digits().to_owned(),
            Some(Lit::Float(number)) if number.suffix().is_empty() => number.base10_digits().to_owned(),
            Some(Lit::Int(_) | Lit::Float(_)) => {
                let quoted = format!("\"{}\"", self.expr.to_token_stream());
                return Err(self.takes("a number of seconds or a string with a unit", &quoted));
            }
            _ if self.is_negative() => return Err(self.wrong("cannot be negative")),
            _ => return Err(self.takes("a number of seconds or a string with a unit", "\"30s\"")),
        };
        duration::millis(&text).map_err(|wrong| self.wrong_value(wrong.to_string()))
    }

    /// One of some words.
    pub(crate) fn word(&self, words: &[&str]) -> Result<Ident> {
        let word = match self.expr {
            Expr::Path(path) => path.path.get_ident().filter(|word| words.iter().any(|known| word == known)),
            _ => None,
        };
        let all = || words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        word.cloned().ok_or_else(|| self.takes(&all(), words[0]))
    }

    /// The path of something that `what` describes.
    pub(crate) fn path(&self, what: &str) -> Result<ExprPath> {
        match self.expr {
            Expr::Path(path) => Ok(path.clone()),
            _ => Err(self.wrong(format!("takes the path of {what}"))),
        }
    }

    /// A number that is not negative.
    pub(crate) fn number(&self) -> Result<f64> {
        let number: f64 = match self.literal() {
            Some(Lit::Int(number)) if number.suffix().is_empty() => number.base10_parse()?,
            Some(Lit::Float(number)) if number.suffix().is_empty() => number.base10_parse()?,
            _ if self.is_negative() => return Err(self.wrong("cannot be negative")),
            _ => return Err(self.takes("a number", "0.5")),
        };
        if number.is_finite() { Ok(number) } else { Err(self.wrong("is too large")) }
    }

    /// The arguments of a value that is written as a call of `function`.
    pub(crate) fn call(&self, function: &str) -> Option<Vec<Argument<'a>>> {
        let Expr::Call(call) = self.expr else { return None };
        let Expr::Path(path) = &*call.func else { return None };
        let argument = |expr: &'a Expr| match expr {
            Expr::Assign(assign) => {
                let name = assign.left.to_token_stream().to_string();
                Argument { name: Some(name), value: Value::new(self.option, &assign.right) }
            }
            other => Argument { name: None, value: Value::new(self.option, other) },
        };
        path.path.is_ident(function).then(|| call.args.iter().map(argument).collect())
    }

    /// The elements of a list that has some, or `None` if this is no list.
    pub(crate) fn elements(&self) -> Option<Result<Vec<Value<'_>>>> {
        let Expr::Array(list) = self.expr else {
            return None;
        };
        if list.elems.is_empty() {
            return Some(Err(self.wrong("cannot be an empty list: leave the option out")));
        }
        Some(Ok(list.elems.iter().map(|element| Value::new(self.option, element)).collect()))
    }

    /// The mistake of a value of another kind.
    pub(crate) fn takes(&self, what: &str, example: &str) -> Error {
        self.wrong(format!("takes {what}: `{} = {example}`", self.option))
    }

    pub(crate) fn wrong(&self, how: impl AsRef<str>) -> Error {
        self.wrong_value(format!("`{}` {}", self.option, how.as_ref()))
    }

    fn wrong_value(&self, message: String) -> Error {
        Error::new_spanned(self.expr, message)
    }

    fn literal(&self) -> Option<&Lit> {
        match self.expr {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        }
    }

    fn is_negative(&self) -> bool {
        matches!(self.expr, Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)))
    }
}
