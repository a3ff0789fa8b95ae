//! A loopback web service over the records that fails now and then, always at the same places.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::data::{Record, records};
use crate::pages;

/// The largest `per_page` that is served.
pub const MAX_PER_PAGE: usize = 500;

/// The header that says how many records there are.
pub const TOTAL_COUNT: &str = "x-total-count";

const DEFAULT_PER_PAGE: usize = 100;

/// Serves the records over HTTP on the loopback interface.
///
/// - `GET /api/records?page=N&per_page=M` answers a JSON list of records; pages count from 1, and
///   the list is empty after the last one. A bad number is 400. The header `x-total-count` says
///   how many records there are on all pages together.
/// - `GET /pages/N` answers day N as HTML; a day that is not there is 404.
#[derive(Debug)]
pub struct Catalog {
    records: Vec<Record>,
    pages: Vec<String>,
    failure_every: usize,
    failed: Mutex<HashSet<String>>,
}

impl Catalog {
    /// Starts the service on a free port and returns its base URL, without a slash at the end.
    ///
    /// The first request for every `failure_every`-th page, of either kind, answers 503; the same
    /// request after that succeeds. 0 means that nothing fails. The service ends with the
    /// runtime it is started on.
    ///
    /// # Errors
    ///
    /// When no loopback port can be bound.
    pub async fn serve(failure_every: usize) -> io::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let router = Self::new(failure_every).router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(format!("http://{address}"))
    }

    fn new(failure_every: usize) -> Self {
        let records = records();
        let pages = pages::render(&records);
        Self { records, pages, failure_every, failed: Mutex::default() }
    }

    fn router(self) -> Router {
        Router::new()
            .route("/api/records", routing::get(list))
            .route("/pages/{number}", routing::get(show))
            .fallback(async || refuse(StatusCode::NOT_FOUND, "no such path"))
            .with_state(Arc::new(self))
    }

    /// Says whether this is the request that has to fail, and remembers that it did.
    fn fails_now(&self, kind: &str, number: usize) -> bool {
        self.failure_every != 0
            && number.is_multiple_of(self.failure_every)
            && self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{kind} {number}"))
    }
}

#[derive(Debug, Deserialize)]
struct Paging {
    page: Option<usize>,
    per_page: Option<usize>,
}

async fn list(State(catalog): State<Arc<Catalog>>, query: Result<Query<Paging>, QueryRejection>) -> Response {
    let Ok(Query(paging)) = query else {
        return refuse(StatusCode::BAD_REQUEST, "page and per_page are whole numbers");
    };
    let page = paging.page.unwrap_or(1);
    let per_page = paging.per_page.unwrap_or(DEFAULT_PER_PAGE);
    if page == 0 {
        return refuse(StatusCode::BAD_REQUEST, "pages count from 1");
    }
    if !(1..=MAX_PER_PAGE).contains(&per_page) {
        return refuse(StatusCode::BAD_REQUEST, "per_page is 1 to 500");
    }
    if catalog.fails_now("records", page) {
        return unavailable();
    }
    let slice = catalog.records.chunks(per_page).nth(page - 1).unwrap_or_default();
    ([(TOTAL_COUNT, catalog.records.len())], Json(slice)).into_response()
}

async fn show(State(catalog): State<Arc<Catalog>>, Path(number): Path<String>) -> Response {
    let number = number.parse::<usize>().unwrap_or(0);
    let Some(page) = number.checked_sub(1).and_then(|index| catalog.pages.get(index)) else {
        return refuse(StatusCode::NOT_FOUND, "no such page");
    };
    if catalog.fails_now("page", number) {
        return unavailable();
    }
    Html(page.clone()).into_response()
}

fn unavailable() -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "busy, ask again")
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(base: &str, path: &str) -> reqwest::Response {
        let client = crate::client(base).expect("a client");
        client.get(format!("{base}{path}")).send().await.expect("the service answers")
    }

    async fn ask(base: &str, path: &str) -> (u16, String) {
        let answer = get(base, path).await;
        (answer.status().as_u16(), answer.text().await.expect("the body is text"))
    }

    async fn page(base: &str, number: usize) -> Vec<Record> {
        let (status, body) = ask(base, &format!("/api/records?page={number}&per_page=500")).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("a list of records")
    }

    #[tokio::test]
    async fn pages_add_up_to_the_data_set() {
        let base = Catalog::serve(0).await.expect("a free port");
        let mut all = Vec::new();
        for number in 1.. {
            let next = page(&base, number).await;
            if next.is_empty() {
                break;
            }
            all.extend(next);
        }
        assert_eq!(all, records());
        let answer = get(&base, "/api/records?per_page=1").await;
        assert_eq!(answer.headers()[TOTAL_COUNT], all.len().to_string());
    }

    #[tokio::test]
    async fn every_nth_page_fails_once() {
        let base = Catalog::serve(3).await.expect("a free port");
        let mut statuses = Vec::new();
        for number in [1, 2, 3, 3, 3, 6, 6] {
            statuses.push(ask(&base, &format!("/api/records?page={number}")).await.0);
        }
        assert_eq!(statuses, [200, 200, 503, 200, 200, 503, 200]);
        assert_eq!(ask(&base, "/pages/3").await.0, 503);
        assert_eq!(ask(&base, "/pages/3").await.0, 200);
    }

    #[tokio::test]
    async fn bad_requests_are_refused_and_say_why() {
        let base = Catalog::serve(1).await.expect("a free port");
        let cases = [
            ("/api/records?page=0", 400, "count from 1"),
            ("/api/records?page=-1", 400, "whole numbers"),
            ("/api/records?page=two", 400, "whole numbers"),
            ("/api/records?per_page=0", 400, "1 to 500"),
            ("/api/records?per_page=501", 400, "1 to 500"),
            ("/pages/0", 404, "no such page"),
            ("/pages/99", 404, "no such page"),
            ("/pages/x", 404, "no such page"),
            ("/nothing", 404, "no such path"),
        ];
        for (path, status, reason) in cases {
            let (got, body) = ask(&base, path).await;
            assert_eq!(got, status, "{path}");
            assert!(body.contains(reason), "{path}: {body}");
        }
    }
}
