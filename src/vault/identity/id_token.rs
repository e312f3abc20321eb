//! Verifies `id_token`s (OpenID Connect Core section 3.1.3.7).
//!
//! This always happens after the new refresh token is stored: a bad `id_token` means no prefill,
//! never a lost token or order.

use std::sync::Arc;

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

/// How far the issuer's clock may differ from ours, in seconds.
const LEEWAY: f64 = 60.0;

/// Verifies `id_token`s with the keys that their issuers publish.
pub struct IdTokens {
    key_sets: KeySets,
}

impl IdTokens {
    /// Creates a verifier with its own HTTP client. `clock` decides when keys are fetched again.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(clock: Clock) -> Result<Self, BuildError> {
        Ok(Self { key_sets: KeySets::new(clock)? })
    }

    /// Returns the claims of an `id_token` that was received at `received_at`. It may fetch the
    /// issuer's keys, which takes at most 5 s. This does not delay the use of other issuers' keys.
    ///
    /// # Errors
    /// If it is not valid, or if its keys cannot be fetched.
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
        // RFC 7515 section 4.1.11: what is critical must be understood, and no extension is here.
        if header.crit.is_some() {
            return Err(IdTokenError::Critical);
        }
        let keys = self.key_sets.find(merchant, header.kid.as_deref(), header.alg).await?;
        let payload = signed_payload(token, &keys, &validation(merchant, header.alg))?;
        // OpenID Connect Core section 3.1.3.7: it was issued to another client.
        if payload.azp.as_ref().is_some_and(|azp| *azp != merchant.client_id) {
            return Err(IdTokenError::Audience);
        }
        if !valid_at(&payload, received_at) {
            return Err(IdTokenError::Expired);
        }
        Ok(payload.into_claims())
    }
}

/// Leaves out the expiry, because the crate would compare it with the system's present time instead
/// of the time of receipt.
pub(crate) fn validation(merchant: &Merchant, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&merchant.issuers);
    validation.set_audience(&[&merchant.client_id]);
    validation
}

/// Checks the signature, the issuer and the audience, and returns the payload.
pub(crate) fn signed_payload(
    token: &str,
    keys: &[Arc<Key>],
    validation: &Validation,
) -> Result<Payload, IdTokenError> {
    // There is at least one key.
    let mut refusal = IdTokenError::Signature;
    for key in keys {
        match decode::<Payload>(token, &key.decoding, validation) {
            Ok(data) => return Ok(data.claims),
            Err(error) => refusal = reason(error.kind()),
        }
        if refusal != IdTokenError::Signature {
            break;
        }
    }
    Err(refusal)
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
