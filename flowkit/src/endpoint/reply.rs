//! Answers, and Prefect's forms of those that say no.

use hyper::StatusCode;
use serde_json::{Value, json};

/// What a question is answered with.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// `None` has no body at all.
    pub(super) body: Option<Value>,
    /// The method that there is, if it was another one.
    pub(super) allow: Option<&'static str>,
}

/// An answer, or the one that says why there is none.
pub(super) type Outcome = Result<Reply, Reply>;

impl Reply {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), allow: None }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(super) fn created(body: Value) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, allow: None }
    }

    /// The form of refusals that a handler of Prefect's makes by itself.
    pub(super) fn detail(status: StatusCode, why: impl Into<String>) -> Self {
        Self::new(status, json!({ "detail": why.into() }))
    }

    /// The form of refusals that Prefect makes for all handlers.
    pub(super) fn exception(status: StatusCode, why: impl Into<String>) -> Self {
        Self::new(status, json!({ "exception_message": why.into() }))
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::detail(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    pub(super) fn wrong_method(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") }
    }

    /// Tells all that is wrong with a body.
    pub(super) fn invalid(mistakes: Vec<Mistake>, body: &Value) -> Self {
        let mistakes: Vec<Value> = mistakes.into_iter().map(Mistake::into_json).collect();
        let body = json!({
            "exception_message": "Invalid request received.", "exception_detail": mistakes, "request_body": body,
        });
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, body)
    }
}

/// One thing that is wrong with a body, as pydantic tells it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Mistake {
    /// pydantic's name of the kind, such as `missing`.
    pub(super) kind: &'static str,
    /// Where: names of members, and positions in lists.
    pub(super) at: Vec<Value>,
    pub(super) message: String,
    pub(super) input: Value,
}

impl Mistake {
    fn into_json(self) -> Value {
        let mut at = vec![json!("body")];
        at.extend(self.at);
        json!({ "type": self.kind, "loc": at, "msg": self.message, "input": self.input })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_prefects_form() {
        let mistake =
            Mistake { kind: "missing", at: vec![json!("state")], message: "Field required".into(), input: Value::Null };
        let reply = Reply::invalid(vec![mistake], &json!({"a": 1}));
        assert_eq!(reply.status, 422);
        let expected = json!({
            "exception_message": "Invalid request received.",
            "exception_detail": [{"type": "missing", "loc": ["body", "state"], "msg": "Field required", "input": null}],
            "request_body": {"a": 1},
        });
        assert_eq!(reply.body, Some(expected));
    }
}
