//! Reads a provider's OpenID document (OpenID Connect Discovery 1.0, section 4).

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::http::{BuildError, HttpClient, Limits};

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(3), call: Duration::from_secs(10), body: 256 * 1024, reuse: false };

/// The path below an issuer, also its name in traces.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// Reads OpenID documents.
#[derive(Clone, Debug)]
pub struct DiscoveryClient {
    http: HttpClient,
}

/// What an OpenID document lists. A member that is missing, or is no URL, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIdDocument {
    /// `issuer`
    pub issuer: Option<String>,
    /// `token_endpoint`
    pub token: Option<Url>,
    /// `jwks_uri`
    pub jwks: Option<Url>,
    /// `revocation_endpoint`
    pub revoke: Option<Url>,
}

impl DiscoveryClient {
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self { http: HttpClient::new(LIMITS)? })
    }

    /// Reads the document of an issuer. `None`: it has none (HTTP 404).
    ///
    /// # Errors
    /// Why it cannot be read, as a text without secrets.
    pub async fn read(
        &self,
        issuer: &Url,
        proxy: Option<&SecretString>,
    ) -> Result<Option<OpenIdDocument>, String> {
        let request = self.http.get(document_url(issuer));
        let reply =
            self.http.send(request, proxy, Some(DOCUMENT)).await.map_err(|failure| failure.to_string())?;
        match reply.status {
            StatusCode::OK => match parse(&reply.body) {
                Some(document) => Ok(Some(document)),
                None => Err("the answer is no OpenID document".to_owned()),
            },
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("HTTP {}", status.as_u16())),
        }
    }
}

/// Returns the address of an issuer's document.
#[must_use]
pub fn document_url(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    url.set_path(&format!("{}{DOCUMENT}", issuer.path().trim_end_matches('/')));
    url
}

/// Reads a document. `None` if it is no JSON object, or lists none of the addresses.
pub(crate) fn parse(body: &[u8]) -> Option<OpenIdDocument> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let members: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let url = |name: &str| text(name).and_then(|text| Url::parse(text).ok());
    let document = OpenIdDocument {
        issuer: text("issuer").map(str::to_owned),
        token: url("token_endpoint"),
        jwks: url("jwks_uri"),
        revoke: url("revocation_endpoint"),
    };
    (document != OpenIdDocument::default()).then_some(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_below_its_issuer() {
        let at = |issuer: &str| document_url(&Url::parse(issuer).unwrap()).to_string();
        assert_eq!(at("https://a.example"), "https://a.example/.well-known/openid-configuration");
        for issuer in ["https://a.example/eu/lp/idp", "https://a.example/eu/lp/idp/"] {
            assert_eq!(at(issuer), "https://a.example/eu/lp/idp/.well-known/openid-configuration");
        }
    }

    #[test]
    fn what_can_be_read_of_a_document_is_read() {
        let document = "\u{feff}{\"issuer\":\"https://a.example\",\"token_endpoint\":\"https://a.example/token\",\
            \"jwks_uri\":7,\"revocation_endpoint\":\"not a URL\",\"userinfo_endpoint\":null}";
        let expected = OpenIdDocument {
            issuer: Some("https://a.example".to_owned()),
            token: Url::parse("https://a.example/token").ok(),
            ..OpenIdDocument::default()
        };
        assert_eq!(parse(document.as_bytes()), Some(expected));
        for other in ["", "[]", "{}", "null", "<html></html>", "{\"token_endpoint\":1}", "{\"issuer\":"] {
            assert_eq!(parse(other.as_bytes()), None, "{other}");
        }
    }
}
