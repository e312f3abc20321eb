//! The operators' pages.

mod access;
mod acts;
mod attention;
mod audit;
mod breakers;
mod follow_ups;
mod history;
mod lists;
mod many;
mod merchants;
mod pauses;
mod safe;
mod shown;
mod told;

use std::time::Duration;

use klarna_order_worker::order::{
    Disposition, Fault, OrderError, OrderResult, Prefill, Target, TokenOutcome,
};
use klarna_order_worker::store::{Published, WebhookFilter, WebhookView};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use super::{Answer, Api, ORDER, json, key, send};

const OPS: &str = "key-of-the-operator";
/// A user's name that would run a script if a page did not escape it.
const WICKED: &str = "<script>alert(1)</script>\"'&";

fn keys() -> String {
    let ops = key("operator", OPS, "scopes = [\"ops\"]");
    let shop = key("shop", "key-of-the-shop", "scopes = [\"orders\", \"tokens\"]");
    let limited = key("limited", "key-of-limited", "scopes = [\"ops\"]\nmerchants = [\"other\"]");
    let reader = key("reader", "key-of-the-reader", "scopes = [\"orders:read\"]");
    [ops, shop, limited, reader].concat()
}

/// The part of an operator's browser that the tests need.
struct Browser<'a> {
    api: &'a Api,
    http: reqwest::Client,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(api: &'a Api) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { api, http, cookie: None }
    }

    async fn signed_in(api: &'a Api, key: &str) -> Self {
        let mut browser = Self::new(api);
        let answer = browser.post("/sign-in", &[("key", key)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{answer:?}");
        browser.keep(&answer);
        browser
    }

    fn keep(&mut self, answer: &Answer) {
        self.cookie = answer.header("set-cookie").split(';').next().map(str::to_owned);
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.api.address));
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Returns the page's text. The page must exist.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.text
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::POST, path).form(fields)
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        send(self.form(path, fields).header("sec-fetch-site", "same-origin")).await
    }

    /// Sends a form of a page, with the page's hidden fields.
    async fn act(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let text = self.page(page).await;
        let token = value(&text, "form_token");
        self.post(path, &[&[("form_token", token.as_str())], fields].concat()).await
    }
}

/// The value of a page's hidden field.
#[track_caller]
fn value(page: &str, field: &str) -> String {
    let found =
        page.split_once(&format!("name=\"{field}\" value=\"")).and_then(|(_, rest)| rest.split_once('"'));
    found.unwrap_or_else(|| panic!("no {field}: {page}")).0.to_owned()
}

fn error(code: &str, message: &str) -> OrderError {
    let faults = vec![Fault::new("/order/locale", message)];
    OrderError {
        code: code.into(),
        message: message.into(),
        faults,
        correlation_id: Some("corr-1".into()),
        ..OrderError::default()
    }
}

fn failed(code: &str) -> Disposition {
    Disposition::Failed {
        error: error(code, "No <b>way</b>."),
        token: Some(TokenOutcome::Unavailable),
        prefilled: Prefill::default(),
    }
}

fn submitted(token: TokenOutcome) -> Disposition {
    Disposition::Submitted {
        klarna_id: "klarna-1".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<script>snippet()</script>".into() }),
        correlation_id: Some("corr-2".into()),
        token,
        prefilled: vec!["/billing_address/email".to_owned()].into(),
    }
}

impl Api {
    /// Submits an order with the shop's key.
    async fn ordered(&self, merchant: &str, user: &str) -> String {
        self.ordered_with(merchant, user, serde_json::from_str(ORDER).unwrap()).await
    }

    /// Submits an order with a reference of the shop.
    async fn ordered_as(&self, reference: &str, user: &str) -> String {
        let mut order: serde_json::Value = serde_json::from_str(ORDER).unwrap();
        order["merchant_reference1"] = reference.into();
        self.ordered_with("shop", user, order).await
    }

    async fn ordered_with(&self, merchant: &str, user: &str, order: serde_json::Value) -> String {
        let body = serde_json::json!({ "merchant": merchant, "user": user, "order": order });
        let request = self.request(Method::POST, "/v1/orders").bearer_auth("key-of-the-shop");
        let answer = send(json(request, body.to_string())).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Gives the merchant `shop` a webhook endpoint.
    pub async fn has_an_endpoint(&self) {
        let webhooks = [("shop".into(), [7; 32])].into();
        let published = Published { order_deadline: Duration::from_mins(10), webhooks };
        self.app.store.publish(&published).await.unwrap();
    }

    async fn webhooks(&self) -> Vec<WebhookView> {
        self.app.store.webhooks(&WebhookFilter { limit: 9, ..WebhookFilter::default() }).await.unwrap()
    }
}
