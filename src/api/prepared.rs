//! Answers that are rendered and compressed once for many callers: those that never change while
//! the process runs, at the first request, and metrics for all who ask at the same time.

use std::io::Write;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::problem::Problem;

/// An answer that is rendered when it is first asked for.
pub(super) type Rendered = LazyLock<Result<Prepared, serde_json::Error>>;

/// An answer in both forms. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    media_type: &'static str,
    plain: Bytes,
    /// `None` if it could not be compressed.
    gzip: Option<Bytes>,
}

impl Prepared {
    /// For an answer that is prepared once for good.
    pub(super) fn new(media_type: &'static str, text: impl Into<Bytes>) -> Self {
        Self::compressed(media_type, text.into(), Compression::best())
    }

    /// For an answer that is soon replaced.
    pub(super) fn quickly(media_type: &'static str, text: impl Into<Bytes>) -> Self {
        Self::compressed(media_type, text.into(), Compression::fast())
    }

    fn compressed(media_type: &'static str, plain: Bytes, level: Compression) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        Self { media_type, gzip: written.ok().map(Bytes::from), plain }
    }
}

impl Prepared {
    /// Returns the answer in the form that the caller accepts.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let media_type = HeaderValue::from_static(self.media_type);
        let vary = (VARY, HeaderValue::from_static("accept-encoding"));
        match &self.gzip {
            Some(gzip) if accepts_gzip(headers) => {
                let encoding = (CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                ([(CONTENT_TYPE, media_type), vary, encoding], gzip.clone()).into_response()
            }
            _ => ([(CONTENT_TYPE, media_type), vary], self.plain.clone()).into_response(),
        }
    }
}

/// Returns the answer in the form that the caller accepts.
pub(super) fn answer(rendered: &'static Rendered, headers: &HeaderMap) -> Result<Response, Problem> {
    let prepared = rendered.as_ref().map_err(|error| {
        tracing::error!(%error, "The API description cannot be rendered");
        Problem::internal()
    })?;
    Ok(prepared.answer(headers))
}

/// Returns whether `Accept-Encoding` names gzip, and not with the weight 0 (RFC 9110 section
/// 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_name_it() {
        let accepts = |value: &str| {
            let header = (ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            accepts_gzip(&HeaderMap::from_iter([header]))
        };
        for yes in ["gzip", "br, gzip", "GZIP;q=0.5", "deflate , gzip ; q=1"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip", "identity"] {
            assert!(!accepts(no), "{no}");
        }
    }
}
