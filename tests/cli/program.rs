//! Running the program.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use test_support::postgres::TestDatabase;

/// Returns an order of `examples/orders.jsonl` by its line number, from 1.
pub fn example(line: usize) -> &'static str {
    EXAMPLES.lines().nth(line - 1).unwrap()
}

pub const EXAMPLES: &str = include_str!("../../examples/orders.jsonl");

/// A folder with settings. They name SQLite unless a test names another database.
pub struct Home {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

pub const SETTINGS: &str = r#"
installation = "test"
[server]
bind = "127.0.0.1:0"
[merchants.shop]
region = "eu"
environment = "playground"
client_id = "client"
checkout_provider = "klarna"
api_username = "user"
api_password = "pass"
"#;

impl Home {
    pub fn new() -> Self {
        let home = Self::empty();
        home.write("config.toml", SETTINGS);
        home
    }

    /// A folder without settings.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// A folder with settings for this PostgreSQL database, which is migrated, and a new encryption
    /// key.
    pub fn on_postgres(database: &TestDatabase) -> Self {
        let home = Self::new()
            .with("KLARNA_WORKER__DATABASE__URL", database.url())
            .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
        home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
        home.run(&["migrate"]).exits(0);
        home
    }

    /// Adds `variable` to the environment of each command.
    pub fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that nobody else can read, because it may have a secret.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_klarna-order-worker").as_ref(), arguments)
    }

    fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_remove("KLARNA_WORKER_LOG");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs one of the package's examples, which Cargo builds for a test run that names no targets.
    pub fn run_example(&self, name: &str, arguments: &[&str]) -> Ran {
        let folder = Path::new(env!("CARGO_BIN_EXE_klarna-order-worker")).with_file_name("examples");
        let example = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        assert!(example.is_file(), "{} is not built: cargo build --examples", example.display());
        self.command_of(&example, arguments).output().unwrap().into()
    }

    /// Runs a command with `input` on its standard input.
    pub fn feed(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.as_ref().to_vec());
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let ran = child.wait_with_output().unwrap().into();
        // Writing fails if the command refused its input early and closed the pipe.
        let _ = writer.join().unwrap();
        ran
    }

    /// Starts a command and does not wait for it.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Self::spawn(&mut self.command(arguments))
    }

    /// As [`Home::start`], on a terminal of its own with so many rows and columns. What is written
    /// to it is typed there.
    pub fn start_on_terminal(&self, rows: u32, columns: u32, arguments: &[&str]) -> Running {
        let program = env!("CARGO_BIN_EXE_klarna-order-worker");
        let command = format!("stty rows {rows} cols {columns}; exec '{program}' {}", arguments.join(" "));
        let mut script = self.command_of("script".as_ref(), &["-q", "-e", "-f", "-c", &command, "/dev/null"]);
        Self::spawn(script.env("SHELL", "/bin/sh").env("TERM", "xterm"))
    }

    fn spawn(command: &mut Command) -> Running {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child: Some(child), stdout }
    }
}

/// The result of a command.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Checks the exit code. If it is wrong, the failure shows the command's output.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Returns standard output as JSON values, one for each line.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// Checks that standard error is one line that contains `text`.
    #[track_caller]
    pub fn tells_in_one_line(self, text: &str) -> Self {
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("error: ") && self.stderr.contains(text), "{}", self.stderr);
        self
    }
}

/// A running command. Dropping it kills it.
pub struct Running {
    child: Option<Child>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Returns the next line of its standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    pub fn write(&mut self, text: &str) {
        self.child.as_mut().unwrap().stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        drop(self.child.as_mut().unwrap().stdin.take());
    }

    /// Reads its standard output until it has this text, and returns what was read.
    pub fn until(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let more = self.stdout.fill_buf().unwrap().to_vec();
            assert!(!more.is_empty(), "it ended without {text:?}: {}", String::from_utf8_lossy(&seen));
            self.stdout.consume(more.len());
            seen.extend(more);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Like [`Running::end`], but its standard input stays open.
    pub fn end_unfed(mut self) -> Ran {
        let mut stdout = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut stdout).unwrap();
        let stdin = self.child.as_mut().unwrap().stdin.take();
        let ran = Ran { stdout, ..self.end() };
        drop(stdin);
        ran
    }

    /// Waits for its end. The result has the part of standard output that was not read before.
    pub fn end(mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        drop(child.stdin.take());
        let mut stdout = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut stdout).unwrap();
        Ran { stdout, ..Ran::from(child.wait_with_output().unwrap()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Returns everything below a folder, including links and folders.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

/// Returns whether any file below the folder contains the text.
pub fn hold(folder: &Path, text: &str) -> bool {
    let holds = |path: &PathBuf| {
        path.is_file()
            && std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    };
    files(folder).iter().any(holds)
}
