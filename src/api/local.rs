//! Protects an API without keys: it serves only this machine, and no web pages from elsewhere.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::frame::scheme;
use super::problem::{Kind, Problem};
use crate::config::{ApiKeys, Live};

/// Middleware that passes a request on if it was meant for this machine, or if there are API keys.
///
/// A web page can make its own name point to 127.0.0.1 (DNS rebinding); the browser then sends that
/// name as the host. A page can also post a form to any address; the browser then sends the page's
/// origin.
pub(super) async fn without_keys(
    State(keys): State<Live<ApiKeys>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if keys.now().is_empty() {
        check(request.headers(), scheme(&request))?;
    }
    Ok(next.run(request).await)
}

fn check(headers: &HeaderMap, scheme: &str) -> Result<(), Problem> {
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    if host.is_some_and(|host| !is_this_machine(host)) {
        let detail = "without API keys, only requests to localhost, 127.0.0.1 or [::1] are accepted: send \
            one of these as the header Host, or add a [[server.api_keys]] section";
        return Err(Problem::new(Kind::Misdirected, detail));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let own = origin.as_bytes().strip_prefix(scheme.as_bytes()).and_then(|rest| rest.strip_prefix(b"://"));
    if own.is_some() && own == host {
        return Ok(());
    }
    let detail = "without API keys, requests from pages of another origin are refused: add a \
        [[server.api_keys]] section";
    Err(Problem::new(Kind::Forbidden, detail))
}

fn is_this_machine(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_served() {
        for own in
            ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "127.1.2.3", "[::1]", "[::1]:80"]
        {
            assert!(is_this_machine(own.as_bytes()), "{own}");
        }
        let others = [
            "",
            "shop.example",
            "localhost.shop.example",
            "127.0.0.1.shop.example",
            "10.0.0.1:8080",
            "[::2]",
            "::",
            "0.0.0.0",
        ];
        for other in others {
            assert!(!is_this_machine(other.as_bytes()), "{other}");
        }
    }
}
