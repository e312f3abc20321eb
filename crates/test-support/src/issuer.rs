//! An issuer's keys. They sign JSON Web Tokens without the crate that the tested code verifies them
//! with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde_json::{Value, json};

enum KeyPair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A signing key with its public half.
pub struct SigningKey {
    id: &'static str,
    pair: KeyPair,
}

impl SigningKey {
    /// Creates a P-256 key; `id` is its `kid`.
    pub fn es256(id: &'static str) -> Self {
        Self { id, pair: KeyPair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()) }
    }

    /// Creates a 2048-bit RSA key; `id` is its `kid`.
    pub fn rs256(id: &'static str) -> Self {
        Self { id, pair: KeyPair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    fn algorithm(&self) -> &'static str {
        match self.pair {
            KeyPair::Ec(_) => "ES256",
            KeyPair::Rsa(_) => "RS256",
        }
    }

    /// Returns the public half as a JSON Web Key (RFC 7517).
    pub fn jwk(&self) -> Value {
        match &self.pair {
            KeyPair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
                    "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            KeyPair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id,
                    "n": b64(&public.n), "e": b64(&public.e)})
            }
        }
    }

    /// Returns the public half as bytes that an attacker could use as an HMAC secret.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            KeyPair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            KeyPair::Rsa(pair) => RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key()).n,
        }
    }

    /// Returns a token with the usual header.
    pub fn sign(&self, claims: &Value) -> SecretString {
        self.sign_with_header(&json!({"alg": self.algorithm(), "typ": "JWT", "kid": self.id}), claims)
    }

    /// Returns a token with the given header.
    pub fn sign_with_header(&self, header: &Value, claims: &Value) -> SecretString {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            KeyPair::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", b64(&signature)).into()
    }
}

/// Returns the part that the signature covers.
pub fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()))
}

/// Returns base64 as tokens use it: URL-safe, without padding.
pub fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the key set as its URL serves it.
pub fn jwks(keys: &[&SigningKey]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}
