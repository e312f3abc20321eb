//! `PgBouncer` in transaction mode, before the test's server.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports;
use crate::postgres::is_root;

/// A pooler with the defaults of its package, but for its mode and the size of its pools. Dropping
/// the value stops it.
pub struct Pooler {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one before the server of this URL, for the user of the URL. It runs 20 transactions
    /// at a time.
    pub fn start(server: &str) -> Self {
        Self::start_with(server, 20)
    }

    /// As [`Pooler::start`], with another size of its pools.
    pub fn start_with(server: &str, pool_size: u32) -> Self {
        let server: url::Url = server.parse().unwrap();
        let port = ports::free();
        let folder = tempfile::tempdir().unwrap();
        let (users, settings) = (folder.path().join("users.txt"), folder.path().join("pgbouncer.ini"));
        std::fs::write(&users, format!("\"{}\" \"\"\n", server.username())).unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = trust\nauth_file = {}\nunix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {pool_size}\n",
            server.port().unwrap(),
            users.display()
        );
        std::fs::write(&settings, text).unwrap();
        // It refuses to run as root.
        let mut command = if is_root() {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap();
            assert!(owned.success());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "/usr/sbin/pgbouncer"]);
            command
        } else {
            Command::new("/usr/sbin/pgbouncer")
        };
        let process =
            command.arg("-q").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = process.spawn().expect("run ./test.sh, which installs PgBouncer");
        let pooler = Self { process, port, _folder: folder };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "PgBouncer does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        pooler
    }

    /// The URL of this database through the pooler.
    pub fn url(&self, direct: &str) -> String {
        let mut url: url::Url = direct.parse().unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // By its id, because `runuser` passes signals on and a kill would leave its child.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}
