//! A server that misbehaves as ordered, byte by byte, and counts its requests.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one request.
pub struct Step {
    read: bool,
    send: Vec<u8>,
    then: Action,
}

enum Action {
    Keep,
    Close,
    Reset,
    /// Sends nothing more, and keeps the connection until the client leaves.
    Hang,
    /// Sends garbage until the client leaves.
    Flood,
}

impl Step {
    /// Reads the request, sends these bytes and keeps the connection for the next one.
    pub fn answer(bytes: impl Into<Vec<u8>>) -> Self {
        Self { read: true, send: bytes.into(), then: Action::Keep }
    }

    /// Resets the connection when a request begins to arrive, without reading it.
    pub fn reset_unread() -> Self {
        Self { read: false, send: Vec::new(), then: Action::Reset }
    }

    /// Reads the request and resets the connection.
    pub fn reset() -> Self {
        Self { read: true, send: Vec::new(), then: Action::Reset }
    }

    /// Reads the request, sends these bytes and closes.
    pub fn close_after(bytes: impl Into<Vec<u8>>) -> Self {
        Self { read: true, send: bytes.into(), then: Action::Close }
    }

    /// Reads the request, sends these bytes and then nothing more.
    pub fn hang_after(bytes: impl Into<Vec<u8>>) -> Self {
        Self { read: true, send: bytes.into(), then: Action::Hang }
    }

    /// Reads the request, sends these bytes and never ends.
    pub fn flood_after(bytes: impl Into<Vec<u8>>) -> Self {
        Self { read: true, send: bytes.into(), then: Action::Flood }
    }

    /// Sends these bytes without waiting for a request, and then nothing more, as a TLS client sees
    /// at a port without TLS.
    pub fn speak_first(bytes: impl Into<Vec<u8>>) -> Self {
        Self { read: false, send: bytes.into(), then: Action::Hang }
    }
}

/// Returns a whole answer with its length.
pub fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// The same with a body of bytes.
pub fn http_bytes(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The text compressed by gzip.
pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The text compressed by deflate, in zlib's wrapper.
pub fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The running server. It stops when it is dropped.
pub struct FaultyServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<String>>,
    accepting: JoinHandle<()>,
}

impl FaultyServer {
    /// Starts a server that takes one step for each request, on whichever connection. It resets
    /// further requests.
    pub async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let steps = Arc::new(Mutex::new(steps.into_iter().collect::<VecDeque<_>>()));
        let requests = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::default();
        let (counted, opened, noted) = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&seen));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, Arc::clone(&steps), Arc::clone(&counted), Arc::clone(&noted)));
            }
        });
        Self { address, requests, connections, seen, accepting }
    }

    /// Returns the server's base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the same for a client that expects TLS there.
    pub fn https_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns how many requests have begun to arrive.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The last request that was read, head and body.
    pub fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Returns how many connections were opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns a URL at which nothing listens.
pub fn refusing_url() -> String {
    format!("http://127.0.0.1:{}", crate::ports::free())
}

async fn converse(
    mut stream: TcpStream,
    steps: Arc<Mutex<VecDeque<Step>>>,
    requests: Arc<AtomicUsize>,
    seen: Arc<Mutex<String>>,
) {
    while stream.peek(&mut [0]).await.is_ok_and(|length| length > 0) {
        requests.fetch_add(1, Ordering::SeqCst);
        let step = steps.lock().unwrap().pop_front().unwrap_or_else(Step::reset_unread);
        if step.read {
            let request = read_request(&mut stream).await;
            *seen.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
        }
        let sent = stream.write_all(&step.send).await;
        match step.then {
            _ if sent.is_err() => return,
            Action::Keep => {}
            Action::Close => return,
            Action::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Action::Hang => {
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return;
            }
            Action::Flood => {
                while stream.write_all(&[b' '; 8192]).await.is_ok() {}
                return;
            }
        }
    }
}

/// Reads head and body of a request, by its `content-length`.
async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return request;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
            _ => return request,
        }
    }
}
