//! `webhook_url` and `webhook_secrets` of `[merchants.<name>]`

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::reader::Reader;

const EXPECTED: &str = r#"write one or two texts "whsec_" followed by 24 to 64 bytes in base64"#;

/// The secret in the examples of the Standard Webhooks specification.
const EXAMPLE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The webhook endpoint of a merchant's shop.
#[derive(Clone)]
pub struct Webhook {
    /// Where events are sent. It may be any host, also inside the operator's network.
    pub url: Url,
    /// The signing secrets, each `whsec_` and base64. With two, both sign, so that a shop can
    /// change its secret at any time.
    pub secrets: Vec<SecretString>,
}

/// Leaves out the URL but its host: path and query may be a secret of the shop.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// `None` if the merchant has no webhook, or it is invalid and recorded as a fault.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Option<Self> {
        let url_key = format!("{section}.webhook_url");
        let url = reader.get(&url_key);
        let key = format!("{section}.webhook_secrets");
        let forms = ["", "_env", "_file"].map(|form| format!("{key}{form}"));
        let given = forms.iter().any(|form| reader.has(form));
        let secrets = reader.secrets(section, "webhook_secrets");
        match (reader.has(&url_key), given) {
            (true, false) => reader.fault(&key, "missing beside webhook_url", EXPECTED),
            (false, true) => {
                reader.fault(&url_key, "missing beside webhook_secrets", "write where events are sent");
            }
            _ => {}
        }
        let secrets = secrets?;
        if secrets.iter().any(|secret| secret.expose_secret() == EXAMPLE) {
            reader.fault(&key, "has the secret of an example, which everybody knows", EXPECTED);
        }
        if !(1..=2).contains(&secrets.len()) || !secrets.iter().all(is_secret) {
            reader.fault(&key, "not one or two signing secrets", EXPECTED);
            return None;
        }
        Some(Self { url: url?, secrets })
    }

    /// A fingerprint that changes with URL or secrets, and reveals neither.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in
            std::iter::once(self.url.as_str()).chain(self.secrets.iter().map(ExposeSecret::expose_secret))
        {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// Whether it is a secret by the Standard Webhooks specification: 24 to 64 bytes.
fn is_secret(secret: &SecretString) -> bool {
    let bytes = secret.expose_secret().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
}
