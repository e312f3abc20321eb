//! `webhook_url` and `webhook_secrets` of `[merchants.<name>]`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::reader::Reader;

const EXPECTED: &str = r#"write one or two texts "whsec_" followed by 24 to 64 bytes in base64"#;

/// Where a merchant's shop is told of events.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The operator's own choice: it may lead to any host, inside the network too.
    pub url: Url,
    /// What events are signed with, each `whsec_` and base64. With two, both sign: a shop changes over in its own time.
    pub secrets: Vec<SecretString>,
}

impl Webhook {
    /// `None` where the merchant has none, or it is wrong and noted.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Option<Self> {
        let url_key = format!("{section}.webhook_url");
        let url = reader.get(&url_key);
        let key = format!("{section}.webhook_secrets");
        let forms = ["", "_env", "_file"].map(|form| format!("{key}{form}"));
        let given = forms.iter().any(|form| reader.has(form));
        let secrets = reader.secrets(section, "webhook_secrets");
        match (reader.has(&url_key), given) {
            (true, false) => reader.fault(&key, "missing beside webhook_url", EXPECTED),
            (false, true) => reader.fault(&url_key, "missing beside webhook_secrets", "write where events are sent"),
            _ => {}
        }
        let secrets = secrets?;
        if !(1..=2).contains(&secrets.len()) || !secrets.iter().all(is_secret) {
            reader.fault(&key, "not one or two signing secrets", EXPECTED);
            return None;
        }
        Some(Self { url: url?, secrets })
    }

    /// Changes where URL or secrets do; it shows neither.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in std::iter::once(self.url.as_str()).chain(self.secrets.iter().map(ExposeSecret::expose_secret)) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// As Standard Webhooks has them: 24 to 64 random bytes.
fn is_secret(secret: &SecretString) -> bool {
    let bytes = secret.expose_secret().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
}
