//! The program: its addresses, its first users, and how it stops.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Kills the program if a test fails before its end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_serves_until_it_is_asked_to_stop() {
    let tokens = std::env::temp_dir().join(format!("klarna-sandbox-{}.jsonl", std::process::id()));
    let child = Command::new(env!("CARGO_BIN_EXE_klarna-sandbox"))
        .args(["--bind", "127.0.0.1:0", "--json", "--users", "2", "--tokens-file"])
        .arg(&tokens)
        .stdout(Stdio::piped())
        .spawn();
    let mut program = Program(child.unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).unwrap();

    let stats = reqwest::get(addresses["stats"].as_str().unwrap()).await.unwrap().text().await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&stats).unwrap()["exchanges"]["total"], 0);
    let users: Vec<Value> = std::fs::read_to_string(&tokens)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    std::fs::remove_file(&tokens).unwrap();
    assert_eq!(users.iter().map(|user| &user["user"]).collect::<Vec<_>>(), ["u-1", "u-2"]);
    assert_eq!(addresses["tokens_file"].as_str(), tokens.to_str());

    let asked = Command::new("kill").args(["-TERM", &program.0.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(program.0.wait().unwrap().success());
}
