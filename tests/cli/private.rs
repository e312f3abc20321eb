//! What others can read of a service: its files, its memory, and what it sends to its database.

use std::fs::{File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use test_support::postgres::TestDatabase;

use super::program::{Home, SETTINGS};
use super::wrapped_keys::rotated;

/// Starts `serve` from a shell that has run `before`, and waits until it is ready.
fn served(home: &Home, before: &str) -> Child {
    let serve = home.command(&["serve"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}; exec \"$0\" serve")]).arg(serve.get_program());
    shell.current_dir(home.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    shell.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = shell.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("ready"), "{line}");
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Collects every file and folder below `folder` with its mode.
fn modes(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        found.push((entry.path().display().to_string(), mode));
        if entry.path().is_dir() {
            modes(&entry.path(), found);
        }
    }
}

#[track_caller]
fn assert_private(home: &Home) {
    let mut found = Vec::new();
    modes(&home.path("data"), &mut found);
    for name in ["worker.db", "worker.db-wal", "instance/instance", "instance/spool", "k1.key"] {
        assert!(found.iter().any(|(path, _)| path.ends_with(name)), "no {name}: {found:?}");
    }
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
    }
    assert_eq!(home.path("data").metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn files_and_folders_are_their_owners_alone() {
    let home = Home::new();
    let mut child = served(&home, "umask 0");
    assert_private(&home);
    signal(&child, "-TERM");
    child.wait().unwrap();
    // The modes that an earlier program left.
    for name in ["worker.db", "instance", "instance/instance", "instance/spool"] {
        std::fs::set_permissions(home.path("data").join(name), Permissions::from_mode(0o777)).unwrap();
    }
    let mut child = served(&home, "umask 0");
    assert_private(&home);
    signal(&child, "-TERM");
    child.wait().unwrap();
}

#[test]
fn no_core_dump_can_be_made_unless_the_settings_allow_it() {
    for allowed in [false, true] {
        let home = Home::new().with("KLARNA_WORKER__VAULT__CORE_DUMPS", allowed.to_string());
        let mut child = served(&home, "ulimit -S -c \"$(ulimit -H -c)\"");
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        let limit: Vec<&str> = limit.split_whitespace().collect();
        assert_eq!(limit[0], if allowed { limit[1] } else { "0" }, "{limits}");
        signal(&child, "-ABRT");
        let ended = child.wait().unwrap();
        assert_eq!(ended.signal(), Some(6));
        assert!(allowed || !ended.core_dumped(), "its memory was written to a core dump");
    }
}

/// Writes what a core dump would have of a process's memory to a file, and returns whether it has a
/// text.
fn memory_has(child: &Child, home: &Home, text: &str) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
    let memory = File::open(format!("/proc/{}/mem", child.id())).unwrap();
    let mut dump = File::create(home.path("memory")).unwrap();
    for line in maps.lines().filter(|line| line.split(' ').nth(1) == Some("rw-p")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut page = [0; 4096];
        for at in (from..to).step_by(page.len()) {
            if memory.read_exact_at(&mut page, at).is_ok() {
                dump.write_all(&page).unwrap();
            }
        }
    }
    let grep = Command::new("grep").args(["-qaF", "--", text]).arg(home.path("memory")).status().unwrap();
    grep.success()
}

#[test]
fn no_text_of_an_encryption_key_is_left_in_memory() {
    let home = Home::new().with("KLARNA_WORKER__VAULT__CORE_DUMPS", "true");
    let wrapped = "[vault]\nactive_key = \"k1\"\n[vault.keys.k1]\nfile = \"k1.key\"\n[vault.keys.k2]\n\
        file = \"k2.wrapped\"\nwrapped_by = \"command\"\nunwrap = [\"/usr/bin/tr\", \"A-Za-z\", \"N-ZA-Mn-za-m\"]\n\
        wrap = [\"/usr/bin/tr\", \"A-Za-z\", \"N-ZA-Mn-za-m\"]\n";
    home.write("config.toml", format!("{SETTINGS}{wrapped}"));
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home.run(&["keys", "generate", "--wrap", "k2"]).exits(0);
    let plain = std::fs::read_to_string(home.path("k1.key")).unwrap();
    let unwrapped: String =
        std::fs::read_to_string(home.path("k2.wrapped")).unwrap().chars().map(rotated).collect();
    let mut child = served(&home, "true");
    let known = "KLARNA_WORKER__VAULT__CORE_DUMPS=true";
    assert!(memory_has(&child, &home, known), "nothing is found at all");
    for key in [plain.trim(), &unwrapped] {
        assert!(!memory_has(&child, &home, key), "the text of a key is in memory");
    }
    signal(&child, "-TERM");
    child.wait().unwrap();
}

/// Starts `serve`, ends it again, and returns the warnings of its log: message and setting.
fn warnings(home: &Home) -> Vec<(String, String)> {
    let mut running = home.start(&["--format", "json", "serve"]);
    assert!(running.line().contains("http://"), "it is not ready");
    running.signal("-TERM");
    warnings_in(&running.end().exits(0).stderr)
}

fn warnings_in(log: &str) -> Vec<(String, String)> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let warnings = lines.filter(|line| line["level"] == "WARN");
    warnings.map(|line| (text(&line["message"]), text(&line["setting"]))).collect()
}

/// The same with hosts of Klarna at which nothing listens.
fn without_klarna(home: Home) -> Home {
    home.with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", "http://127.0.0.1:1/token")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", "http://127.0.0.1:1/jwks")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", "http://127.0.0.1:1")
}

/// Returns the checks of which `doctor` warns.
fn doubts(home: &Home) -> Vec<String> {
    let findings = home.run(&["doctor", "--format", "json"]).json();
    let doubts = findings.iter().filter(|finding| finding["status"] == "warning");
    doubts.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn assert_told(home: &Home, is_told: bool, setting: &str, message: &str, check: &str) {
    let (warnings, doubts) = (warnings(home), doubts(home));
    let is_this = |(said, named): &(String, String)| said.contains(message) && named == setting;
    assert_eq!(warnings.iter().any(is_this), is_told, "{warnings:?}");
    let refresh = warnings_in(&home.run(&["refresh", "--format", "json"]).exits(0).stderr);
    assert_eq!(refresh.iter().any(is_this), is_told, "{refresh:?}");
    assert_eq!(doubts.iter().any(|doubt| doubt == check), is_told, "{doubts:?}");
}

#[test]
fn a_file_with_a_secret_that_others_can_read_is_told_at_the_start_and_by_doctor() {
    const SETTING: &str = "merchants.shop.api_password_file";
    let home = Home::new().with("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_FILE", "password");
    let home = without_klarna(home);
    home.write("password", "the-password-of-the-shop");
    for (mode, is_told) in [(0o666, true), (0o600, false)] {
        std::fs::set_permissions(home.path("password"), Permissions::from_mode(mode)).unwrap();
        assert_told(&home, is_told, SETTING, "can read or change a file with a secret", SETTING);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_the_database_without_tls_is_told_at_the_start_and_by_doctor() {
    let database = TestDatabase::create().await;
    let home = without_klarna(Home::on_postgres(&database));
    let message = "The connection to the database is not verified";
    assert_told(&home, false, "database.url", message, "database.tls");
    // By this address the same server counts as another machine.
    let mut far: url::Url = database.url().parse().unwrap();
    far.set_host(Some("0.0.0.0")).unwrap();
    far.set_query(Some("sslmode=disable"));
    let home = home.with("KLARNA_WORKER__DATABASE__URL", far);
    assert_told(&home, true, "database.url", message, "database.tls");
    database.remove().await;
}

#[test]
fn settings_with_a_secret_that_others_can_read_are_told_at_the_start_and_by_doctor() {
    const SETTING: &str = "merchants.shop.api_password";
    let home = without_klarna(Home::new());
    for (mode, is_told) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(home.path("config.toml"), Permissions::from_mode(mode)).unwrap();
        assert_told(&home, is_told, SETTING, "can read or change a file with a secret", SETTING);
    }
}

#[test]
fn a_client_key_for_the_database_that_others_can_read_is_told() {
    let url = "postgres://u@127.0.0.1:1/shop?sslcert=client.crt&sslkey=client.key";
    let home = Home::new().with("KLARNA_WORKER__DATABASE__URL", url);
    let home = home.with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home.write("client.key", "");
    for (mode, is_told) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(home.path("client.key"), Permissions::from_mode(mode)).unwrap();
        assert_eq!(doubts(&home).iter().any(|check| check == "database.url"), is_told);
    }
}

fn mode_of(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn lines_of_the_audit_log_are_no_strangers() {
    let home = Home::new().with("KLARNA_WORKER__AUDIT__LINES", "audit.jsonl");
    for (before, after) in [(None, 0o600), (Some(0o666), 0o640), (Some(0o600), 0o600)] {
        if let Some(before) = before {
            std::fs::set_permissions(home.path("audit.jsonl"), Permissions::from_mode(before)).unwrap();
        }
        home.run(&["tokens", "import", "-"]).exits(0);
        assert_eq!(mode_of(&home.path("audit.jsonl")), after, "{before:?}");
    }
}

#[test]
fn the_files_of_the_demo_are_their_owners_alone() {
    let home = Home::empty();
    std::fs::create_dir(home.path("demo")).unwrap();
    std::fs::set_permissions(home.path("demo"), Permissions::from_mode(0o777)).unwrap();
    let demo = home.command(&["demo"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 0; exec \"$0\" demo --data demo"]).arg(demo.get_program());
    let ended = shell.current_dir(home.path("")).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let mut found = vec![("demo".to_owned(), mode_of(&home.path("demo")))];
    modes(&home.path("demo"), &mut found);
    assert!(found.iter().any(|(path, _)| path.ends_with("config.toml")), "{found:?}");
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
    }
}

/// `deploy/systemd/credentials.conf` fits `deploy/settings.toml`.
#[test]
fn the_service_gets_its_secrets_as_credentials_of_systemd() {
    let deploy = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
    };
    let home = Home::empty();
    home.write("config.toml", deploy("settings.toml"));
    home.write("klarna-api-key", "a-key-of-klarna");
    home.write("database-url", "postgres://worker:s3cret@127.0.0.1:1/shop");
    home.run(&["keys", "generate", "--out", "vault-key"]).exits(0);
    let unit = deploy("systemd/credentials.conf");
    let mut check = home.command(&["migrate", "--check"]);
    let hashes = ["1f", "2e"].map(|byte| byte.repeat(32));
    for (place, hash) in hashes.iter().enumerate() {
        check.env(format!("KLARNA_WORKER__SERVER__API_KEYS__{place}__KEY_SHA256"), hash);
    }
    let mut given = 0;
    for (name, path) in unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')) {
        let credential = path.strip_prefix("%d/").unwrap();
        assert!(unit.contains(&format!("LoadCredential={credential}:/etc/klarna-order-worker/credentials/")));
        check.env(name, home.path(credential));
        given += 1;
    }
    // The settings are complete, and nobody listens at that address.
    let ended = check.output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), given), (Some(1), 3), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}
