//! Runs the program in a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A long-running command that is ready.
pub struct Program {
    child: Child,
    /// The JSON line that it printed when it was ready.
    pub ready: Value,
}

impl Program {
    /// Starts a command in `folder`, appends its log to `folder/NAME.log`, and waits for its JSON
    /// line.
    pub fn start(folder: &Path, name: &str, args: &[&str]) -> Self {
        Self::start_with(folder, name, args, &[])
    }

    /// Like [`Program::start`], with environment variables.
    pub fn start_with(folder: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_build(Build::Own, folder, name, args, env)
    }

    /// Like [`Program::start_with`], with one of the builds.
    pub fn start_build(build: Build, folder: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let log = folder.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = build.command(folder);
        command.args(["--format", "json"]).args(args).envs(env.iter().copied()).stderr(log);
        Self::spawned(folder, name, command)
    }

    /// As [`Program::start_with`], its standard error a pipe that nobody reads.
    pub fn start_unread(folder: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = command(folder);
        command.args(["--format", "json"]).args(args).envs(env.iter().copied()).stderr(Stdio::piped());
        Self::spawned(folder, name, command)
    }

    fn spawned(folder: &Path, name: &str, mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let status = child.wait().unwrap();
            let log = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default();
            panic!("{name} did not start ({status}): {log}");
        }
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }

    /// Waits until it ends by itself.
    pub async fn end(mut self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Returns how many bytes of memory it uses.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Returns whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A build of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The tested one. `KLARNA_WORKER_TEST_PROGRAM` names another build of it, for example a
    /// release build for measurements.
    Own,
    /// An earlier release, which `KLARNA_WORKER_TEST_OLD_PROGRAM` names; otherwise the tested one.
    Old,
}

impl Build {
    /// Returns whether an earlier release is named.
    pub fn has_old() -> bool {
        std::env::var_os("KLARNA_WORKER_TEST_OLD_PROGRAM").is_some()
    }

    /// Returns a command that runs the program in `folder`, without variables of the caller that
    /// could change its settings.
    pub fn command(self, folder: &Path) -> Command {
        let old = (self == Self::Old).then(|| std::env::var_os("KLARNA_WORKER_TEST_OLD_PROGRAM")).flatten();
        let own = || std::env::var_os("KLARNA_WORKER_TEST_PROGRAM").map_or_else(built, PathBuf::from);
        bare(&old.map_or_else(own, PathBuf::from), folder)
    }
}

/// Returns a command for the tested program; see [`Build::command`].
pub fn command(folder: &Path) -> Command {
    Build::Own.command(folder)
}

/// Returns the program that Cargo built for this test, in the folder above that of the tests'
/// executables.
///
/// # Panics
/// If it does not exist: a test in another package than the program's has to be run with
/// `--workspace`.
#[must_use]
pub fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let folder = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = folder.join(format!("klarna-order-worker{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built", program.display());
    program
}

fn bare(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if ["KLARNA_WORKER_", "OTEL_"].into_iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("KLARNA_WORKER_LOG", "debug");
    command
}

/// How long a command may take that must end by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a command that must end by itself, such as a start that is refused. It is killed after a
/// minute.
///
/// # Panics
/// If it has not ended by then.
pub fn output(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let id = child.id().to_string();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    end.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
        panic!("has not ended within {PATIENCE:?}: {command:?}")
    })
}

/// Checks again and again until `found` returns `true`, for at most `patience`.
pub async fn until(what: &str, patience: Duration, mut found: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + patience;
    while !found().await {
        assert!(tokio::time::Instant::now() < end, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
