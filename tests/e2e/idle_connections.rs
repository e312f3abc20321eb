//! Connections of callers who send nothing.

use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;
use tokio::net::TcpStream;

const CONNECTIONS: u32 = 1_000;
/// The most bytes of memory that an idle connection may take: with 64 MB for 10,000 of them, 6.4 KB.
const MOST: u64 = 6_000;

both_engines!(connections_that_send_nothing_take_little_memory);

async fn connections_that_send_nothing_take_little_memory(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.sign_in(1).await;
    let served = shop.serve("a");
    let client = served.client();
    let address = served.program.ready["api"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let open = async || {
        let metrics = client.get_text("/metrics").await;
        let line = metrics.lines().find(|line| line.starts_with("klarna_worker_process_open_fds ")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let (before, memory) = (open().await, served.program.memory());
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(TcpStream::connect(&address).await.unwrap());
    }
    until("the connections", Duration::from_mins(1), async || {
        open().await >= before + f64::from(CONNECTIONS)
    })
    .await;
    let more = served.program.memory().saturating_sub(memory);
    assert!(more < u64::from(CONNECTIONS) * MOST, "{more} bytes for {CONNECTIONS} connections");
    // They are served as soon as they send something.
    let first = connections.swap_remove(0);
    first.writable().await.unwrap();
    first.try_write(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = [0; 64];
    first.readable().await.unwrap();
    let read = tokio::io::AsyncReadExt::read(&mut { first }, &mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
    drop(connections);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
