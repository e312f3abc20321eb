use axum::extract::Extension;
use axum::routing::get;
use tempfile::TempDir;
use test_support::certificates::{Authority, Owner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::clock::Clock;
use crate::tls::TlsFiles;

const SOON: Duration = Duration::from_mins(1);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Long enough for a whole head on a busy machine.
const SHORT: Timeouts =
    Timeouts { head: Duration::from_millis(1500), write_stall: Duration::from_millis(200) };

async fn served(most: usize, router: Router, timeouts: Timeouts) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Service { router, tls: None, timeouts };
    let server = serve_within(listener, service, most, std::future::pending(), Duration::ZERO);
    (address, tokio::spawn(server))
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// What comes until the server closes the connection.
async fn rest(connection: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A connection that is cut off may also be reset.
    let _ = timeout(SOON, connection.read_to_end(&mut text)).await.expect("still open");
    String::from_utf8(text).unwrap()
}

/// Sends a request, and waits for the end of its answer.
async fn asked(connection: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    if connection.write_all(REQUEST).await.is_err() {
        return false;
    }
    while !answer.ends_with(b"hello") {
        match timeout(SOON, connection.read_buf(&mut answer)).await.expect("no answer") {
            Ok(1..) => {}
            _ => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_caller_that_takes_nothing_of_its_answer_is_let_go() {
    let router = Router::new().route("/", get(|| async { vec![0_u8; 64 << 20] }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    caller.write_all(REQUEST).await.unwrap();
    let (_stop, stopping) = watch::channel(false);
    let (stream, peer) = listener.accept().await.unwrap();
    // It ends by itself, although the caller stays connected and reads nothing.
    let service = Service { router, tls: None, timeouts: SHORT };
    converse(stream, peer, service, stopping, Arc::default()).await;
    let mut taken = Vec::new();
    let _ = caller.read_to_end(&mut taken).await;
    assert!(taken.len() < 64 << 20, "all was written");
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() {
    let (address, server) = served(100, hello(), SHORT).await;
    // Nothing; half a head; half of the second head; a second head that comes byte by byte.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(&REQUEST[..20]).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(asked(&mut second).await);
    second.write_all(&REQUEST[..20]).await.unwrap();
    let mut dripping = TcpStream::connect(address).await.unwrap();
    assert!(asked(&mut dripping).await);
    let drip = async {
        while dripping.write_all(b"G").await.is_ok() {
            sleep(SHORT.head / 20).await;
        }
    };
    timeout(SOON, drip).await.expect("still read");
    for connection in [&mut silent, &mut half, &mut second] {
        assert_eq!(rest(connection).await, "");
    }
    // Between two requests, a connection is kept.
    let mut patient = TcpStream::connect(address).await.unwrap();
    assert!(asked(&mut patient).await);
    sleep(SHORT.head * 2).await;
    assert!(asked(&mut patient).await);
    server.abort();
}

#[tokio::test]
async fn a_head_takes_at_most_twenty_kilobytes() {
    let (address, server) = served(100, hello(), TIMEOUTS).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = [&REQUEST[..REQUEST.len() - 2], b"X-Long: ", "x".repeat(BUFFER).as_bytes()].concat();
    connection.write_all(&head).await.unwrap();
    let answer = rest(&mut connection).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "refused before the head has ended: {answer}");
    server.abort();
}

#[tokio::test]
async fn strangers_give_way_to_others() {
    let keyed = |Extension(connection): Extension<Arc<Connection>>| async move {
        connection.set_known();
        "hello"
    };
    let router = hello().route("/keyed", get(keyed));
    let (address, server) = served(3, router, TIMEOUTS).await;
    let mut known = TcpStream::connect(address).await.unwrap();
    known.write_all(b"GET /keyed HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        timeout(SOON, known.read_buf(&mut answer)).await.expect("no answer").unwrap();
    }
    let mut strangers = Vec::new();
    for _ in 0..2 {
        strangers.push(TcpStream::connect(address).await.unwrap());
        assert!(asked(strangers.last_mut().unwrap()).await);
    }
    // The server is full. Whoever comes next is served, and the oldest stranger goes.
    let mut next = TcpStream::connect(address).await.unwrap();
    assert!(asked(&mut next).await);
    assert_eq!(rest(&mut strangers[0]).await, "");
    assert!(asked(&mut strangers[1]).await);
    for _ in 0..5 {
        let mut another = TcpStream::connect(address).await.unwrap();
        assert!(asked(&mut another).await);
        strangers.push(another);
    }
    // The one with a key has stayed.
    assert!(asked(&mut known).await);
    server.abort();
}

/// A service with TLS, and a client that trusts it.
struct Encrypted {
    _folder: TempDir,
    tls: TlsServer,
    connector: TlsConnector,
}

impl Encrypted {
    async fn new() -> Self {
        let (authority, clock, folder) =
            (Authority::new("Servers"), Clock::system(), tempfile::tempdir().unwrap());
        let issued = authority.certify(&Owner::localhost(clock.now()));
        let [certificate, key] = ["server.pem", "server.key"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, issued.pem).unwrap();
        std::fs::write(&key, issued.key).unwrap();
        let tls = TlsServer::open(TlsFiles { certificate, key, client_ca: None }, clock).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let client = client.with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        Self { _folder: folder, tls, connector: TlsConnector::from(Arc::new(client)) }
    }

    async fn served(&self, most: usize, timeouts: Timeouts) -> (SocketAddr, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Service { router: hello(), tls: Some(self.tls.clone()), timeouts };
        let server = serve_within(listener, service, most, std::future::pending(), Duration::ZERO);
        (address, tokio::spawn(server))
    }

    async fn connect(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        timeout(SOON, self.connector.connect(name, stream)).await.expect("no handshake").unwrap()
    }
}

/// The head of a record with 512 bytes of a handshake, which then do not come.
const HALF_HANDSHAKE: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_its_connection() {
    let encrypted = Encrypted::new().await;
    let (address, server) = encrypted.served(100, SHORT).await;
    // Nothing; the first bytes; bytes that come one by one; a whole handshake, and no head.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(HALF_HANDSHAKE).await.unwrap();
    let mut dripping = TcpStream::connect(address).await.unwrap();
    dripping.write_all(HALF_HANDSHAKE).await.unwrap();
    let mut idle = encrypted.connect(address).await;
    let drip = async {
        while dripping.write_all(&[0]).await.is_ok() {
            sleep(SHORT.head / 20).await;
        }
    };
    timeout(SOON, drip).await.expect("still read");
    for connection in [&mut silent, &mut half] {
        assert_eq!(rest(connection).await, "");
    }
    let _ = timeout(SOON, idle.read_to_end(&mut Vec::new())).await.expect("still open");
    server.abort();
}

#[tokio::test]
async fn strangers_in_a_handshake_give_way_to_others() {
    let encrypted = Encrypted::new().await;
    let (address, server) = encrypted.served(3, TIMEOUTS).await;
    let mut strangers = Vec::new();
    for _ in 0..3 {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(HALF_HANDSHAKE).await.unwrap();
        strangers.push(stranger);
    }
    let mut next = encrypted.connect(address).await;
    next.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let read = timeout(SOON, next.read_buf(&mut answer)).await.expect("no answer");
        assert_ne!(read.unwrap(), 0, "closed");
    }
    assert_eq!(rest(&mut strangers[0]).await, "");
    server.abort();
}
