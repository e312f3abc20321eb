//! The shipped `config.toml` matches the code.

use secrecy::ExposeSecret;

use crate::config::reader::Reader;
use crate::config::{REFERENCE, Settings, read, unknown};

/// Commented keys that show an example or an alternative, not a default.
const EXAMPLES: [&str; 51] = [
    "wrapped_by",
    "unwrap",
    "wrap",
    "command_env",
    "command_timeout",
    "expires_at",
    "sources",
    "http_proxy",
    "probes",
    "tls_cert",
    "tls_key",
    "client_ca",
    "certificate",
    "url_file",
    "listen_url",
    "listen_url_file",
    "read_url",
    "read_url_file",
    "[server.api_keys]",
    "name",
    "key_sha256",
    "key_env",
    "key_file",
    "scopes",
    "merchants",
    "env",
    "api_key",
    "api_key_env",
    "api_key_file",
    "checkout_provider",
    "api_username_env",
    "api_username_file",
    "api_password_env",
    "api_password_file",
    "jwks_url",
    "revoke_url",
    "issuer",
    "client_secret",
    "client_secret_env",
    "client_secret_file",
    "token_url",
    "checkout_url",
    "[[server.api_keys]]",
    "webhook_url",
    "otlp_endpoint",
    "webhook_secrets",
    "webhook_secrets_env",
    "webhook_secrets_file",
    "push_secret",
    "push_secret_env",
    "push_secret_file",
];

/// Returns the reference with those commented keys and sections uncommented that `wanted` selects.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            let key = rest.split(" =").next().unwrap_or(rest);
            if wanted(key) { rest } else { line }
        }
        _ => line,
    };
    REFERENCE.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads a text and returns the reader, which then knows every key.
fn schema_of(text: &str) -> Reader {
    let mut reader = Reader::new(toml::from_str(text).unwrap(), std::collections::BTreeMap::new());
    read(&mut reader);
    reader
}

/// Returns the path of every key, for one merchant, one encryption key and one API key.
pub(super) fn every_key() -> Vec<String> {
    schema_of(&uncommented(|_| true)).known.into_iter().collect()
}

fn load(text: &str) -> Settings {
    let secret = ("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_SECRET", "for client_auth to have a use");
    Settings::parse("config.toml", text, super::env(&[secret])).unwrap()
}

#[test]
fn it_loads_as_it_is_shipped() {
    let settings = Settings::parse("config.toml", REFERENCE, std::iter::empty()).unwrap();
    assert_eq!(settings.merchants["shop"].token_url.as_str(), "http://127.0.0.1:8090/eu/lp/idp/oauth2/token");
}

#[test]
fn it_names_every_key_and_no_other() {
    let reader = schema_of(&uncommented(|_| true));
    assert_eq!(unknown::find(&reader.layers, &reader.known, &reader.groups), []);
    for key in &reader.known {
        assert!(reader.has(key), "config.toml does not show {key}");
    }
    assert!(reader.known.contains("server.api_keys.0.scopes"));
}

#[test]
fn its_commented_defaults_are_the_defaults() {
    let shipped = load(REFERENCE);
    let spelled_out = load(&uncommented(|key| !EXAMPLES.contains(&key)));
    assert_eq!(format!("{spelled_out:#?}"), format!("{shipped:#?}"));
    assert_eq!(spelled_out.database.url.expose_secret(), shipped.database.url.expose_secret());
}
