//! Certificates for tests of TLS, with P-256 keys. They are written in DER by hand, so that the
//! tested code is not tested with itself.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

/// The contents of `OBJECT IDENTIFIER`s.
mod oid {
    pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    pub(super) const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(super) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
}

const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Who a certificate is for, and when it is valid.
pub struct Owner<'a> {
    /// The subject's common name.
    pub common_name: &'a str,
    /// DNS names among the alternative names.
    pub dns: &'a [&'a str],
    /// URIs among the alternative names.
    pub uris: &'a [&'a str],
    /// When it begins to be valid, in whole seconds.
    pub not_before: DateTime<Utc>,
    /// When it ends to be valid, in whole seconds.
    pub not_after: DateTime<Utc>,
}

impl<'a> Owner<'a> {
    /// A certificate with a common name alone, valid one day before and after `now`.
    pub fn named(common_name: &'a str, now: DateTime<Utc>) -> Self {
        let day = TimeDelta::days(1);
        Self { common_name, dns: &[], uris: &[], not_before: now - day, not_after: now + day }
    }

    /// The certificate of a server at `localhost`, valid one day before and after `now`.
    pub fn localhost(now: DateTime<Utc>) -> Self {
        Self { dns: &["localhost"], ..Self::named("localhost", now) }
    }
}

/// An authority, with its own certificate in PEM.
pub struct Authority {
    name: String,
    key: EcdsaKeyPair,
    /// Its certificate, signed by itself and valid until 2100.
    pub pem: String,
}

/// A certificate and its private key, in PEM.
pub struct Issued {
    /// The certificate.
    pub pem: String,
    /// The private key (PKCS #8).
    pub key: String,
}

impl Authority {
    /// Creates an authority with a new key.
    pub fn new(name: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let time = |text: &str| text.parse().unwrap();
        let (not_before, not_after) = (time("2020-01-01T00:00:00Z"), time("2100-01-01T00:00:00Z"));
        let own = Owner { common_name: name, dns: &[], uris: &[], not_before, not_after };
        let constraints = sequence(&[element(0x01, &[0xff])]);
        let extensions = [extension(oid::BASIC_CONSTRAINTS, &constraints)];
        let pem = certificate(&own, name, key.public_key().as_ref(), &extensions, &key);
        Self { name: name.to_owned(), key, pem }
    }

    /// Issues a certificate for a new key.
    pub fn certify(&self, owner: &Owner<'_>) -> Issued {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let dns = owner.dns.iter().map(|name| element(0x82, name.as_bytes()));
        let uris = owner.uris.iter().map(|uri| element(0x86, uri.as_bytes()));
        let names: Vec<_> = dns.chain(uris).collect();
        let extensions: Vec<_> = (!names.is_empty())
            .then(|| extension(oid::ALTERNATIVE_NAMES, &sequence(&names)))
            .into_iter()
            .collect();
        let pem = certificate(owner, &self.name, key.public_key().as_ref(), &extensions, &self.key);
        Issued { pem, key: pem_of("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref()) }
    }
}

/// Signs a certificate (RFC 5280 section 4.1) and returns it in PEM.
fn certificate(
    owner: &Owner<'_>,
    issuer: &str,
    public_key: &[u8],
    extensions: &[Vec<u8>],
    issuer_key: &EcdsaKeyPair,
) -> String {
    let algorithm = sequence(&[element(OBJECT_IDENTIFIER, oid::ECDSA_SHA256)]);
    let key_type =
        sequence(&[element(OBJECT_IDENTIFIER, oid::EC_PUBLIC_KEY), element(OBJECT_IDENTIFIER, oid::P256)]);
    let version = element(0xa0, &element(0x02, &[2]));
    let serial = element(0x02, &[&[0x01], &rand::random::<[u8; 8]>()[..]].concat());
    let mut fields = vec![
        version,
        serial,
        algorithm.clone(),
        name(issuer),
        sequence(&[time(owner.not_before), time(owner.not_after)]),
        name(owner.common_name),
        sequence(&[key_type, bits(public_key)]),
    ];
    if !extensions.is_empty() {
        fields.push(element(0xa3, &sequence(extensions)));
    }
    let signed = sequence(&fields);
    let signature = issuer_key.sign(&SystemRandom::new(), &signed).unwrap();
    pem_of("CERTIFICATE", &sequence(&[signed, algorithm, bits(signature.as_ref())]))
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute =
        sequence(&[element(OBJECT_IDENTIFIER, oid::COMMON_NAME), element(0x0c, common_name.as_bytes())]);
    sequence(&[element(0x31, &attribute)])
}

/// Returns a critical extension.
fn extension(id: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[element(OBJECT_IDENTIFIER, id), element(0x01, &[0xff]), element(0x04, value)])
}

/// Returns a `UTCTime`, or from 2050 on a `GeneralizedTime`.
fn time(time: DateTime<Utc>) -> Vec<u8> {
    let (tag, form) = if time.year() < 2050 { (0x17, "%y%m%d%H%M%SZ") } else { (0x18, "%Y%m%d%H%M%SZ") };
    element(tag, time.format(form).to_string().as_bytes())
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], bytes].concat())
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

fn pem_of(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
