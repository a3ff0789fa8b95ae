//! Reads a small web site page by page: each page names the next one, so nobody knows beforehand how
//! many tasks there will be.
//!
//! `cargo run --release --example scraper`

use flowkit::prelude::*;
use flowkit_examples::{Catalog, client};
use reqwest::Client;

/// Is what one page says.
#[derive(Clone, Debug)]
struct Article {
    title: String,
    first_item: Option<String>,
    next: Option<String>,
}

/// Downloads a page. The site is busy now and then, hence the retries.
#[task(run_name = "fetch {url}", retries = 3, retry_delay = ["50ms", "250ms", "1s"], timeout = "10s")]
async fn fetch_html(http: Client, url: String) -> reqwest::Result<String> {
    http.get(url).send().await?.error_for_status()?.text().await
}

/// Finds what is of interest in a page.
#[task]
async fn parse_article(html: String) -> anyhow::Result<Article> {
    let title = between(&html, "<h1>", "</h1>").ok_or_else(|| anyhow::anyhow!("the page has no title"))?;
    let first_item = between(&html, "<li>", ", <time>");
    let next = between(&html, "<a rel=\"next\" href=\"", "\"");
    Ok(Article { title, first_item, next })
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    let (found, _) = rest.split_once(end)?;
    Some(found.to_owned())
}

/// Follows the links to the next page until there is none, and returns the titles.
#[flow(log_prints)]
async fn scrape(site: String, #[param(default = "/pages/1")] first: String) -> anyhow::Result<Vec<String>> {
    let http = client(&site)?;
    let mut titles = Vec::new();
    let mut next = Some(first);
    while let Some(path) = next {
        let html = fetch_html(http.clone(), format!("{site}{path}")).submit();
        let article = parse_article(html).await?;
        println!("{}: {}", article.title, article.first_item.as_deref().unwrap_or("nothing"));
        titles.push(article.title);
        next = article.next;
    }
    Ok(titles)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let site = Catalog::serve(3).await?;
    let titles = scrape(site, "/pages/1".to_owned()).await?;
    anyhow::ensure!(!titles.is_empty(), "the site has no pages");
    Ok(())
}
