//! `audit`, and the rows that commands leave.

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::program::{EXAMPLES, Home};

const TOKEN: &str = r#"{"merchant":"shop","user":"alma","refresh_token":"ory_rt_secret1"}"#;

fn list(home: &Home, more: &[&str]) -> Vec<Value> {
    let mut rows = home.run(&[&["audit", "list", "--format", "json"], more].concat()).exits(0).json();
    rows.reverse();
    rows
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
    // Each of the twelve cancelled orders has a row, and so has the command.
    assert_eq!(told.iter().filter(|(action, _)| *action == "order.cancel").count(), 13);
    told.dedup();
    assert_eq!(
        told,
        [
            ("orders.submit", "done"),
            ("tokens.import", "done"),
            ("token.read", "done"),
            ("tokens.list", "done"),
            ("order.cancel", "done"),
            ("user.rename", "done"),
            ("user.erase", "failed"),
            ("keys.rotate", "done"),
        ]
    );
    for row in &rows {
        let actor = row["actor"].as_str().unwrap();
        assert!(actor.starts_with("command:") && actor.ends_with(" (sudo by alma)"), "{row}");
    }
    let of_alma = list(&home, &["--merchant", "shop", "--user", "alma", "--since", "1h"]);
    assert_eq!(of_alma.len(), 2, "shown, and renamed");
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
    assert_eq!(sound, "3 rows in 3 chains are as they were written\n");
    let database = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    let change = "DROP TRIGGER keep_audit_log; UPDATE audit_log SET actor = 'key:shop' WHERE id = 2";
    sqlx::raw_sql(change).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let broken = home.run(&["audit", "verify", "--format", "json"]).exits(3).json().remove(0);
    assert_eq!((&broken["broken"], &broken["first"]["id"]), (&1.into(), &2.into()), "{broken}");
    assert_eq!(broken["first"]["wrong"], "the row was changed");
    let human = home.run(&["audit", "verify"]).exits(3).stdout;
    assert!(human.starts_with("1 of 3 rows are broken; the first is row 2 of "), "{human}");
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
