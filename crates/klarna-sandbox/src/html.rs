//! The sandbox's pages for people: sign-in and payment.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:28rem;padding:0 1rem;color:#111}\
    button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem}input{font:inherit;padding:.4rem}\
    td{padding:.2rem 1rem .2rem 0}small{color:#555}";

/// Returns a page. `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style>\
         <h1>{title}</h1>{body}<p><small>This is the sandbox, a stand-in for Klarna.</small></p></html>"
    );
    (status, Html(html)).into_response()
}

/// Escapes a text for HTML, also within a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
