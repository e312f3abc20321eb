//! The common part of the command line.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klarna-order-worker"));
    command.args(arguments).env_remove("KLARNA_WORKER_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_generated_key_is_printed_alone() {
    let output = run(&["keys", "generate"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(STANDARD.decode(text(&output.stdout).trim_end()).unwrap().len(), 32);
    let json = run(&["--format", "json", "keys", "generate"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(STANDARD.decode(json["key"].as_str().unwrap()).unwrap().len(), 32);
}

#[test]
fn a_key_file_is_private_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k1.key");
    let arguments = ["keys", "generate", "--out", path.to_str().unwrap()];
    let first = run(&arguments);
    assert_eq!(first.status.code(), Some(0));
    let key = fs::read_to_string(&path).unwrap();
    assert!(!text(&first.stdout).contains(key.trim()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let second = run(&arguments);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("the file exists"), "{}", text(&second.stderr));
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
}

#[test]
fn wrong_usage_exits_with_2() {
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(run(&["keys", "generate", "--format", "xml"]).status.code(), Some(2));
    let output = command(&["keys", "generate"]).env("KLARNA_WORKER_LOG", "x=loud").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("error: KLARNA_WORKER_LOG: not a log filter"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_reader_that_left_causes_no_noise() {
    for arguments in [&["keys", "generate"][..], &["--help"], &["--version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert!(output.status.code().is_some(), "{arguments:?}: {:?}", output.status);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["keys", "generate"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: cannot write the output"), "{}", text(&output.stderr));
}
