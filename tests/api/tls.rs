//! TLS, and certificates of clients, with real clients.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::tls::{Reload, TlsError};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tempfile::TempDir;
use test_support::certificates::{Authority, Issued, Owner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Answer, Api, Limits, SOON, key, send, settings_with};

/// The authority of the service's certificate, and that of the clients'.
struct Fixture {
    api: Api,
    servers: Authority,
    clients: Authority,
    now: DateTime<Utc>,
}

const SCOPES: &str = "scopes = [\"orders\", \"ops\"]";

impl Fixture {
    /// Serves with a certificate for `localhost`. There are a key, and a key for the certificate
    /// `shop.internal`.
    async fn open() -> Self {
        let (servers, clients) = (Authority::new("Servers"), Authority::new("Clients"));
        let now = whole_seconds();
        let folder = tempfile::tempdir().unwrap();
        replace(folder.path(), &servers.certify(&Owner::localhost(now)));
        let by_certificate =
            format!("[[server.api_keys]]\nname = \"shop\"\ncertificate = \"shop.internal\"\n{SCOPES}\n");
        let keys = key("other", "key-of-other", SCOPES) + &by_certificate;
        let api = serve(folder, &clients, &keys).await;
        Self { api, servers, clients, now }
    }

    /// Returns a client that trusts the service's authority.
    fn trusting(&self) -> ClientBuilder {
        let authority = Certificate::from_pem(self.servers.pem.as_bytes()).unwrap();
        let builder = Client::builder().no_proxy().retry(reqwest::retry::never());
        builder.resolve("localhost", self.api.address).tls_certs_only([authority])
    }

    /// Returns a client that shows a certificate.
    fn showing(&self, certificate: &Issued) -> Client {
        let identity = Identity::from_pem((certificate.pem.clone() + &certificate.key).as_bytes()).unwrap();
        self.trusting().identity(identity).build().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.api.address.port())
    }

    async fn get(&self, client: &Client, path: &str) -> Answer {
        send(client.get(self.url(path))).await
    }

    /// Returns whether a client gets no answer at all.
    async fn is_refused(&self, client: &Client) -> bool {
        timeout(SOON, client.get(self.url("/livez")).send()).await.expect("no end in time").is_err()
    }

    fn folder(&self) -> &Path {
        self.api.folder.path()
    }

    async fn reload(&self) -> Reload {
        self.api.tls.as_ref().unwrap().reload().await
    }
}

async fn serve(folder: TempDir, clients: &Authority, keys: &str) -> Api {
    fs::write(folder.path().join("clients.pem"), &clients.pem).unwrap();
    let variable = |setting: &str, file: &str| {
        (format!("KLARNA_WORKER__SERVER__{setting}"), folder.path().join(file).display().to_string())
    };
    let variables = [
        variable("TLS_CERT", "server.pem"),
        variable("TLS_KEY", "server.key"),
        variable("CLIENT_CA", "clients.pem"),
    ];
    let settings = settings_with(None, folder.path(), keys, variables);
    Api::of(settings, folder, Limits { requests: 1000, waits: 1000 }).await
}

/// Writes the service's certificate and key.
fn replace(folder: &Path, issued: &Issued) {
    fs::write(folder.join("server.pem"), &issued.pem).unwrap();
    fs::write(folder.join("server.key"), &issued.key).unwrap();
}

fn whole_seconds() -> DateTime<Utc> {
    DateTime::from_timestamp(Clock::system().now().timestamp(), 0).unwrap()
}

#[tokio::test]
async fn requests_go_over_tls() {
    let fixture = Fixture::open().await;
    let client = fixture.trusting().build().unwrap();
    assert_eq!(fixture.get(&client, "/livez").await.status, 200);
    let request = client.get(fixture.url("/v1/orders"));
    assert_eq!(send(request.bearer_auth("key-of-other")).await.status, 200);
    fixture.get(&client, "/v1/orders").await.problem(401, "unauthorized");

    // A client that does not know the authority, and one without TLS, get nothing.
    let stranger = Client::builder().no_proxy().resolve("localhost", fixture.api.address).tls_certs_only([]);
    assert!(fixture.is_refused(&stranger.build().unwrap()).await);
    let mut plain = TcpStream::connect(fixture.api.address).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(SOON, plain.read_to_end(&mut answer)).await.expect("still open");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_certificate_stands_for_an_api_key() {
    let fixture = Fixture::open().await;
    let certify = |owner: &Owner<'_>| fixture.clients.certify(owner);
    let named = Owner::named("shop.internal", fixture.now);
    let by_dns = Owner { dns: &["other.internal", "shop.internal"], ..Owner::named("a shop", fixture.now) };
    for owner in [&named, &by_dns] {
        let answer = fixture.get(&fixture.showing(&certify(owner)), "/v1/orders").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // Its scopes are those of its key.
    let client = fixture.showing(&certify(&named));
    fixture.get(&client, "/v1/merchants/shop/users").await.problem(403, "forbidden");
    // A name that no key has, and no certificate.
    let unknown = fixture.showing(&certify(&Owner::named("shop", fixture.now)));
    let refused = fixture.get(&unknown, "/v1/orders").await.problem(401, "unauthorized");
    assert!(refused["detail"].as_str().unwrap().contains("certificate"), "{refused}");
    // A key in the header counts, whatever the certificate.
    let request = |key| client.get(fixture.url("/v1/orders")).bearer_auth(key);
    assert_eq!(send(request("key-of-other")).await.status, 200);
    send(request("key-of-nobody")).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn certificates_of_other_authorities_and_of_other_times_are_refused() {
    let fixture = Fixture::open().await;
    let named = Owner::named("shop.internal", fixture.now);
    // Of another authority with the same name, and of the service's own authority.
    for authority in [&Authority::new("Clients"), &fixture.servers] {
        assert!(fixture.is_refused(&fixture.showing(&authority.certify(&named))).await);
    }
    let day = TimeDelta::days(1);
    let expired = Owner { not_before: fixture.now - day * 2, not_after: fixture.now - day, ..named };
    assert!(fixture.is_refused(&fixture.showing(&fixture.clients.certify(&expired))).await);
    let future = Owner { not_before: fixture.now + day, not_after: fixture.now + day * 2, ..expired };
    assert!(fixture.is_refused(&fixture.showing(&fixture.clients.certify(&future))).await);
}

#[tokio::test]
async fn a_certificate_that_expires_ends_with_its_connections() {
    let fixture = Fixture::open().await;
    let client = fixture.showing(&fixture.clients.certify(&Owner::named("shop.internal", fixture.now)));
    assert_eq!(fixture.get(&client, "/v1/orders").await.status, 200);
    fixture.api.clock.advance(std::time::Duration::from_hours(25));
    // The connection is still open.
    let refused = fixture.get(&client, "/v1/orders").await.problem(401, "unauthorized");
    assert!(refused["detail"].as_str().unwrap().contains("not valid any more"), "{refused}");
    // A new one is refused.
    let client = fixture.showing(&fixture.clients.certify(&Owner::named("shop.internal", fixture.now)));
    assert!(fixture.is_refused(&client).await);
}

#[tokio::test]
async fn a_certificate_of_the_service_that_has_expired_is_served_and_refused_by_clients() {
    let (servers, now, day) = (Authority::new("Servers"), whole_seconds(), TimeDelta::days(1));
    let folder = tempfile::tempdir().unwrap();
    let expired = Owner { not_before: now - day * 2, not_after: now - day, ..Owner::localhost(now) };
    replace(folder.path(), &servers.certify(&expired));
    let clients = Authority::new("Clients");
    let api = serve(folder, &clients, &key("other", "key-of-other", SCOPES)).await;
    let fixture = Fixture { api, servers, clients, now };
    let client = fixture.trusting().build().unwrap();
    assert!(fixture.is_refused(&client).await);
    // It is mended without a restart.
    replace(fixture.folder(), &fixture.servers.certify(&Owner::localhost(now)));
    assert!(matches!(fixture.reload().await, Reload::Replaced));
    assert_eq!(fixture.get(&client, "/livez").await.status, 200);
}

#[tokio::test]
async fn files_are_replaced_without_a_restart() {
    let mut fixture = Fixture::open().await;
    let (before, folder) = (fixture.trusting().build().unwrap(), fixture.folder().to_owned());
    assert_eq!(fixture.get(&before, "/livez").await.status, 200);
    assert!(matches!(fixture.reload().await, Reload::Unchanged));

    let old = fixture.servers;
    fixture.servers = Authority::new("New servers");
    let renewed = fixture.servers.certify(&Owner::localhost(fixture.now));
    // One file after the other: what does not fit is not used.
    fs::write(folder.join("server.pem"), &renewed.pem).unwrap();
    assert!(matches!(fixture.reload().await, Reload::Failed(TlsError::OtherKey)));
    let after = fixture.trusting().build().unwrap();
    assert!(fixture.is_refused(&after).await, "the former certificate is still used");
    fs::write(folder.join("server.key"), &renewed.key).unwrap();
    assert!(matches!(fixture.reload().await, Reload::Replaced));
    assert!(matches!(fixture.reload().await, Reload::Unchanged));
    assert_eq!(fixture.get(&after, "/livez").await.status, 200);
    // A connection that is open goes on; a new one of the same client does not.
    assert_eq!(fixture.get(&before, "/livez").await.status, 200);
    fixture.servers = old;
    assert!(fixture.is_refused(&fixture.trusting().build().unwrap()).await);
    fixture.servers = Authority::new("Newest servers");

    // What cannot be used changes nothing: no PEM, no file, the key of another, a time that is
    // over.
    let day = TimeDelta::days(1);
    let over = Owner {
        not_before: fixture.now - day * 2,
        not_after: fixture.now - day,
        ..Owner::localhost(fixture.now)
    };
    let (good, over) =
        (fixture.servers.certify(&Owner::localhost(fixture.now)), fixture.servers.certify(&over));
    for (certificate, key) in
        [("", &*good.key), (&good.pem, "-"), (&good.pem, &over.key), (&over.pem, &over.key)]
    {
        fs::write(folder.join("server.pem"), certificate).unwrap();
        fs::write(folder.join("server.key"), key).unwrap();
        assert!(matches!(fixture.reload().await, Reload::Failed(_)), "{certificate}");
    }
    fs::remove_file(folder.join("server.key")).unwrap();
    let Reload::Failed(error) = fixture.reload().await else { panic!("a missing file was used") };
    assert!(error.to_string().starts_with("server.tls_key: the file "), "{error}");
    assert_eq!(fixture.get(&after, "/livez").await.status, 200);

    // Authorities of clients too.
    replace(&folder, &good);
    let others = Authority::new("Other clients");
    fs::write(folder.join("clients.pem"), &others.pem).unwrap();
    assert!(matches!(fixture.reload().await, Reload::Replaced));
    let named = Owner::named("shop.internal", fixture.now);
    assert!(fixture.is_refused(&fixture.showing(&fixture.clients.certify(&named))).await);
    assert_eq!(fixture.get(&fixture.showing(&others.certify(&named)), "/v1/orders").await.status, 200);
}
