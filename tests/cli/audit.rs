//! `audit`, and the rows that commands leave.

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;

use clap::{Command, CommandFactory as _};
use klarna_order_worker::cli::Cli;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::program::{EXAMPLES, Home};

/// What a command leaves before it prints anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// Nothing, or what the service leaves.
    Nothing,
    /// One row, of what it has read.
    Read,
    /// A row that it began, and one of how it ended.
    Change,
}

use Leaves::{Change, Nothing, Read};

/// Every command of the program, and arguments with which it opens the database.
const COMMANDS: [(&str, &str, Leaves); 50] = [
    ("serve", "", Nothing),
    ("demo", "", Nothing),
    ("sandbox", "", Nothing),
    ("enqueue", "-", Change),
    ("orders list", "", Nothing),
    ("orders find", "cart-1", Nothing),
    ("orders show", "cart-1", Nothing),
    ("orders update", "018f0000-0000-7000-8000-000000000000 - --yes", Change),
    ("orders retry", "--all --yes", Change),
    ("orders cancel", "--all --yes", Change),
    ("orders retry-follow-ups", "--all --yes", Change),
    ("tokens import", "-", Change),
    ("tokens list", "", Read),
    ("tokens show", "shop alma", Read),
    ("users export", "shop alma", Read),
    ("tokens vend", "shop nobody", Change),
    ("tokens resolve", "shop alma --retry", Change),
    ("tokens adopt", "--merchant shop --from 0123456789abcdef0123456789abcdef --dry-run", Change),
    ("tokens stats", "", Nothing),
    ("tokens replan", "", Change),
    ("tokens after-restore", "--yes", Change),
    ("tokens forget", "shop alma --yes", Change),
    ("users revoke", "shop alma --yes", Change),
    ("users rename", "shop alma elma --yes", Change),
    ("users erase", "shop elma --yes", Change),
    ("webhooks list", "", Nothing),
    ("webhooks resend", "--merchant shop --yes", Change),
    ("webhooks test", "shop", Change),
    ("webhooks answers", "shop", Nothing),
    ("webhooks remove", "shop --yes", Change),
    ("pause", "keeper --merchant shop --reason test", Change),
    ("resume", "keeper --merchant shop", Change),
    ("pauses", "", Nothing),
    ("breakers list", "", Nothing),
    ("breakers outages", "", Nothing),
    ("breakers probe", "--merchant shop", Change),
    ("audit list", "", Read),
    ("audit verify", "", Nothing),
    ("refresh", "--dry-run", Read),
    ("refresh", "", Change),
    ("reload", "", Nothing),
    ("migrate", "", Nothing),
    ("doctor", "", Nothing),
    ("instance new", "", Nothing),
    ("keys generate", "", Nothing),
    ("keys api generate", "--name shop", Nothing),
    ("keys rotate", "", Change),
    ("keys status", "", Nothing),
    ("openapi", "", Nothing),
    ("completions", "bash", Nothing),
];

const TOKEN: &str = r#"{"merchant":"shop","user":"alma","refresh_token":"ory_rt_secret1"}"#;

fn list(home: &Home, more: &[&str]) -> Vec<Value> {
    let mut rows = home.run(&[&["audit", "list", "--format", "json"], more].concat()).exits(0).json();
    rows.reverse();
    rows
}

/// The commands that have no commands of their own.
fn leaves(command: &Command, before: &str, into: &mut Vec<String>) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{before} {}", command.get_name()).trim_start().to_owned();
        if command.has_subcommands() {
            leaves(command, &path, into);
        } else {
            into.push(path);
        }
    }
}

/// Standard output takes nothing, so every command fails when it prints something. Its rows are
/// there all the same: those of a change say that it began, and those of a read come before the
/// first line.
#[test]
fn every_command_has_its_row_before_it_prints_anything() {
    let mut known = Vec::new();
    leaves(&Cli::command(), "", &mut known);
    // `man` needs no database either.
    known.retain(|path| path != "man");
    let decided: Vec<&str> = COMMANDS.iter().map(|(path, _, _)| *path).collect();
    let undecided: Vec<_> = known.iter().filter(|path| !decided.contains(&path.as_str())).collect();
    assert!(undecided.is_empty(), "say in COMMANDS what {undecided:?} leave in the audit log");
    let gone: Vec<_> = decided.iter().filter(|path| !known.iter().any(|known| known == *path)).collect();
    assert!(gone.is_empty(), "no such commands: {gone:?}");

    let home = Home::new();
    home.feed(&["tokens", "import", "-"], TOKEN).exits(0);
    home.feed(&["enqueue", "-"], EXAMPLES).exits(3);
    let leaving: Vec<_> = COMMANDS.iter().filter(|(_, _, leaves)| *leaves != Nothing).collect();
    for (path, arguments, _) in &leaving {
        let line: Vec<&str> = path.split(' ').chain(arguments.split_whitespace()).collect();
        let mut command = home.command(&line);
        command.env("SUDO_USER", format!("{path} {arguments}").trim_end());
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::null()).spawn().unwrap();
        // A command that reads no input closes it.
        let _ = child.stdin.take().unwrap().write_all(b"{}\n");
        child.wait().unwrap();
    }
    let rows = list(&home, &["--limit", "1000"]);
    for (path, arguments, leaves) in leaving {
        let sudo = format!("{path} {arguments}");
        let by = format!("(sudo by {})", sudo.trim_end());
        let own = rows.iter().filter(|row| row["actor"].as_str().unwrap().ends_with(&by));
        // Each cancelled order has a row of its own, and names it.
        let own = own.filter(|row| *path != "orders cancel" || row["object"] == "by filters");
        let told: Vec<&str> = own.map(|row| row["outcome"].as_str().unwrap()).collect();
        let right = if *leaves == Read {
            told == ["done", "failed"]
        } else {
            told.len() == 2 && told[0] == "begun" && told[1] != "begun"
        };
        assert!(right, "{path} {arguments}: {told:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_killed_has_a_row_that_it_began() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], TOKEN).exits(0);
    for signal in ["-KILL", "-INT"] {
        // It reads its input once the row is stored.
        let importing = home.start(&["tokens", "import", "-"]);
        let database = format!("sqlite://{}", home.path("data/worker.db").display());
        let mut database = SqliteConnection::connect(&database).await.unwrap();
        let begun = "SELECT count(*) FROM audit_log WHERE outcome = 'begun'";
        let before: i64 = if signal == "-KILL" { 2 } else { 3 };
        let waiting = async {
            while sqlx::query_scalar::<_, i64>(begun).fetch_one(&mut database).await.unwrap() < before {}
        };
        tokio::time::timeout(std::time::Duration::from_mins(1), waiting).await.expect("no row");
        database.close().await.unwrap();
        importing.signal(signal);
        importing.end_unfed();
    }
    let rows = list(&home, &["--action", "tokens.import"]);
    let told: Vec<_> = rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    // An interrupted import ends by itself, and says so.
    assert_eq!(told, ["begun", "done", "begun", "begun", "done"]);
    assert_eq!(list(&home, &["--outcome", "begun"]).len(), 3);
    home.run(&["audit", "verify"]).exits(0);
}

#[tokio::test]
async fn a_command_without_a_row_does_nothing() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], TOKEN).exits(0);
    let url = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::raw_sql(refuse).execute(&mut database).await.unwrap();
    let refuses = |path: &str, arguments: &str| {
        let line: Vec<&str> = path.split(' ').chain(arguments.split_whitespace()).collect();
        let refused = home.feed(&line, TOKEN).exits(1);
        let told = &refused.stderr;
        assert!(told.contains("taken no row of the audit log"), "{path} {arguments}: {told}");
        assert_eq!(refused.stdout, "", "{path} {arguments}");
    };
    let leaving: Vec<_> = COMMANDS.iter().filter(|(_, _, leaves)| *leaves != Nothing).collect();
    // Each tries for some seconds to write its row.
    for together in leaving.chunks(16) {
        std::thread::scope(|threads| {
            for (path, arguments, _) in together {
                threads.spawn(|| refuses(path, arguments));
            }
        });
    }
    sqlx::raw_sql("DROP TRIGGER refuse").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    home.run(&["tokens", "forget", "shop", "alma", "--yes"]).exits(0);
}

#[test]
fn each_command_leaves_its_row() {
    let home = Home::new().with("KLARNA_WORKER__AUDIT__LINES", "audit.jsonl").with("SUDO_USER", "alma");
    home.feed(&["enqueue", "-"], EXAMPLES).exits(3);
    home.feed(&["tokens", "import", "-"], TOKEN).exits(0);
    home.run(&["tokens", "show", "shop", "alma"]).exits(0);
    home.run(&["tokens", "list", "--merchant", "shop"]).exits(0);
    home.run(&["orders", "cancel", "--merchant", "shop", "--yes"]).exits(0);
    home.run(&["users", "rename", "shop", "alma", "elma", "--yes"]).exits(0);
    home.run(&["users", "erase", "shop", "nobody", "--yes"]).exits(1);
    home.run(&["keys", "rotate"]).exits(0);
    // Nothing is done, and nothing is left: not confirmed, no tokens shown, no database.
    home.run(&["users", "erase", "shop", "elma"]).exits(2);
    home.run(&["tokens", "stats"]).exits(0);
    home.run(&["orders", "list"]).exits(0);
    home.run(&["keys", "generate"]).exits(0);
    let rows = list(&home, &[]);
    let mut told: Vec<_> =
        rows.iter().map(|row| (row["action"].as_str().unwrap(), row["outcome"].as_str().unwrap())).collect();
    // Each of the twelve cancelled orders has a row, and the command has two.
    assert_eq!(told.iter().filter(|(action, _)| *action == "order.cancel").count(), 14);
    told.dedup();
    assert_eq!(
        told,
        [
            ("orders.submit", "begun"),
            ("orders.submit", "done"),
            ("tokens.import", "begun"),
            ("tokens.import", "done"),
            ("token.read", "done"),
            ("tokens.list", "done"),
            ("order.cancel", "begun"),
            ("order.cancel", "done"),
            ("user.rename", "begun"),
            ("user.rename", "done"),
            ("user.erase", "begun"),
            ("user.erase", "failed"),
            ("keys.rotate", "begun"),
            ("keys.rotate", "done"),
        ]
    );
    for row in &rows {
        let actor = row["actor"].as_str().unwrap();
        assert!(actor.starts_with("command:") && actor.ends_with(" (sudo by alma)"), "{row}");
    }
    let of_alma = list(&home, &["--merchant", "shop", "--user", "alma", "--since", "1h"]);
    assert_eq!(of_alma.len(), 3, "shown, and renamed");
    assert_eq!(list(&home, &["--action", "audit.read"]).len(), 2);
    assert_eq!(list(&home, &["--key", "shop"]).len(), 0);
    let erasures = list(&home, &["--outcome", "failed"]);
    assert!(erasures.len() == 1 && erasures[0]["action"] == "user.erase", "{erasures:?}");
    let cancelled = rows.iter().filter(|row| row["action"] == "order.cancel");
    let order = cancelled.filter_map(|row| row["object"].as_str()).find(|object| object.len() == 36).unwrap();
    assert_eq!(list(&home, &["--object", order, "--action", "order.cancel"]).len(), 1);
    assert_eq!(list(&home, &["--object", order, "--outcome", "refused"]).len(), 0);
    home.run(&["audit", "list", "--action", "token.eaten"]).exits(2);
    home.run(&["audit", "list", "--outcome", "eaten"]).exits(2);
    home.run(&["audit", "list", "--user", "alma"]).exits(2);

    // The lines are the rows, in a file of this user alone.
    let text = std::fs::read_to_string(home.path("audit.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = list(&home, &["--limit", "1000"]);
    assert_eq!(lines.len(), all.len());
    for (line, row) in lines.iter().zip(&all) {
        for member in ["chain", "number", "actor", "action", "outcome", "hash"] {
            assert_eq!(line[member], row[member], "{line}");
        }
    }
    for secret in ["ory_rt_secret1", "elma", "\"alma\""] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn verify_names_the_first_broken_row() {
    let home = Home::new();
    for _ in 0..3 {
        home.run(&["tokens", "import", "-"]).exits(0);
    }
    let sound = home.run(&["audit", "verify"]).exits(0).stdout;
    assert_eq!(sound, "6 rows in 3 chains are as they were written\n");
    let database = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    let change = "DROP TRIGGER keep_audit_log; UPDATE audit_log SET actor = 'key:shop' WHERE id = 2";
    sqlx::raw_sql(change).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let broken = home.run(&["audit", "verify", "--format", "json"]).exits(3).json().remove(0);
    assert_eq!((&broken["broken"], &broken["first"]["id"]), (&1.into(), &2.into()), "{broken}");
    assert_eq!(broken["first"]["wrong"], "the row was changed");
    let human = home.run(&["audit", "verify"]).exits(3).stdout;
    assert!(human.starts_with("1 of 6 rows are broken; the first is row 2 of "), "{human}");
}

#[test]
fn lines_on_standard_output_are_those_of_serve_alone() {
    let home = Home::new().with("KLARNA_WORKER__AUDIT__LINES", "stdout");
    home.run(&["tokens", "import", "-"]).exits(0);
    assert_eq!(home.run(&["tokens", "list", "--format", "json"]).exits(0).stdout, "");
    let mut served = home.start(&["serve", "--format", "json"]);
    let lines = [served.line(), served.line()].map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let start =
        lines.iter().find(|line| line["action"] == "service.start").unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&start["actor"], &start["number"]), (&"service".into(), &1.into()));
    let object = start["object"].as_str().unwrap();
    assert_eq!(object, "roles=api,worker,keeper vault.keys=k1 server.api_keys=");
    served.signal("-TERM");
    served.end().exits(0);
}
