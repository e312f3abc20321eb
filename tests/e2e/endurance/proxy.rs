//! A proxy to the token endpoint that can fall silent: it reads requests and never answers them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes connections on to another address. It stops when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    silent: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn before(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&silent);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // If either side ends, the connection ends.
                drop(tokio::spawn(pass(client, to.clone(), Arc::clone(&heard))));
            }
        });
        Self { address, silent, accepting }
    }

    pub fn fall_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut client: TcpStream, to: String, silent: Arc<AtomicBool>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    let (mut requests, mut answers) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let forth = async {
        let mut bytes = [0; 8192];
        let mut lost = false;
        loop {
            let length = requests.read(&mut bytes).await?;
            if length == 0 {
                return Ok::<_, std::io::Error>(());
            }
            // After a part of a request was lost, the rest is dropped too.
            lost |= silent.load(Ordering::SeqCst);
            if !lost {
                to_server.write_all(&bytes[..length]).await?;
            }
        }
    };
    tokio::select! {
        ended = forth => ended,
        ended = copy(&mut from_server, &mut answers) => ended.map(|_| ()),
    }
}
