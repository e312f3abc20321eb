//! Connections of callers who send nothing.

use test_support::engine::{Database, both_engines};
use test_support::shop::Shop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: u32 = 1_000;
/// The most bytes of memory that an idle connection may take: with 64 MB for 10,000 of them, 6.4
/// KB.
const MOST: u64 = 6_000;

both_engines!(connections_that_send_nothing_take_little_memory);

async fn connections_that_send_nothing_take_little_memory(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.sign_in(1).await;
    let served = shop.serve("a");
    let client = served.client();
    let address = served.program.ready["api"].as_str().unwrap().trim_start_matches("http://").to_owned();
    // The first scrape takes memory of its own.
    client.get_text("/metrics").await;
    let memory = served.program.memory();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(TcpStream::connect(&address).await.unwrap());
    }
    // Connections are accepted in their order, so all have been when the last one is served.
    ask(&mut TcpStream::connect(&address).await.unwrap()).await;
    let metrics = client.get_text("/metrics").await;
    let open = metrics.lines().find_map(|line| line.strip_prefix("klarna_worker_process_open_fds ")).unwrap();
    assert!(open.parse::<f64>().unwrap() > f64::from(CONNECTIONS), "{open} open files and connections");
    let more = served.program.memory().saturating_sub(memory);
    assert!(more < u64::from(CONNECTIONS) * MOST, "{more} bytes for {CONNECTIONS} connections");
    // They are served as soon as they send something.
    ask(&mut connections[0]).await;
    drop(connections);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// Sends a request that is answered with 200.
async fn ask(connection: &mut TcpStream) {
    connection.write_all(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    let mut answer = [0; 64];
    let read = connection.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
}
