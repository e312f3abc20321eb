//! A PostgreSQL server for one test, which can be stopped and started.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::engine::Database;
use crate::ports;
use crate::postgres::{is_root, programs};

/// A server in a temporary folder. Dropping the value removes it.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Whether the server's clock is the test's.
    has_clock: bool,
}

/// What makes a program read another clock; Debian's package `libfaketime`.
const FAKETIME: &str = "libfaketime.so.1";

impl Cluster {
    /// Creates a server and starts it.
    pub fn start() -> Self {
        Self::start_by(false, &[])
    }

    /// As [`Cluster::start`], with these files in its data folder, such as `pg_hba.conf`; the
    /// settings that are to be read last are in `postgresql.auto.conf`.
    pub fn start_with_files(files: &[(&str, &str)]) -> Self {
        Self::start_by(false, files)
    }

    /// As [`Cluster::start`]; [`Cluster::step_clock`] moves the server's clock.
    pub fn start_with_clock() -> Self {
        Self::start_by(true, &[])
    }

    fn start_by(has_clock: bool, files: &[(&str, &str)]) -> Self {
        let cluster = Self::placed(has_clock);
        let mut init = as_owner(cluster.programs.join("initdb"));
        init.arg("-D").arg(cluster.data()).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]);
        run(&mut init);
        for (name, text) in files {
            let mut write = as_owner("sh");
            write
                .args(["-c", r#"umask 077; printf '%s' "$1" >"$2""#, "sh", *text])
                .arg(cluster.data().join(name));
            run(&mut write);
        }
        if has_clock {
            cluster.step_clock("+0");
        }
        cluster.up();
        cluster
    }

    /// Creates a hot standby of this server and starts it. It follows this server.
    #[must_use]
    pub fn standby(&self) -> Self {
        let standby = Self::placed(false);
        let mut copy = as_owner(standby.programs.join("pg_basebackup"));
        copy.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-R",
            "-c",
            "fast",
            "-D",
        ]);
        run(copy.arg(standby.data()));
        standby.up();
        standby
    }

    /// A folder and a port for a server.
    fn placed(has_clock: bool) -> Self {
        let programs = programs();
        let made = as_owner("mktemp").args(["-d", "/tmp/klarna-worker-e2e.XXXXXX"]).output().unwrap();
        let folder = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim());
        let port = ports::free();
        Self { programs, folder, port, has_clock }
    }

    /// Puts the server's clock so far from the machine's: `+15s`, `-1h`, `+1d`.
    pub fn step_clock(&self, offset: &str) {
        let mut write = as_owner("sh");
        // Renamed, so that nobody reads half of it.
        let script = r#"printf '%s' "$1" >"$2.new" && mv "$2.new" "$2""#;
        run(write.args(["-c", script, "sh", offset]).arg(self.clock()));
    }

    fn clock(&self) -> PathBuf {
        self.folder.join("clock")
    }

    /// Starts the server, and waits until it answers.
    pub fn up(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1,::1 -c unix_socket_directories='{}' -c max_connections=200",
            self.port,
            self.folder.display()
        );
        run(self.control().arg("-l").arg(self.folder.join("log")).args(["-w", "-o", &options, "start"]));
    }

    /// Stops the server at once, with all its connections.
    pub fn down(&self) {
        run(self.control().args(["-m", "immediate", "-w", "stop"]));
    }

    /// Stops the server in order, and starts it as a standby, as after a failover to it.
    pub fn become_standby(&self) {
        run(self.control().args(["-m", "fast", "-w", "stop"]));
        run(as_owner("touch").arg(self.data().join("standby.signal")));
        self.up();
    }

    /// Makes the primary of a standby.
    pub fn promote(&self) {
        run(self.control().args(["-w", "promote"]));
    }

    /// Returns its database.
    pub fn database(&self) -> Database {
        Database::Postgres { url: format!("postgres://postgres@127.0.0.1:{}/postgres", self.port) }
    }

    /// Its port, also of its socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The lines of its log.
    pub fn log(&self) -> Vec<String> {
        let log = std::fs::read(self.folder.join("log")).unwrap();
        String::from_utf8_lossy(&log).lines().map(str::to_owned).collect()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn control(&self) -> Command {
        let mut control = if self.has_clock {
            let mut control = as_owner("env");
            let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
            let library = folders.map(|folder| PathBuf::from(folder).join("faketime").join(FAKETIME));
            let library = library
                .into_iter()
                .find(|path| path.exists())
                .expect("run ./test.sh, which installs libfaketime");
            control
                .arg(format!("LD_PRELOAD={}", library.display()))
                .arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.clock().display()))
                .args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_RESET=1"])
                .arg(self.programs.join("pg_ctl"));
            control
        } else {
            as_owner(self.programs.join("pg_ctl"))
        };
        control.arg("-D").arg(self.data());
        control
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.control().args(["-m", "immediate", "-w", "stop"]).stdout(Stdio::null()).status();
        let _ = as_owner("rm").arg("-rf").arg(&self.folder).status();
    }
}

fn run(command: &mut Command) {
    // A pipe would be inherited by the server, and stay open as long as the server runs.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// Returns a command that runs as a user who may run PostgreSQL, because root may not.
fn as_owner(program: impl AsRef<OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
    command
}
