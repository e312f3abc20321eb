//! What a certificate says about its owner: names, and when it is valid (RFC 5280 section 4.1).
//!
//! rustls verifies certificates, but does not tell these parts of them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// The DER tags of the elements that are read (ITU-T X.690).
mod tag {
    pub(super) const OID: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const SEQUENCE: u8 = 0x30;
    /// `[0]`: the certificate's version.
    pub(super) const VERSION: u8 = 0xa0;
    /// `[3]`: the certificate's extensions.
    pub(super) const EXTENSIONS: u8 = 0xa3;
    /// Alternative names: e-mail address, DNS name, URI.
    pub(super) const NAMES: [u8; 3] = [0x81, 0x82, 0x86];
}

/// `id-at-commonName`, and `id-ce-subjectAltName`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// What a certificate says about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The common name of its subject, and its alternative names (DNS, URI, e-mail), as they are written.
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
        let certificate = only(der, tag::SEQUENCE)?;
        let mut fields = Elements(Elements(certificate).expect(tag::SEQUENCE)?);
        let rest = fields.0;
        if fields.next()?.tag != tag::VERSION {
            fields.0 = rest;
        }
        let [_serial, _algorithm, _issuer] = [fields.next()?, fields.next()?, fields.next()?];
        let mut validity = Elements(fields.expect(tag::SEQUENCE)?);
        let (not_before, not_after) = (time(&validity.next()?)?, time(&validity.next()?)?);
        let subject = fields.expect(tag::SEQUENCE)?;
        let extensions = fields.find(|field| field.tag == tag::EXTENSIONS);
        let mut names: Vec<String> = common_names(subject).collect();
        names.extend(extensions.into_iter().flat_map(|extensions| alternative_names(extensions.content)));
        Some(Self { names, not_before, not_after })
    }

    /// Whether it is valid at this time.
    #[must_use]
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

fn common_names(subject: &[u8]) -> impl Iterator<Item = String> {
    let attributes = Elements(subject).flat_map(|set| Elements(set.content));
    attributes.filter_map(|attribute| {
        let mut parts = Elements(attribute.content);
        (parts.expect(tag::OID)? == COMMON_NAME).then(|| text(parts.next()?.content)).flatten()
    })
}

fn alternative_names(extensions: &[u8]) -> impl Iterator<Item = String> {
    let extensions = Elements(extensions).flat_map(|list| Elements(list.content));
    let lists = extensions.filter_map(|extension| {
        let mut parts = Elements(extension.content);
        let wanted = parts.expect(tag::OID)? == ALTERNATIVE_NAMES;
        let value = parts.find(|part| part.tag == tag::OCTET_STRING).filter(|_| wanted)?;
        only(value.content, tag::SEQUENCE)
    });
    let names = lists.flat_map(Elements).filter(|name| tag::NAMES.contains(&name.tag));
    names.filter_map(|name| text(name.content))
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Reads a time, which is in UTC and has whole seconds (RFC 5280 section 4.1.2.5).
fn time(element: &Element<'_>) -> Option<DateTime<Utc>> {
    let text = str::from_utf8(element.content).ok()?;
    let text = match element.tag {
        tag::UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        tag::UTC_TIME => format!("20{text}"),
        tag::GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok().map(|time| time.and_utc())
}

/// One element: its tag, and its content.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The elements that follow each other in some bytes. It ends where they are no DER.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// Returns the content of the next element if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|element| element.tag == tag).map(|element| element.content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk()?;
        let mut length = usize::from(first);
        // Above 0x80, the first byte says how many bytes have the length.
        if first >= 0x80 {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if !(1..=3).contains(&bytes.len()) {
                return None;
            }
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = after;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { tag, content })
    }
}

/// Returns the content of the one element in `bytes`, if it has this tag.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut elements = Elements(bytes);
    elements.expect(tag).filter(|_| elements.0.is_empty())
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
        assert_eq!(CertificateInfo::read(&der(&late.pem)).unwrap().not_after.to_rfc3339(), "2050-01-01T00:00:00+00:00");
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
