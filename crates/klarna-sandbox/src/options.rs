//! What the sandbox is told: at its start ([`SandboxOptions`]), and at any time after
//! ([`Behaviour`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::durations::{Latency, human};
use crate::faults::{Endpoint, Failure};

/// What is settled at the start.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The base of its URLs, and the issuer of its id_tokens, where clients reach it by another
    /// name than `bind`.
    pub public_url: Option<Url>,
    /// Feeds tokens and faults, so that a run can be repeated; drawn where `None`. The same seed
    /// issues the same tokens.
    pub seed: Option<u64>,
    /// How id_tokens are signed.
    pub algorithm: Algorithm,
    /// The only client known to the token endpoint; any where `None`.
    pub client_id: Option<String>,
    /// Makes the client a confidential one, which must prove itself by post or Basic (RFC 6749
    /// section 2.3.1).
    pub client_secret: Option<SecretString>,
    /// The only API user known to the Checkout and Payments endpoints; any where `None`.
    pub api_user: Option<(String, SecretString)>,
    /// The only API key known to the Checkout endpoint; any where `None`.
    pub api_key: Option<SecretString>,
    /// Whether events and id_tokens are kept for `/sandbox/record` and `/sandbox/issued`. Benches
    /// leave it off: it grows by about 2 KiB an exchange.
    pub record: bool,
    /// Where the run begins.
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
    /// ECDSA on P-256: a few microseconds a signature.
    Es256,
    /// RSA of 2048 bits: slow to start and to sign.
    Rs256,
}

/// What may be changed while it runs. As JSON: durations as `"60d"`, latencies as `"50ms"` or
/// `"50ms..200ms"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// What becomes of a refresh token that is presented.
    pub rotation: Rotation,
    /// How long a spent token still gives its successor back, with [`Rotation::Grace`].
    #[serde(with = "human")]
    pub grace_period: Duration,
    /// Of tokens issued from now on.
    #[serde(with = "human")]
    pub refresh_token_lifetime: Duration,
    /// Of access tokens and id_tokens issued from now on.
    #[serde(with = "human")]
    pub access_token_lifetime: Duration,
    /// Whether `Klarna-Idempotency-Key` is honoured; nothing says that Klarna does for this call.
    pub honour_idempotency_key: bool,
    /// Whether orders are checked by the letter of Klarna's API description. Otherwise what Klarna is
    /// not known to refuse passes, such as unrounded prices.
    pub strict: bool,
    /// How the token endpoint fares.
    pub token: Conduct,
    /// How the Checkout endpoint fares.
    pub checkout: Conduct,
    /// How Klarna Payments fares.
    pub payments: Conduct,
}

impl Default for Behaviour {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            rotation: Rotation::Strict,
            grace_period: Duration::from_mins(30),
            refresh_token_lifetime: Duration::from_secs(60 * DAY),
            access_token_lifetime: Duration::from_secs(299),
            honour_idempotency_key: false,
            strict: false,
            token: Conduct::default(),
            checkout: Conduct::default(),
            payments: Conduct::default(),
        }
    }
}

/// How a provider treats a refresh token that is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// Single use: a spent token answers `invalid_grant` and revokes its family (RFC 9700 section
    /// 4.14.2).
    Strict,
    /// Single use, but within the grace period a spent token gives its unspent successor back.
    Grace,
    /// Not rotating: the answer repeats the token that was presented.
    Idempotent,
    /// Not rotating: the answer has no refresh token (RFC 6749 section 6 allows it).
    Omitted,
}

/// How one endpoint fares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conduct {
    /// From request to answer; the request is processed halfway.
    pub latency: Latency,
    /// The share of requests that fail, from 0 to 1.
    pub failure_rate: f64,
    /// The ways in which they fail, each as likely as another.
    pub failures: Vec<Failure>,
    /// What 503 and 429 ask for; whole seconds on the wire.
    #[serde(with = "human")]
    pub retry_after: Duration,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            latency: Latency::default(),
            failure_rate: 0.0,
            failures: vec![Failure::InternalError, Failure::Unavailable, Failure::TooManyRequests, Failure::Lost],
            retry_after: Duration::from_secs(1),
        }
    }
}

impl Behaviour {
    /// How an endpoint behaves.
    pub(super) fn conduct(&self, endpoint: Endpoint) -> &Conduct {
        match endpoint {
            Endpoint::Token => &self.token,
            Endpoint::Checkout => &self.checkout,
            Endpoint::Payments => &self.payments,
        }
    }

    /// Says what can't be, in words for whoever wrote it.
    ///
    /// # Errors
    /// A sentence naming the option and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        let conducts = [("token", &self.token), ("checkout", &self.checkout), ("payments", &self.payments)];
        for (name, conduct) in conducts {
            if !(0.0..=1.0).contains(&conduct.failure_rate) {
                return Err(format!("{name}: the failure rate must lie between 0 and 1, as 0.05 for 5 %"));
            }
            if conduct.failure_rate > 0.0 && conduct.failures.is_empty() {
                return Err(format!("{name}: a failure rate needs at least one kind of failure"));
            }
        }
        Ok(())
    }

    /// This behaviour with the members of `patch` laid over it (RFC 7396).
    ///
    /// # Errors
    /// A sentence naming the member that is unknown, malformed or can't be.
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
        assert_eq!(changed.checkout, Conduct::default());
        assert_eq!(changed.refresh_token_lifetime, Behaviour::default().refresh_token_lifetime);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refuse = |patch| Behaviour::default().patched(patch).unwrap_err();
        assert!(refuse(json!({"token": {"latencies": "1s"}})).contains("latencies"));
        assert!(refuse(json!({"token": {"failure_rate": 2}})).contains("between 0 and 1"));
        assert!(refuse(json!({"token": {"failure_rate": 1, "failures": []}})).contains("at least one"));
        assert!(refuse(json!({"checkout": {"latency": "2s..1s"}})).contains("shorter"));
        assert!(refuse(json!({"grace_period": "soon"})).contains("grace_period"));
    }
}
