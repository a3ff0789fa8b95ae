//! Turns an answer that is not a success into an [`Error`]. Pure: status and body in, error out.

use std::time::Duration;

use serde_json::Value;

use crate::auth::Auth;
use crate::error::{Error, ErrorKind, FieldError};

const MAX_BODY_SHOWN: usize = 300;

/// Builds the error for a status and a body; `auth` only decides which setting a 401 is blamed on.
pub(crate) fn error(status: u16, body: &[u8], auth: &Auth, retry_after: Option<Duration>) -> Error {
    let (said, fields) = words(body);
    let kind = kind(status);
    let message = match (kind, said) {
        (ErrorKind::Unauthorized, said) => unauthorized(auth, said),
        (_, Some(said)) => said,
        (_, None) => reason(status).to_owned(),
    };
    Error::new(kind, message).with_status(status).with_fields(fields).with_retry_after(retry_after)
}

/// Says what Prefect Cloud means by a status, where it is not about the one object that was asked for.
///
/// Every path is below that of a workspace. One that always exists there is missing only if the workspace is, which is
/// what Cloud says to those who are not a member of it as well.
pub(crate) fn of_cloud(status: u16, path: &str) -> Option<&'static str> {
    let always_there =
        matches!(path.trim_matches('/').split('/').collect::<Vec<_>>()[..], [_] | [_, "filter" | "count"]);
    match status {
        401 => Some(
            "Prefect Cloud does not know the API key, or it has expired: check PREFECT_API_KEY, or make a new key in the UI",
        ),
        403 => Some(
            "Prefect Cloud does not allow this to the API key: its account is no member of the workspace of PREFECT_API_URL, \
             or has a role there that may not",
        ),
        404 if always_there => Some(
            "Prefect Cloud knows no such workspace, or the account of the API key is no member of it: check the account and \
             the workspace in PREFECT_API_URL",
        ),
        _ => None,
    }
}

fn kind(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        400 | 413 | 422 => ErrorKind::Validation,
        423 => ErrorKind::Locked,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::Protocol,
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "bad request",
        403 => "forbidden",
        404 => "not found",
        405 => "method not allowed",
        408 => "request timeout",
        409 => "conflict",
        413 => "the request is too large",
        422 => "the request was not valid",
        423 => "locked",
        429 => "too many requests",
        500 => "internal server error",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        _ => "unexpected answer",
    }
}

fn unauthorized(auth: &Auth, said: Option<String>) -> String {
    let advice = match auth {
        Auth::None => {
            "no credentials were sent; set PREFECT_API_AUTH_STRING (self-hosted server) or PREFECT_API_KEY (Prefect Cloud)"
        }
        Auth::ApiKey(_) => {
            "the API key was not accepted; check PREFECT_API_KEY, and that PREFECT_API_URL names a workspace it may use"
        }
        Auth::Basic(_) => {
            "the auth string was not accepted; check PREFECT_API_AUTH_STRING against the server's PREFECT_SERVER_API_AUTH_STRING"
        }
    };
    match said {
        Some(said) => format!("{}: {advice}", said.to_lowercase()),
        None => format!("unauthorized: {advice}"),
    }
}

/// Finds the server's message and the refused fields. Prefect answers `exception_message` (+ `exception_detail`) or
/// `detail`; a proxy in between may answer anything, of which the beginning is kept.
fn words(body: &[u8]) -> (Option<String>, Vec<FieldError>) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if text.is_empty() || text.starts_with('<') {
            return (None, Vec::new());
        }
        return (Some(shortened(text)), Vec::new());
    };
    let detail = value.get("exception_detail").or_else(|| value.get("detail"));
    let fields: Vec<_> = detail.and_then(Value::as_array).into_iter().flatten().map(field).collect();
    let said = [value.get("exception_message"), value.get("detail"), value.get("message")]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)
        .map(|text| shortened(text.trim_end_matches('.')));
    match (said, detail) {
        (None, Some(detail)) if fields.is_empty() && !detail.is_null() => {
            (Some(shortened(&detail.to_string())), fields)
        }
        (said, _) => (said, fields),
    }
}

fn field(entry: &Value) -> FieldError {
    let path = entry.get("loc").and_then(Value::as_array).into_iter().flatten();
    let field = path
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        // The first step only says where the field stood: in the body, the query or the path.
        .skip_while(|step| step == "body")
        .collect::<Vec<_>>()
        .join(".");
    let message = entry.get("msg").and_then(Value::as_str).map_or_else(|| entry.to_string(), str::to_owned);
    FieldError { field, message: shortened(&message) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_BODY_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &str) -> String {
        error(status, body.as_bytes(), &Auth::None, None).to_string()
    }

    #[test]
    fn names_the_refused_fields() {
        let body = r#"{"exception_message":"Invalid request received.","exception_detail":[
            {"type":"extra_forbidden","loc":["body","id"],"msg":"Extra inputs are not permitted","input":"x"},
            {"type":"enum","loc":["body","state","type"],"msg":"Input should be 'SCHEDULED'","input":"NOPE"},
            {"type":"int","loc":["body","items",3],"msg":"not a number"}],"request_body":{}}"#;
        assert_eq!(
            shown(422, body),
            "422 Invalid request received: id: Extra inputs are not permitted, \
             state.type: Input should be 'SCHEDULED', items.3: not a number"
        );
        let error = error(422, body.as_bytes(), &Auth::None, None);
        assert_eq!(error.fields()[1].field, "state.type");
        assert!(error.is_validation());
    }

    #[test]
    fn understands_the_other_shapes() {
        for (status, body, expect) in [
            (403, r#"{"detail":"Missing CSRF token."}"#, "403 Missing CSRF token"),
            (423, r#"{"detail":"Locked"}"#, "423 Locked"),
            (404, r#"{"detail":"Not Found"}"#, "404 Not Found"),
            (500, "", "500 internal server error"),
            (502, "<html><body>nginx</body></html>", "502 bad gateway"),
            (503, "upstream down", "503 upstream down"),
            (503, "{}", "503 service unavailable"),
            (409, r#"{"detail":{"why":"because"}}"#, r#"409 {"why":"because"}"#),
        ] {
            assert_eq!(shown(status, body), expect);
        }
    }

    #[test]
    fn cloud_is_explained() {
        for (status, path, wanted) in [
            (401, "/flow_runs/1", Some("PREFECT_API_KEY")),
            (403, "/logs/", Some("no member of the workspace")),
            (404, "/flows/", Some("no such workspace")),
            (404, "/events", Some("no such workspace")),
            (404, "/flow_runs/filter", Some("no such workspace")),
            (404, "/flow_runs/01a1fbc6-ad2e-7226-906b-efc2b01dc581", None),
            (404, "/flow_runs/01a1fbc6-ad2e-7226-906b-efc2b01dc581/set_state", None),
            (422, "/flows/", None),
        ] {
            let said = of_cloud(status, path);
            assert_eq!(said.is_some(), wanted.is_some(), "{status} {path}: {said:?}");
            assert!(wanted.is_none_or(|wanted| said.is_some_and(|said| said.contains(wanted))), "{said:?}");
        }
    }

    #[test]
    fn a_401_names_the_setting() {
        let body = br#"{"exception_message":"Unauthorized"}"#;
        for (auth, setting) in [
            (Auth::None, "no credentials were sent; set PREFECT_API_AUTH_STRING"),
            (Auth::ApiKey("s3cret".into()), "check PREFECT_API_KEY"),
            (Auth::Basic("s3cret".into()), "check PREFECT_API_AUTH_STRING"),
        ] {
            let shown = error(401, body, &auth, None).to_string();
            assert!(shown.contains(setting) && !shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn long_text_is_cut_on_a_character() {
        let shown = shown(500, &"ü".repeat(1000));
        assert!(shown.ends_with("...") && shown.chars().count() < 320);
    }
}
