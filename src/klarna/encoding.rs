//! Decompresses answers. The requests ask for uncompressed answers, but a proxy between Klarna and
//! this service may compress them anyway.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use zeroize::Zeroizing;

/// The first bytes of gzip (RFC 1952 section 2.3.1); no JSON begins with them.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The most layers of compression that are removed.
const MOST_LAYERS: usize = 3;

/// Returns whether a body may be compressed.
pub(crate) fn is_compressed(body: &[u8], headers: &HeaderMap) -> bool {
    body.starts_with(&GZIP) || headers.contains_key(CONTENT_ENCODING)
}

/// Returns the body without gzip or deflate. Gzip is recognised by its first bytes, even if no
/// header names it; deflate by the header. Of a body that breaks off, the readable part is
/// returned. A body in another encoding is returned unchanged. The result is empty if it exceeds
/// `limit` bytes.
pub(crate) fn decompressed(
    mut body: Zeroizing<Vec<u8>>,
    headers: &HeaderMap,
    limit: usize,
) -> Zeroizing<Vec<u8>> {
    for _ in 0..MOST_LAYERS {
        if !body.starts_with(&GZIP) {
            break;
        }
        body = read(MultiGzDecoder::new(&body[..]), limit);
    }
    let encodings = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let is_deflate =
        encodings.flat_map(|list| list.split(',')).any(|name| name.trim().eq_ignore_ascii_case("deflate"));
    // Readable text is not compressed, whatever the header says. Decompressing it would give
    // garbage.
    if is_deflate && std::str::from_utf8(&body).is_err() {
        // RFC 9110 section 8.4.1.2 requires zlib's wrapper, but some servers leave it out.
        let wrapped = read(ZlibDecoder::new(&body[..]), limit);
        let bare = if wrapped.is_empty() { read(DeflateDecoder::new(&body[..]), limit) } else { wrapped };
        if !bare.is_empty() {
            body = bare;
        }
    }
    body
}

/// Returns what can be read before an error; nothing if that is more than `limit` bytes.
fn read(decoder: impl Read, limit: usize) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::new());
    // What was read before an error stays, and the JSON in it says whether that is enough.
    let _ = decoder.take(limit as u64 + 1).read_to_end(&mut plain);
    if plain.len() > limit { Zeroizing::default() } else { plain }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use reqwest::header::HeaderValue;

    use super::*;

    const TEXT: &[u8] = br#"{"refresh_token":"new"}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn plain(body: Vec<u8>, encoding: &'static str) -> Vec<u8> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
        decompressed(Zeroizing::new(body), &headers, 1000).to_vec()
    }

    #[test]
    fn every_form_of_gzip_and_deflate_is_read() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(TEXT).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(TEXT).unwrap();
        let zlib = zlib.finish().unwrap();
        for (body, encoding) in [
            (gzip(TEXT), "gzip"),
            (gzip(TEXT), "X-GZIP"),
            (gzip(TEXT), "identity"),
            (gzip(&gzip(TEXT)), "gzip, gzip"),
            (zlib.clone(), "deflate"),
            (gzip(&zlib), "deflate, gzip"),
            (bare.finish().unwrap(), "Deflate"),
            (TEXT.to_vec(), "gzip"),
            (TEXT.to_vec(), "deflate"),
            (TEXT.to_vec(), "br"),
        ] {
            assert_eq!(plain(body, encoding), TEXT, "{encoding}");
        }
        let whole = gzip(TEXT);
        assert_eq!(plain(whole[..whole.len() - 8].to_vec(), "gzip"), TEXT, "without its check sum");
    }

    #[test]
    fn a_bomb_is_no_answer() {
        assert_eq!(plain(gzip(&[b' '; 1001]), "gzip"), b"");
        assert_eq!(plain(gzip(&[b' '; 1000]), "gzip").len(), 1000);
    }
}
