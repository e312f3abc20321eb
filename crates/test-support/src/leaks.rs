//! Searches for secrets in the files of a run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Returns the bytes of every file under `folder`.
pub fn files_in(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            bytes.extend(files_in(&entry.path()));
        } else {
            match std::fs::read(entry.path()) {
                Ok(file) => bytes.extend(file),
                // A database server creates and removes files of its own.
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", entry.path().display());
                }
            }
        }
        bytes.push(b'\n');
    }
    bytes
}

/// Returns the bytes of every log in `folder`.
pub fn logs_in(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "log")).collect();
    assert!(!logs.is_empty());
    logs.iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

/// Finds secrets in any of their forms: plain, hexadecimal, and base64 at any of its three
/// alignments.
pub struct Search {
    /// The name of each form.
    names: Vec<String>,
    /// All forms are searched for in one pass over the bytes.
    forms: AhoCorasick,
}

impl Search {
    /// Prepares a search for these secrets.
    pub fn new(secrets: &[String]) -> Self {
        let (names, forms): (Vec<_>, Vec<_>) = secrets.iter().flat_map(|secret| forms(secret)).unzip();
        Self { names, forms: AhoCorasick::new(forms).unwrap() }
    }

    /// Returns the forms of the secrets that are in `bytes`.
    pub fn find(&self, bytes: &[u8]) -> Vec<String> {
        let found: BTreeSet<usize> =
            self.forms.find_overlapping_iter(bytes).map(|found| found.pattern().as_usize()).collect();
        found.into_iter().map(|form| self.names[form].clone()).collect()
    }
}

/// Returns the forms of `secrets` that are in `bytes`; see [`Search`].
pub fn find(bytes: &[u8], secrets: &[String]) -> Vec<String> {
    Search::new(secrets).find(bytes)
}

/// The bytes at the end of a long secret that are searched for: wherever the secret is, they are.
/// Those of an id_token are in its signature.
const END: usize = 48;

fn forms(secret: &str) -> Vec<(String, Vec<u8>)> {
    let plain = &secret.as_bytes()[secret.len().saturating_sub(END)..];
    let mut hex = String::new();
    for byte in plain {
        write!(hex, "{byte:02x}").unwrap();
    }
    let mut forms = vec![
        ("plain".to_owned(), plain.to_vec()),
        ("hex".to_owned(), hex.clone().into_bytes()),
        ("upper-case hex".to_owned(), hex.to_uppercase().into_bytes()),
    ];
    for shift in 0..3 {
        // The characters at both ends depend on their neighbours, so they are left out.
        let shifted = [&vec![0; shift], plain].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted).into_bytes();
            let end = text.len() - 2;
            forms.push((
                format!("base64, shifted by {shift}"),
                text[if shift == 0 { 0 } else { 4 }..end].to_vec(),
            ));
        }
    }
    forms
}

#[test]
fn every_form_of_a_secret_is_found() {
    let secret = "klarna_rt_0123456789abcdefghijklmn".to_owned();
    for prefix in ["", "a", "ab", "abc"] {
        let text = format!("{prefix}{secret}tail");
        let base64 = STANDARD_NO_PAD.encode(&text).into_bytes();
        assert!(!find(&base64, std::slice::from_ref(&secret)).is_empty(), "{prefix}");
    }
    let hex: String = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    for text in [format!("x{secret}y"), format!("0{hex}1"), hex.to_lowercase()] {
        assert!(!find(text.as_bytes(), std::slice::from_ref(&secret)).is_empty(), "{text}");
    }
    assert_eq!(find(b"nothing of the kind, klarna_rt_0123", &[secret]), Vec::<String>::new());

    let long = (0..40_u32).map(|number| format!("{number:03}-part.")).collect::<Vec<_>>().concat();
    for prefix in ["", "a", "ab", "abc"] {
        let text = format!("{prefix}{long}tail");
        for bytes in [text.clone().into_bytes(), STANDARD_NO_PAD.encode(&text).into_bytes()] {
            assert!(!find(&bytes, std::slice::from_ref(&long)).is_empty(), "{prefix}");
        }
    }
}
