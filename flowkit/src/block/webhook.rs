//! Blocks that Prefect's automations call: webhooks, and notifications by way of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kind::{Block, BlockType};
use crate::secret::Secret;

/// An address that is called over HTTP: Prefect's block type `webhook`, for the action `call-webhook` of automations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Webhook {
    /// The webhook request method.
    #[serde(default = "post")]
    pub method: String,
    /// The webhook URL.
    pub url: Secret,
    /// The headers that go with the request.
    #[serde(default = "no_headers")]
    pub headers: Secret<BTreeMap<String, String>>,
    /// Whether addresses in private networks may be called.
    #[serde(default = "yes")]
    pub allow_private_urls: bool,
    /// Whether the certificate of the other side is checked.
    #[serde(default = "yes")]
    pub verify: bool,
}

impl Webhook {
    /// Calls `url` by POST, without headers.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { method: post(), url: Secret::new(url), headers: no_headers(), allow_private_urls: true, verify: true }
    }
}

impl Block for Webhook {
    const TYPE: BlockType = BlockType::new("Webhook", "webhook")
        .description("Block that enables calling webhooks.")
        .order(&["method", "url", "headers", "allow_private_urls", "verify"])
        .system();
}

/// A Slack channel that messages are sent to: Prefect's block type `slack-webhook`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct SlackWebhook {
    /// What kind of message it is: `info`, `success`, `warning` or `failure`.
    #[serde(default = "info")]
    pub notify_type: String,
    /// The address of the incoming webhook.
    pub url: Secret,
    /// Whether addresses in private networks may be called.
    #[serde(default = "yes")]
    pub allow_private_urls: bool,
}

impl SlackWebhook {
    /// Sends messages to the incoming webhook at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { notify_type: info(), url: Secret::new(url), allow_private_urls: true }
    }
}

impl Block for SlackWebhook {
    const TYPE: BlockType = BlockType::new("Slack Webhook", "slack-webhook")
        .capabilities(&["notify"])
        .order(&["notify_type", "url", "allow_private_urls"])
        .system();
}

/// Any address that messages are sent to: Prefect's block type `custom-webhook`. In its texts, `{{subject}}`, `{{body}}`,
/// `{{name}}` and the names of `secrets` in double braces stand for values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CustomWebhook {
    /// The name of the webhook.
    pub name: String,
    /// The webhook URL.
    pub url: String,
    /// The webhook request method.
    #[serde(default = "post")]
    pub method: String,
    /// What is added to the URL.
    #[serde(default)]
    pub params: Option<BTreeMap<String, String>>,
    /// JSON that is sent.
    #[serde(default)]
    pub json_data: Option<Map<String, Value>>,
    /// A form that is sent: an object of texts, or a text.
    #[serde(default)]
    pub form_data: Option<Value>,
    /// Headers that go with the request.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// Cookies that go with the request.
    #[serde(default)]
    pub cookies: Option<BTreeMap<String, String>>,
    /// How long the request may take, in seconds.
    #[serde(default = "ten")]
    pub timeout: f64,
    /// Whether addresses in private networks may be called.
    #[serde(default = "yes")]
    pub allow_private_urls: bool,
    /// Values for the texts of the other fields.
    #[serde(default = "no_headers")]
    pub secrets: Secret<BTreeMap<String, String>>,
}

impl CustomWebhook {
    /// Sends messages to `url` by POST, without anything in them yet.
    #[must_use]
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            method: post(),
            params: None,
            json_data: None,
            form_data: None,
            headers: None,
            cookies: None,
            timeout: ten(),
            allow_private_urls: true,
            secrets: no_headers(),
        }
    }
}

impl Block for CustomWebhook {
    const TYPE: BlockType = BlockType::new("Custom Webhook", "custom-webhook").capabilities(&["notify"]).system();
}

fn post() -> String {
    "POST".to_owned()
}

fn info() -> String {
    "info".to_owned()
}

fn yes() -> bool {
    true
}

fn ten() -> f64 {
    10.0
}

fn no_headers() -> Secret<BTreeMap<String, String>> {
    Secret::new(BTreeMap::new())
}
