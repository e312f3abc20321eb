//! Encryption keys that a key service has wrapped. `tr` stands in for the key service.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_support::postgres::TestDatabase;

use crate::program::{Home, SETTINGS, hold};
use crate::tokens::JSONL;

const TR: &str = r#"["/usr/bin/tr", "A-Za-z", "N-ZA-Mn-za-m"]"#;

/// Settings with these sections behind them.
fn settings(sections: &str) -> String {
    format!("{SETTINGS}{sections}\n")
}

/// The section of a wrapped key, with a program in a shell that also counts how often it runs.
fn wrapped(name: &str, script: &str) -> String {
    let unwrap = json!(["/bin/sh", "-c", format!("echo run >> runs; {script}")]);
    format!(
        "[vault.keys.{name}]\nfile = \"{name}.wrapped\"\nwrapped_by = \"command\"\nwrap = {TR}\nunwrap = {unwrap}\n"
    )
}

const UNWRAP: &str = "exec tr A-Za-z N-ZA-Mn-za-m";

fn active(name: &str) -> String {
    format!("[vault]\nactive_key = \"{name}\"\n")
}

fn runs(home: &Home) -> usize {
    std::fs::read_to_string(home.path("runs")).unwrap_or_default().lines().count()
}

/// Returns name, number of tokens and whether it is active, of each key.
fn status(home: &Home) -> Vec<(String, u64, bool)> {
    let keys = home.run(&["keys", "status", "--format", "json"]).exits(0).json();
    let told = |key: &Value| {
        let name = key["key"].as_str().unwrap().to_owned();
        (name, key["tokens"].as_u64().unwrap(), key["active"].as_bool().unwrap())
    };
    keys.iter().map(told).collect()
}

#[test]
fn a_new_key_is_wrapped_and_shown_nowhere() {
    let home = Home::new();
    home.write("config.toml", settings(&(active("k2") + &wrapped("k2", UNWRAP))));
    let ran = home.run(&["keys", "generate", "--wrap", "k2"]).exits(0);
    assert!(ran.stdout.starts_with("Wrote a new wrapped key to k2.wrapped."), "{}", ran.stdout);
    let file = std::fs::read_to_string(home.path("k2.wrapped")).unwrap();
    let key: String = file.chars().map(rotated).collect();
    assert_eq!(STANDARD.decode(&key).unwrap().len(), 32);
    assert!(!ran.stdout.contains(&key) && !ran.stderr.contains(&key));
    assert_eq!(runs(&home), 1, "the wrapped key was not tried");
    // Nothing is overwritten.
    home.run(&["keys", "generate", "--wrap", "k2"]).exits(1);
    assert_eq!(std::fs::read_to_string(home.path("k2.wrapped")).unwrap(), file);
    // The first start on SQLite uses it.
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    assert!(!hold(&home.path("data"), &key) && !home.path("data/k1.key").exists());

    home.run(&["keys", "generate", "--wrap", "k9"]).exits(2).tells_in_one_line("have no [vault.keys.k9]");
    home.run(&["keys", "generate", "--wrap", "k2", "--out", "x"]).exits(2);
}

/// Returns the letter that `tr` makes of another, and the other way round.
pub fn rotated(letter: char) -> char {
    let turn = |start: u8| char::from(start + (letter as u8 - start + 13) % 26);
    match letter {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        other => other,
    }
}

#[test]
fn a_key_that_does_not_come_back_is_not_written() {
    let home = Home::new();
    let other = json!(["/bin/echo", STANDARD.encode(b"0123456789abcdefghijklmnopqrstuv")]);
    let cat = json!(["/bin/cat"]);
    for (wrap, unwrap, told) in [
        (TR, json!(["/bin/echo", "no"]).to_string(), "vault.keys.k2.unwrap: /bin/echo did not print a key"),
        (TR, other.to_string(), "vault.keys.k2.unwrap: it printed another key than the one that was wrapped"),
        (&cat.to_string(), cat.to_string(), "vault.keys.k2.wrap: it printed the key as it is"),
        (r#"["/bin/false"]"#, cat.to_string(), "vault.keys.k2.wrap: /bin/false ended with exit status: 1"),
    ] {
        let section = format!(
            "[vault.keys.k2]\nfile = \"k2.wrapped\"\nwrapped_by = \"command\"\nwrap = {wrap}\nunwrap = {unwrap}\n"
        );
        home.write("config.toml", settings(&format!("[vault.keys.k1]\nfile = \"k1\"\n{section}")));
        let ran = home.run(&["keys", "generate", "--wrap", "k2"]).exits(1);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert!(!home.path("k2.wrapped").exists(), "{told}");
    }
}

/// `k1` is plain, `k2` wrapped: the way there and back, with both in the settings.
fn from_plain_to_wrapped_and_back(home: &Home, database: &str) {
    let plain = "[vault.keys.k1]\nfile = \"k1.key\"\n";
    let write = |sections: &[&str]| home.write("config.toml", settings(&(sections.concat() + database)));
    let k2 = wrapped("k2", UNWRAP);
    write(&[&active("k1"), plain, &k2]);
    home.run(&["keys", "generate", "--wrap", "k2"]).exits(0);
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    let key = |name: &str, tokens, is_active| (name.to_owned(), tokens, is_active);
    assert_eq!(status(home), [key("k1", 2, true), key("k2", 0, false)]);

    write(&[&active("k2"), plain, &k2]);
    home.run(&["keys", "rotate"]).exits(0);
    assert_eq!(status(home), [key("k1", 0, false), key("k2", 2, true)]);
    write(&[&active("k2"), &k2]);
    assert_eq!(status(home), [key("k2", 2, true)]);

    // Wrapped anew, it is the same key. Another one under its name is refused.
    home.run(&["keys", "generate", "--out", "k3.key"]).exits(0);
    let other = std::fs::read_to_string(home.path("k3.key")).unwrap();
    let ours = std::fs::read_to_string(home.path("k2.wrapped")).unwrap();
    home.write("k2.wrapped", other.trim().chars().map(rotated).collect::<String>());
    home.run(&["keys", "status"])
        .exits(1)
        .tells_in_one_line("vault.keys.k2 is not the key that this database knows");
    home.write("k2.wrapped", ours);

    write(&[&active("k1"), plain, &k2]);
    home.run(&["keys", "rotate"]).exits(0);
    write(&[&active("k1"), plain]);
    assert_eq!(status(home), [key("k1", 2, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapped_key_takes_the_place_of_a_plain_one() {
    let home = Home::new();
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    from_plain_to_wrapped_and_back(&home, "");

    let database = TestDatabase::create().await;
    let home = Home::new();
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    let section = format!("[database]\nurl = \"{}\"\n", database.url());
    home.write("config.toml", settings(&format!("[vault.keys.k1]\nfile = \"k1.key\"\n{section}")));
    home.run(&["migrate"]).exits(0);
    from_plain_to_wrapped_and_back(&home, &section);
    database.remove().await;
}

#[test]
fn a_start_without_the_key_service_is_refused_and_the_key_told_nowhere() {
    let home = Home::new();
    let write = |script: &str| {
        let timeout = "command_timeout = \"30s\"\n";
        home.write("config.toml", settings(&(active("k1") + &wrapped("k1", script) + timeout)));
    };
    write(UNWRAP);
    let ran = home.run(&["serve"]).exits(1);
    assert!(
        ran.stderr.contains("make it with `klarna-order-worker keys generate --wrap k1`"),
        "{}",
        ran.stderr
    );
    home.run(&["keys", "generate", "--wrap", "k1"]).exits(0);
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    let key: String =
        std::fs::read_to_string(home.path("k1.wrapped")).unwrap().chars().map(rotated).collect();

    write("tr A-Za-z N-ZA-Mn-za-m | tee /dev/stderr; echo '\nthe key service is away' >&2; exit 7");
    for arguments in [&["serve"][..], &["refresh"], &["tokens", "list"]] {
        let ran = home.run(arguments).exits(1);
        let told = "vault.keys.k1.unwrap: /bin/sh ended with exit status: 7: [left out] the key service is away; \
                    without this key nothing can be decrypted";
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert!(!ran.stderr.contains(&key) && ran.stdout.is_empty(), "{}", ran.stderr);
    }
    let found = |home: &Home, exit| {
        let findings = home.run(&["doctor", "--format", "json"]).exits(exit).json();
        let is_of_keys =
            |finding: &Value| ["keys", "vault.keys.k1"].iter().any(|check| finding["check"] == **check);
        findings
            .into_iter()
            .filter(is_of_keys)
            .map(|finding| finding["found"].as_str().unwrap().to_owned())
            .collect()
    };
    let broken: Vec<String> = found(&home, 3);
    assert!(broken.len() == 1 && broken[0].contains("the key service is away"), "{broken:?}");

    write(UNWRAP);
    // The merchant's hosts are not reached from here, which is another finding.
    let works: Vec<String> = found(&home, 3);
    assert_eq!(works[1], "the keys open this database; k1 is active");
    assert!(works[0].starts_with("/bin/sh unwraps it, with 2 argument(s) and the variables "), "{works:?}");
}

#[test]
fn a_service_unwraps_its_key_once_and_never_for_a_request() {
    let home = Home::new();
    home.write("config.toml", settings(&(active("k1") + &wrapped("k1", UNWRAP))));
    home.run(&["keys", "generate", "--wrap", "k1"]).exits(0);
    let before = runs(&home);
    let mut served = home.start(&["serve"]);
    let line = served.line();
    let address = line.split("http://").nth(1).unwrap().trim();
    for user in 0..20 {
        let body = format!(r#"{{"refresh_token":"ory_rt_{user}"}}"#);
        let mut request = format!("PUT /v1/merchants/shop/users/u-{user}/token HTTP/1.1\r\n");
        let _ = write!(
            request,
            "host: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
    served.signal("-TERM");
    served.end().exits(0);
    assert_eq!(runs(&home), before + 1);
}
