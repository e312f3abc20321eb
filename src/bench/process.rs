//! The program's own commands as processes of their own: started, watched, stopped.

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

use super::BenchError;

/// The longest that a command may take to say that it is ready.
const READY: Duration = Duration::from_mins(1);
/// How long one has to end.
const END: Duration = Duration::from_secs(30);

/// A command at work; killed where it is dropped.
pub(super) struct Process {
    what: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Where it logs.
    pub(super) log: PathBuf,
    /// What it printed first.
    pub(super) ready: Value,
    /// From its start to that.
    pub(super) ready_after: Duration,
}

/// What a process has used so far. Zero where the system has no `/proc`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Processor time.
    pub cpu_ms: u64,
    /// The most memory that it ever had.
    pub peak_memory_kb: u64,
    /// Bytes written to disk.
    pub written_bytes: u64,
}

impl Process {
    /// Starts this program with `arguments` and waits for its first line. Nothing of the caller's environment reaches it
    /// but what is in `environment`.
    pub(super) async fn start(
        folder: &Path,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, BenchError> {
        let what = arguments.first().copied().unwrap_or_default().to_owned();
        let program = std::env::current_exe().map_err(BenchError::io("find this program"))?;
        let log = folder.join(format!("{what}-{}.log", uuid::Uuid::now_v7().simple()));
        let file = File::create(&log).map_err(BenchError::io(format!("write {}", log.display())))?;
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--format", "json"])
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(BenchError::io(format!("start `{what}`")))?;
        let failed = |log: &Path| BenchError::Process { what: what.clone(), said: end_of(log) };
        let stdout = child.stdout.take().ok_or_else(|| failed(&log))?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = timeout(READY, stdout.next_line()).await;
        let line = line.ok().and_then(Result::ok).flatten().ok_or_else(|| failed(&log))?;
        let ready_after = begun.elapsed();
        let ready = serde_json::from_str(&line).map_err(|_| failed(&log))?;
        Ok(Self { what, child, stdout, log, ready, ready_after })
    }

    /// A member of what it printed first.
    pub(super) fn said(&self, member: &str) -> String {
        self.ready[member].as_str().unwrap_or_default().to_owned()
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> Usage {
        self.child.id().map(usage).unwrap_or_default()
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|error| self.io(error.into()))?;
        }
        match timeout(END, self.child.wait()).await {
            Ok(ended) => ended.map(drop).map_err(|error| self.io(error)),
            // Dropped, it is killed.
            Err(_) => Ok(()),
        }
    }

    /// Waits for one that ends by itself; an exit code of failure is an error.
    pub(super) async fn end(mut self) -> Result<Usage, BenchError> {
        let mut usage = self.usage();
        while let Ok(Some(_)) = self.stdout.next_line().await {
            usage = self.usage();
        }
        let status = self.child.wait().await.map_err(|error| self.io(error))?;
        if status.success() {
            return Ok(usage);
        }
        Err(BenchError::Process { what: self.what, said: end_of(&self.log) })
    }

    fn io(&self, error: std::io::Error) -> BenchError {
        BenchError::Io { doing: format!("end `{}`", self.what), error }
    }
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
    // Behind the command's name, which may hold anything, in brackets: utime and stime are the 12th and 13th.
    let stat = read("stat");
    let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Usage {
        cpu_ms: ticks * 1000 / rustix::param::clock_ticks_per_second().max(1),
        peak_memory_kb: field(&read("status"), "VmHWM:"),
        written_bytes: field(&read("io"), "write_bytes:"),
    }
}
