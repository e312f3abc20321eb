//! What a certificate says about its owner: names, and when it is valid (RFC 5280 section 4.1).
//!
//! rustls verifies certificates, but does not tell these parts of them.

use chrono::{DateTime, Utc};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a certificate says about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The common name of its subject, and its alternative names (DNS, URI, e-mail), as they are
    /// written.
    pub names: Vec<String>,
    /// When it begins to be valid.
    pub not_before: DateTime<Utc>,
    /// When it ends to be valid.
    pub not_after: DateTime<Utc>,
}

impl CertificateInfo {
    /// Reads a certificate in DER. `None` if it is not one.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let validity = certificate.validity();
        let common_name = certificate.subject().common_name().ok()?;
        let alternative_names = certificate.get_extension::<SubjectAltName>().ok()?;
        let mut names: Vec<String> = common_name.iter().map(|name| name.value().into_owned()).collect();
        names.extend(alternative_names.iter().flat_map(|(_, names)| &names.0).filter_map(text));
        Some(Self {
            names,
            not_before: validity.not_before.to_system_time().into(),
            not_after: validity.not_after.to_system_time().into(),
        })
    }

    /// Whether it is valid at this time.
    #[must_use]
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

/// Returns a name that is text: an e-mail address, a DNS name or a URI.
fn text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(name)
        | GeneralName::DnsName(name)
        | GeneralName::UniformResourceIdentifier(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use chrono::TimeDelta;
    use test_support::certificates::{Authority, Owner};

    use super::*;

    fn der(pem: &str) -> Vec<u8> {
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(lines).unwrap()
    }

    #[test]
    fn names_and_times_are_read() {
        let now: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
        let owner = Owner {
            common_name: "Shop \u{e5}",
            dns: &["shop.example", "*.shop.example"],
            uris: &["spiffe://shop/worker"],
            not_before: now,
            not_after: now + TimeDelta::days(30),
        };
        let certificate = Authority::new("Test authority").certify(&owner);
        let read = CertificateInfo::read(&der(&certificate.pem)).unwrap();
        let names = ["Shop \u{e5}", "shop.example", "*.shop.example", "spiffe://shop/worker"];
        assert_eq!(
            read,
            CertificateInfo {
                names: names.map(str::to_owned).to_vec(),
                not_before: now,
                not_after: now + TimeDelta::days(30)
            }
        );
        let at = |days| read.is_valid(now + TimeDelta::days(days));
        assert_eq!([at(-1), at(0), at(29), at(30)], [false, true, true, false]);

        // A time after 2049 has another form.
        let late = Owner { not_after: "2050-01-01T00:00:00Z".parse().unwrap(), ..owner };
        let late = Authority::new("Test authority").certify(&late);
        assert_eq!(
            CertificateInfo::read(&der(&late.pem)).unwrap().not_after.to_rfc3339(),
            "2050-01-01T00:00:00+00:00"
        );
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        let owner = Owner::named("shop", "2026-11-29T10:00:00Z".parse().unwrap());
        let whole = der(&Authority::new("Test authority").certify(&owner).pem);
        assert!(CertificateInfo::read(&whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(CertificateInfo::read(&whole[..end]), None, "cut off at {end}");
        }
        for wrong in [&[][..], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], b"-----BEGIN"] {
            assert_eq!(CertificateInfo::read(wrong), None, "{wrong:?}");
        }
        // Whatever is changed, reading ends.
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = CertificateInfo::read(&changed);
        }
    }
}
