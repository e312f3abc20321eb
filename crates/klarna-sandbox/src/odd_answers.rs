//! Complete answers in an unexpected form: compressed, with a byte-order mark, with odd members.

use std::io::{self, Write};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::Value;

use crate::faults::Failure;

/// Returns the answer in the form that `failure` names; unchanged if it names none.
pub(super) async fn odd_answer(failure: Failure, answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let compressed = |name| (HeaderValue::from_static(name), &whole[..]);
    let written = match failure {
        Failure::Bom => Ok([b"\xef\xbb\xbf", &whole[..]].concat()),
        Failure::Gzip => {
            let (name, whole) = compressed("gzip");
            parts.headers.insert(header::CONTENT_ENCODING, name);
            gzip(whole)
        }
        Failure::Deflate => {
            let (name, whole) = compressed("deflate");
            parts.headers.insert(header::CONTENT_ENCODING, name);
            deflate(whole)
        }
        Failure::NoAccessToken => without_access_token(&whole),
        Failure::OddMembers => Ok(odd(&whole)),
        _ => Ok(whole.to_vec()),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(written.unwrap_or_else(|_| whole.to_vec())))
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn deflate(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn without_access_token(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(json)?;
    if let Some(members) = answer.as_object_mut() {
        members.remove("access_token");
    }
    Ok(serde_json::to_vec(&answer)?)
}

/// Returns the members, after other members with the same names and before members that no client
/// expects.
fn odd(json: &[u8]) -> Vec<u8> {
    let answer: Value = serde_json::from_slice(json).unwrap_or_default();
    let mut text = "{".to_owned();
    for (name, value) in answer.as_object().into_iter().flatten() {
        let written = match (name.as_str(), value) {
            ("error", code) => format!(r#"{{"code":{code}}}"#),
            ("expires_in", seconds) => format!(r#""{seconds}""#),
            // Klarna would hardly send a NUL, but a proxy or plug-in in between might.
            ("html_snippet", Value::String(html)) => Value::from(format!("{html}\0")).to_string(),
            _ => value.to_string(),
        };
        text.extend([r#"""#, name, r#"":0,""#, name, r#"":"#, &written, ","]);
    }
    text.push_str(r#""odd":"\ud800","large":1e999}"#);
    text.into_bytes()
}
