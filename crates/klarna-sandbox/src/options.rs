//! The options of a sandbox: those that are fixed at the start ([`SandboxOptions`]), and those that
//! can be changed while it runs ([`Behaviour`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::durations::{Latency, human};
use crate::faults::{Endpoint, Failure};

/// Options that are fixed at the start.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The base URL, which is also the issuer of id_tokens. Needed only if clients do not reach the
    /// sandbox at `bind`.
    pub public_url: Option<Url>,
    /// The seed of all random values: the same seed issues the same tokens and injects the same
    /// failures. `None` means a random seed.
    pub seed: Option<u64>,
    /// The signature algorithm of id_tokens.
    pub algorithm: Algorithm,
    /// The only client id that the token endpoint accepts; `None` accepts any.
    pub client_id: Option<String>,
    /// The client's secret, which it has to send in the body or as Basic credentials (RFC 6749
    /// section 2.3.1). `None` means a public client.
    pub client_secret: Option<SecretString>,
    /// The only API user that the Checkout and Payments endpoints accept; `None` accepts any.
    pub api_user: Option<(String, SecretString)>,
    /// The only API key that the Checkout endpoint accepts; `None` accepts any.
    pub api_key: Option<SecretString>,
    /// Whether events and id_tokens are kept for `/sandbox/record` and `/sandbox/issued`, in about
    /// 2 KiB of memory for each exchange.
    pub record: bool,
    /// The behaviour at the start.
    pub behaviour: Behaviour,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            seed: None,
            algorithm: Algorithm::Es256,
            client_id: None,
            client_secret: None,
            api_user: None,
            api_key: None,
            record: true,
            behaviour: Behaviour::default(),
        }
    }
}

/// A signature algorithm of id_tokens (RFC 7518 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// ECDSA on P-256: a signature takes a few microseconds.
    Es256,
    /// RSA with 2048 bits: slow to start and to sign.
    Rs256,
}

/// Options that can be changed while the sandbox runs. In JSON, a duration is written `"60d"`, and
/// a latency `"50ms"` or `"50ms..200ms"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// What happens to a refresh token that is presented.
    pub rotation: Rotation,
    /// How long a spent token is answered with its successor again, with [`Rotation::Grace`].
    #[serde(with = "human")]
    pub grace_period: Duration,
    /// The lifetime of refresh tokens that are issued from now on.
    #[serde(with = "human")]
    pub refresh_token_lifetime: Duration,
    /// The lifetime of access tokens and id_tokens that are issued from now on.
    #[serde(with = "human")]
    pub access_token_lifetime: Duration,
    /// The form in which a token that no longer works is refused.
    pub invalid_grant: InvalidGrantForm,
    /// Whether a repeated `Klarna-Idempotency-Key` is answered with the first order. Klarna does
    /// not document that it does so for this call.
    pub honour_idempotency_key: bool,
    /// Whether orders are checked by the letter of Klarna's API description. If not, only orders
    /// that Klarna is known to refuse are refused; unrounded prices pass, for example.
    pub strict: bool,
    /// How long after a purchase the first push is sent to `merchant_urls.push`. Later ones follow
    /// at the same proportions as Klarna's, until the order is acknowledged: with `2m`, after 5,
    /// 15, 30 and 60 minutes.
    #[serde(with = "human")]
    pub push_after: Duration,
    /// Latency and failures of the token endpoint.
    pub token: EndpointBehaviour,
    /// Latency and failures of the Checkout endpoint.
    pub checkout: EndpointBehaviour,
    /// Latency and failures of the Payments endpoint.
    pub payments: EndpointBehaviour,
    /// Latency and failures of the revocation endpoint.
    pub revoke: EndpointBehaviour,
}

impl Default for Behaviour {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            rotation: Rotation::Strict,
            grace_period: Duration::from_mins(30),
            refresh_token_lifetime: Duration::from_secs(60 * DAY),
            access_token_lifetime: Duration::from_secs(299),
            invalid_grant: InvalidGrantForm::Status400,
            honour_idempotency_key: false,
            strict: false,
            push_after: Duration::from_secs(2),
            token: EndpointBehaviour::default(),
            checkout: EndpointBehaviour::default(),
            payments: EndpointBehaviour::default(),
            revoke: EndpointBehaviour::default(),
        }
    }
}

/// How a provider treats a refresh token that is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// Single use: a spent token is answered with `invalid_grant`, and all tokens of its sign-in
    /// are revoked (RFC 9700 section 4.14.2).
    Strict,
    /// Single use, but within the grace period a spent token is answered with its successor again,
    /// as long as the successor is not spent.
    Grace,
    /// No rotation: the answer repeats the token that was presented.
    Idempotent,
    /// No rotation: the answer has no refresh token (RFC 6749 section 6 allows this).
    Omitted,
}

/// The form in which a token that no longer works is refused. Klarna's documentation says 400;
/// clients in use have seen the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvalidGrantForm {
    /// 400 `invalid_grant` (RFC 6749 section 5.2).
    #[default]
    #[serde(rename = "400")]
    Status400,
    /// 401 `invalid_grant`.
    #[serde(rename = "401")]
    Status401,
    /// 403 `invalid_grant`.
    #[serde(rename = "403")]
    Status403,
    /// 401 `token_inactive`.
    #[serde(rename = "token-inactive")]
    TokenInactive,
    /// 400 with an object as `error`, which has the code as its member `code`.
    #[serde(rename = "nested")]
    Nested,
}

/// Latency and failures of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointBehaviour {
    /// The time from request to answer. The request is processed after half of it.
    pub latency: Latency,
    /// Whether answers are held, after their requests were processed, until this is `false` again.
    pub held: bool,
    /// The share of requests that fail, from 0 to 1.
    pub failure_rate: f64,
    /// The kinds of failures, all with the same probability.
    pub failures: Vec<Failure>,
    /// The wait that answers with 503 and 429 ask for, rounded down to whole seconds.
    #[serde(with = "human")]
    pub retry_after: Duration,
    /// How late answers are with the failure `late`, and requests with the failure `delayed`.
    #[serde(with = "human")]
    pub late: Duration,
}

impl Default for EndpointBehaviour {
    fn default() -> Self {
        Self {
            latency: Latency::default(),
            held: false,
            failure_rate: 0.0,
            failures: vec![
                Failure::InternalError,
                Failure::Unavailable,
                Failure::TooManyRequests,
                Failure::Lost,
            ],
            retry_after: Duration::from_secs(1),
            late: Duration::from_secs(15),
        }
    }
}

impl Behaviour {
    /// Returns the latency and failures of an endpoint.
    pub(super) fn endpoint(&self, endpoint: Endpoint) -> &EndpointBehaviour {
        match endpoint {
            Endpoint::Token => &self.token,
            Endpoint::Checkout => &self.checkout,
            Endpoint::Payments => &self.payments,
            Endpoint::Revoke => &self.revoke,
        }
    }

    /// Checks the options.
    ///
    /// # Errors
    /// A sentence that names the invalid option and says what to write instead.
    pub fn check(&self) -> Result<(), String> {
        for (name, endpoint) in Endpoint::ALL.map(|endpoint| (endpoint.name(), self.endpoint(endpoint))) {
            if !(0.0..=1.0).contains(&endpoint.failure_rate) {
                return Err(format!("{name}: the failure rate must be between 0 and 1; 0.05 is 5 %"));
            }
            if endpoint.failure_rate > 0.0 && endpoint.failures.is_empty() {
                return Err(format!("{name}: a failure rate needs at least one kind of failure"));
            }
        }
        Ok(())
    }

    /// Returns this behaviour with the members of `patch` changed (RFC 7396).
    ///
    /// # Errors
    /// A sentence that names the unknown or invalid member.
    pub fn patched(&self, patch: serde_json::Value) -> Result<Self, String> {
        let mut whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        merge(&mut whole, patch);
        let patched: Self = serde_path_to_error::deserialize(whole).map_err(|error| error.to_string())?;
        patched.check()?;
        Ok(patched)
    }
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    use serde_json::Value::Object;
    match (into, patch) {
        (Object(into), Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let changed = Behaviour::default()
            .patched(json!({"rotation": "grace", "token": {"latency": "5ms..10ms", "failures": ["lost"], "failure_rate": 0.5}}))
            .unwrap();
        assert_eq!(changed.rotation, Rotation::Grace);
        assert_eq!(changed.token.latency.most, Duration::from_millis(10));
        assert_eq!(changed.token.failures, [Failure::Lost]);
        assert_eq!(changed.checkout, EndpointBehaviour::default());
        assert_eq!(changed.refresh_token_lifetime, Behaviour::default().refresh_token_lifetime);
    }

    #[test]
    fn an_invalid_patch_is_refused_with_the_name_of_its_member() {
        let refuse = |patch| Behaviour::default().patched(patch).unwrap_err();
        assert!(refuse(json!({"token": {"latencies": "1s"}})).contains("latencies"));
        assert!(refuse(json!({"token": {"failure_rate": 2}})).contains("between 0 and 1"));
        assert!(refuse(json!({"token": {"failure_rate": 1, "failures": []}})).contains("at least one"));
        assert!(refuse(json!({"checkout": {"latency": "2s..1s"}})).contains("shorter"));
        assert!(refuse(json!({"grace_period": "soon"})).contains("grace_period"));
    }
}
