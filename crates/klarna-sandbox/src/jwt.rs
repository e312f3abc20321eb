//! The signing key of id_tokens: created at the start, and published as a JWKS.
//!
//! It signs with aws-lc-rs and not with jsonwebtoken for two reasons. The worker verifies with
//! jsonwebtoken, so an error in that crate would go unnoticed. And jsonwebtoken parses and checks
//! the private key for every token.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::SandboxError;
use crate::options::Algorithm;

/// The signing key of a sandbox.
pub(super) struct SigningKey {
    pair: Pair,
    /// The encoded header with its dot. It is the same for every token.
    header: String,
    jwks: Value,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Creates a key. For RSA this takes some tenths of a second.
    pub(super) fn generate(algorithm: Algorithm, kid: &str) -> Result<Self, SandboxError> {
        let (pair, name, mut jwk) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .map_err(|_| SandboxError::Crypto)?;
                // An uncompressed point: 4, then x and y of 32 bytes each (SEC 1 section 2.3.3).
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
                (Pair::Ec(pair), "ES256", jwk)
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SandboxError::Crypto)?;
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let jwk = json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e)});
                (Pair::Rsa(pair), "RS256", jwk)
            }
        };
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(name);
        jwk["use"] = json!("sig");
        let header = encode(json!({"alg": name, "kid": kid, "typ": "JWT"}).to_string().as_bytes()) + ".";
        Ok(Self { pair, header, jwks: json!({"keys": [jwk]}) })
    }

    /// Returns the public key as a key set (RFC 7517 section 5).
    pub(super) fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// Returns a signed JWT with `claims` (RFC 7515 section 7.1).
    pub(super) fn sign(&self, claims: &Value) -> Result<String, SandboxError> {
        let message = self.header.clone() + &encode(claims.to_string().as_bytes());
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message.as_bytes()).map_err(|_| SandboxError::Crypto)?;
                encode(signature.as_ref())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .map_err(|_| SandboxError::Crypto)?;
                encode(&signature)
            }
        };
        Ok(message + "." + &signature)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
