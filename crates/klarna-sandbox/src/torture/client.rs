//! The client under test: a service that runs, and commands that register a token and submit an
//! order.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How often a command is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How long a service may take to end after SIGTERM.
const ENDING: Duration = Duration::from_secs(10);

/// The commands of the client under test.
pub(super) struct Client {
    pub(super) start: Option<String>,
    pub(super) register: String,
    pub(super) order: String,
    pub(super) log: Option<PathBuf>,
    /// The addresses of the sandbox, for all commands.
    pub(super) addresses: Vec<(&'static str, String)>,
    /// The running service.
    pub(super) service: Option<Running>,
}

/// The input of a command: environment variables, and a line of JSON for its standard input.
pub(super) struct Input {
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) line: Value,
}

/// A command that runs, in a process group of its own. It is killed when this is dropped.
pub(super) struct Running {
    child: Child,
    over: bool,
}

impl Client {
    /// Starts the service, if there is one.
    pub(super) fn start(&mut self) -> io::Result<()> {
        if let Some(start) = &self.start {
            self.service = Some(self.run(start, None)?);
        }
        Ok(())
    }

    /// Starts the command that registers a token.
    pub(super) fn register(&self, input: &Input) -> io::Result<Running> {
        self.run(&self.register, Some(input))
    }

    /// Starts the command that submits an order.
    pub(super) fn order(&self, input: &Input) -> io::Result<Running> {
        self.run(&self.order, Some(input))
    }

    /// Returns whether the service has ended by itself.
    pub(super) fn service_ended(&mut self) -> bool {
        self.service.as_mut().is_some_and(Running::has_ended)
    }

    fn run(&self, text: &str, input: Option<&Input>) -> io::Result<Running> {
        let mut command = shell(text);
        command.envs(self.addresses.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(self.output()?).stderr(self.output()?);
        if let Some(input) = input {
            command.envs(input.variables.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn()?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A command that takes its input from the environment may have closed this already.
            let _ = writeln!(stdin, "{}", input.line);
        }
        Ok(Running { child, over: false })
    }

    fn output(&self) -> io::Result<Stdio> {
        let open = |path| -> io::Result<File> { OpenOptions::new().create(true).append(true).open(path) };
        Ok(self.log.as_ref().map(open).transpose()?.map_or_else(Stdio::null, Stdio::from))
    }
}

impl Running {
    /// Waits for the end, at most until `limit` is over. Then the command is killed, and `None`
    /// returned.
    pub(super) async fn finish(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.over = true;
                return Ok(Some(status));
            }
            if begun.elapsed() >= limit {
                return Ok(None);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.over |= !matches!(self.child.try_wait(), Ok(None));
        self.over
    }

    /// Asks it to end, and waits for that.
    pub(super) async fn terminate(self) -> io::Result<()> {
        signal(&self.child, "TERM");
        self.finish(ENDING).await.map(|_| ())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            signal(&self.child, "KILL");
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(unix)]
fn shell(text: &str) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.arg("-c").arg(text).process_group(0);
    command
}

#[cfg(not(unix))]
fn shell(text: &str) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").arg(text);
    command
}

/// Sends a signal to the command and what it has started.
#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let group = format!("-{}", child.id());
    let sent = Command::new("kill").args([&format!("-{name}"), "--", &group]).stderr(Stdio::null()).status();
    // It fails if the group has ended already.
    drop(sent);
}

#[cfg(not(unix))]
fn signal(_: &Child, _: &str) {}
