//! Verification of `id_token`s (OpenID Connect Core section 3.1.3.7).
//!
//! Always after the rotated refresh token is stored: a bad `id_token` means no prefill, never a lost token or order.

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use secrecy::{ExposeSecret, SecretString};

use super::IdTokenError;
use super::jwks::{Key, KeySets};
use super::payload::Payload;
use crate::clock::Clock;
use crate::config::Merchant;
use crate::klarna::http::BuildError;
use crate::token::claims::Claims;

/// How far the issuer's clock and ours may disagree, in seconds.
const LEEWAY: f64 = 60.0;

/// Verifies `id_token`s against their issuers' published keys.
pub struct IdTokens {
    key_sets: KeySets,
}

impl IdTokens {
    /// With a client of its own. `clock` says when keys are to be fetched again.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(clock: Clock) -> Result<Self, BuildError> {
        Ok(Self { key_sets: KeySets::new(clock)? })
    }

    /// The claims of an `id_token` that came at `received_at`. May fetch the issuer's keys, which takes at most 5 s;
    /// nobody else's keys are held up by it.
    ///
    /// # Errors
    /// Where it is not to be believed, or its keys cannot be had.
    pub async fn verify(
        &self,
        merchant: &Merchant,
        id_token: &SecretString,
        received_at: DateTime<Utc>,
    ) -> Result<Claims, IdTokenError> {
        let token = id_token.expose_secret();
        let header = decode_header(token).map_err(|_| IdTokenError::Malformed)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(IdTokenError::Algorithm);
        }
        let keys = self.key_sets.find(&merchant.jwks_url, header.kid.as_deref(), header.alg).await?;
        let payload = signed_payload(token, &keys, &validation(merchant, header.alg))?;
        if !valid_at(&payload, received_at) {
            return Err(IdTokenError::Expired);
        }
        Ok(payload.into_claims())
    }
}

/// Expiry is left out, since the crate would judge it by the system's clock and by now instead of the receipt.
pub(crate) fn validation(merchant: &Merchant, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&merchant.issuers);
    validation.set_audience(&[&merchant.client_id]);
    validation
}

pub(crate) fn signed_payload(token: &str, keys: &[Key], validation: &Validation) -> Result<Payload, IdTokenError> {
    let mut verdict = IdTokenError::UnknownKey;
    for key in keys {
        match decode::<Payload>(token, &key.decoding, validation) {
            Ok(data) => return Ok(data.claims),
            Err(error) => verdict = reason(error.kind()),
        }
        if verdict != IdTokenError::Signature {
            break;
        }
    }
    Err(verdict)
}

fn reason(kind: &ErrorKind) -> IdTokenError {
    match kind {
        ErrorKind::InvalidSignature => IdTokenError::Signature,
        ErrorKind::InvalidIssuer => IdTokenError::Issuer,
        ErrorKind::InvalidAudience => IdTokenError::Audience,
        ErrorKind::InvalidAlgorithm => IdTokenError::Algorithm,
        _ => IdTokenError::Malformed,
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact in an f64")]
fn valid_at(payload: &Payload, at: DateTime<Utc>) -> bool {
    let at = at.timestamp() as f64;
    payload.exp + LEEWAY > at && payload.nbf.is_none_or(|nbf| nbf - LEEWAY <= at)
}
