//! Entry points for the fuzz targets: bytes from outside, given to the code that reads them.
//! Nothing here may panic.

use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use clap::ValueEnum as _;
use jsonwebtoken::decode_header;
use secrecy::SecretString;

use crate::cli::lines::Lines;
use crate::cli::tokens::record::Reader;
use crate::cli::tokens::systems::{NotRegistered, System, SystemReader};
use crate::config::{ConfigError, LongestPauses, Merchant, Settings};
use crate::klarna::create::{Call, CreateAnswer, classify};
use crate::klarna::discovery::{self, OpenIdDocument};
use crate::klarna::encoding;
use crate::klarna::http::Reply;
use crate::klarna::pauses::retry_after;
use crate::klarna::redact::Redactor;
use crate::klarna::revoke::{self, Revoked};
use crate::klarna::session::{self, SessionAnswer};
use crate::order::Target;
use crate::token::claims::Claims;
use crate::token::{Answer, answer};
use crate::vault::identity::{Payload, jwks, signed_payload, validation};
use crate::vault::instance::Spool;

/// Reads bytes as an HTTP answer: two for the status, a line for `Retry-After`, and the body.
fn http_answer(bytes: &[u8]) -> Option<(StatusCode, HeaderMap, &[u8])> {
    let ([high, low], rest) = bytes.split_first_chunk()?;
    let status = StatusCode::from_u16(100 + u16::from_be_bytes([*high, *low]) % 500).ok()?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let mut headers = HeaderMap::new();
    if let Ok(wait) = HeaderValue::from_bytes(&rest[..end]) {
        headers.insert("retry-after", wait.clone());
        headers.insert("x-ratelimit-reset", wait.clone());
        headers.insert("klarna-correlation-id", wait);
    }
    Some((status, headers, &rest[end + 1..]))
}

/// Reads an answer of the token endpoint to the token `sent`.
pub fn token_answer(bytes: &[u8], sent: &SecretString) -> Option<Answer> {
    let (status, headers, body) = http_answer(bytes)?;
    let wait = retry_after(&headers, LongestPauses::default().asked);
    Some(answer::read(status.as_u16(), wait, body, sent))
}

/// Reads an answer of a target's create call to the order `sent`.
pub fn create_answer(bytes: &[u8], target: Target, merchant: &Merchant, sent: &str) -> Option<CreateAnswer> {
    let (status, headers, body) = http_answer(bytes)?;
    let longest_pause = merchant.longest_pauses.asked;
    Some(classify(Call::of(target), status, &headers, body, longest_pause, || {
        Redactor::new(merchant, sent.as_bytes())
    }))
}

/// Reads an answer of a target about an order or session, whose new body was `sent`.
pub fn session_answer(
    bytes: &[u8],
    target: Target,
    merchant: &Merchant,
    sent: &str,
) -> Option<SessionAnswer> {
    let redactor = || Redactor::new(merchant, sent.as_bytes());
    Some(session::read(Call::of(target), &reply(bytes)?, merchant.longest_pauses.asked, redactor))
}

/// Reads an answer of the revocation endpoint.
pub fn revocation_answer(bytes: &[u8]) -> Option<Revoked> {
    Some(revoke::read(&reply(bytes)?, LongestPauses::default().asked))
}

fn reply(bytes: &[u8]) -> Option<Reply> {
    let (status, headers, body) = http_answer(bytes)?;
    Some(Reply { status, headers, body: body.to_vec().into() })
}

/// Returns the body of an answer without compression: a line for `Content-Encoding`, and the body.
pub fn decompressed(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let encoding = HeaderValue::from_bytes(&bytes[..end]).ok()?;
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding)]);
    Some(encoding::decompressed(bytes[end + 1..].to_vec().into(), &headers, limit).to_vec())
}

/// Reads the settings in a text and in variables.
///
/// # Errors
/// What is wrong with them.
pub fn settings(text: &str, variables: Vec<(String, String)>) -> Result<Settings, ConfigError> {
    Settings::parse("settings", text, variables.into_iter())
}

/// Reads the payload of an `id_token` as if its signature were valid.
pub fn id_token_payload(bytes: &[u8]) -> Option<Claims> {
    serde_json::from_slice::<Payload>(bytes).ok().map(Payload::into_claims)
}

/// Returns how many keys of a key set are usable.
pub fn key_set(bytes: &[u8]) -> usize {
    jwks::parse(bytes).map_or(0, |keys| keys.len())
}

/// Verifies an `id_token` with the key set of its issuer.
pub fn id_token(token: &str, key_set: &[u8], merchant: &Merchant) -> Option<Claims> {
    let header = decode_header(token).ok()?;
    let keys = jwks::parse(key_set)?;
    signed_payload(token, &keys, &validation(merchant, header.alg)).ok().map(Payload::into_claims)
}

/// Returns whether a spool file can be replayed.
pub fn spool_file(bytes: &[u8], spool: &Spool) -> bool {
    spool.open_file(bytes).is_ok()
}

/// Returns whether a spool file with this record can be replayed.
pub fn spool_record(bytes: &[u8], spool: &Spool) -> bool {
    spool.file_of(bytes).is_ok_and(|file| spool.open_file(&file).is_ok())
}

/// Reads the lines of an import. Returns how many are tokens, and what is wrong with the others.
pub fn import_lines(bytes: &[u8]) -> (usize, Vec<String>) {
    let (mut tokens, mut wrong) = (0, Vec::new());
    let mut reader = None;
    for line in Lines::new(std::io::Cursor::new(bytes.to_vec()), "input", None).flatten() {
        let text = match line.text {
            Ok(text) => text,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let read = match &reader {
            None => match Reader::new(None, &text) {
                Ok((found, used_up)) => {
                    let first = (!used_up).then(|| found.read(&text));
                    reader = Some(found);
                    first
                }
                Err(error) => Some(Err(error)),
            },
            Some(reader) => Some(reader.read(&text)),
        };
        match read {
            Some(Ok(_)) => tokens += 1,
            Some(Err(error)) => wrong.push(error),
            None => {}
        }
    }
    (tokens, wrong)
}

/// Reads an input as the export of each other system. Returns how many lines are tokens, and what
/// is wrong with the others.
pub fn exports(bytes: &[u8]) -> Vec<(usize, Vec<String>)> {
    let systems = System::value_variants().iter().map(|system| {
        let mut reader = SystemReader::new(*system, "shop".into());
        for line in Lines::new(std::io::Cursor::new(bytes.to_vec()), "input", None).flatten() {
            if reader.line(&line).is_err() {
                break;
            }
        }
        let (mut tokens, mut wrong) = (0, Vec::new());
        for (_, read) in reader.end() {
            match read {
                Ok(_) => tokens += 1,
                Err(NotRegistered::Wrong(told)) => wrong.push(told),
                Err(NotRegistered::Older) => {}
            }
        }
        (tokens, wrong)
    });
    systems.collect()
}

/// Reads an OpenID document.
pub fn openid_document(bytes: &[u8]) -> Option<OpenIdDocument> {
    discovery::parse(bytes)
}
