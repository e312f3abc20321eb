//! Runs commands as processes, and reads their processor time and memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::BenchError;

/// How long a command may take to print its first line.
const READY: Duration = Duration::from_mins(1);
/// How long a process may take to stop.
const END: Duration = Duration::from_secs(30);

/// A program that is measured. It runs in one folder, without the caller's environment.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    environment: BTreeMap<&'static str, String>,
    /// Arguments of every command.
    always: &'static [&'static str],
}

/// A running command. Dropping it kills the process.
pub struct Process {
    what: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// The process's log file.
    pub log: PathBuf,
    /// The first line of its output.
    pub ready: Value,
    /// The time from its start to that line.
    pub ready_after: Duration,
}

/// What a process has used so far; zero on systems without `/proc`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Processor time.
    pub cpu_ms: u64,
    /// Peak memory.
    pub peak_memory_kb: u64,
    /// The part of the present memory that is pages of files, nearly all of the program itself. All
    /// processes share them, and the system takes them back if it needs memory.
    pub file_memory_kb: u64,
    /// Bytes written to disk.
    pub written_bytes: u64,
}

impl Program {
    pub fn new(path: &Path, folder: &Path) -> Self {
        Self { always: &["--format", "json"], ..Self::another(path, folder) }
    }

    /// Another program than klarna-order-worker.
    pub fn another(path: &Path, folder: &Path) -> Self {
        Self { path: path.to_owned(), folder: folder.to_owned(), environment: BTreeMap::new(), always: &[] }
    }

    /// Sets a variable in the environment of the commands that follow.
    pub fn set(&mut self, variable: &'static str, value: String) {
        self.environment.insert(variable, value);
    }

    /// Starts a command and waits for its first line.
    pub async fn start(&self, arguments: &[&str]) -> Result<Process, BenchError> {
        let what = arguments.first().copied().unwrap_or_default().to_owned();
        let (mut command, log) = self.command(arguments)?;
        let begun = Instant::now();
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(BenchError::io(format!("start `{what}`")))?;
        let failed = || failed(&what, &log);
        let stdout = child.stdout.take().ok_or_else(failed)?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = timeout(READY, stdout.next_line()).await;
        let line = line.ok().and_then(Result::ok).flatten().ok_or_else(failed)?;
        let ready_after = begun.elapsed();
        let ready = serde_json::from_str(&line).map_err(|_| failed())?;
        Ok(Process { what, child, stdout, log, ready, ready_after })
    }

    /// Runs a command to its end. An exit code other than 0 is an error.
    pub async fn run(&self, arguments: &[&str]) -> Result<(), BenchError> {
        let what = arguments.join(" ");
        let (mut command, log) = self.command(arguments)?;
        let status = command.stdout(Stdio::null()).status().await;
        let status = status.map_err(BenchError::io(format!("run `{what}`")))?;
        if status.success() { Ok(()) } else { Err(failed(&what, &log)) }
    }

    /// Prepares a command, with a log file of its own.
    fn command(&self, arguments: &[&str]) -> Result<(Command, PathBuf), BenchError> {
        let name = arguments.first().and_then(|first| Path::new(first).file_stem()).unwrap_or_default();
        let name = name.display();
        let log = self.folder.join(format!("{name}-{}.log", uuid::Uuid::now_v7().simple()));
        let file = File::create(&log).map_err(BenchError::io(format!("write {}", log.display())))?;
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .args(self.always)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(file)
            .kill_on_drop(true);
        Ok((command, log))
    }
}

impl Process {
    /// Returns a text member of its first line of output.
    pub fn said(&self, member: &str) -> String {
        self.ready[member].as_str().unwrap_or_default().to_owned()
    }

    /// Returns what it has used so far.
    pub fn usage(&self) -> Usage {
        self.child.id().map(usage).unwrap_or_default()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|error| self.io(error.into()))?;
        }
        match timeout(END, self.child.wait()).await {
            Ok(ended) => ended.map(drop).map_err(|error| self.io(error)),
            // It did not end in time. Dropping it kills it.
            Err(_) => Ok(()),
        }
    }

    /// Waits for a command that ends by itself. An exit code other than 0 is an error.
    pub async fn end(mut self) -> Result<Usage, BenchError> {
        let mut usage = self.usage();
        while let Ok(Some(_)) = self.stdout.next_line().await {
            usage = self.usage();
        }
        let status = self.child.wait().await.map_err(|error| self.io(error))?;
        if status.success() {
            return Ok(usage);
        }
        Err(failed(&self.what, &self.log))
    }

    fn io(&self, error: std::io::Error) -> BenchError {
        BenchError::Io { doing: format!("end `{}`", self.what), error }
    }
}

fn failed(what: &str, log: &Path) -> BenchError {
    BenchError::Process { what: what.to_owned(), said: end_of(log) }
}

/// The last lines of a log.
fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    if last.is_empty() { "it said nothing".to_owned() } else { last }
}

fn usage(pid: u32) -> Usage {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let field = |text: &str, name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
    };
    // After the command's name, which is in brackets and may contain anything, utime and stime are
    // the 12th and 13th field.
    let stat = read("stat");
    let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    let status = read("status");
    Usage {
        cpu_ms: ticks * 1000 / rustix::param::clock_ticks_per_second().max(1),
        peak_memory_kb: field(&status, "VmHWM:"),
        file_memory_kb: field(&status, "RssFile:"),
        written_bytes: field(&read("io"), "write_bytes:"),
    }
}
