//! The audit log: a database that takes no rows, lists, and what its rows say.

mod rights;
mod verified;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use klarna_order_worker::audit::{
    Action, Actor, Audit, Dependencies, Entry, Outcome, Pruning, Verified, verify,
};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::{
    AuditFilter, AuditLog, AuditRow, ChainPosition, NewestAuditRow, Store, StoreError,
};
use klarna_order_worker::vault::sealing::{Cipher, Secrets};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::support::stores::{Db, both_engines};

both_engines![
    the_database_refuses_changes_and_early_deletions,
    rows_wait_while_the_database_refuses_them,
    a_process_that_ends_does_not_wait_for_ever,
    submissions_can_be_left_out,
    lines_that_nobody_reads_hold_up_no_row,
    rows_are_found_by_outcome_and_object_however_long,
];

const SOON: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Processes of one installation, whose clocks a test advances. They begin long ago, because the
/// database deletes no young rows.
struct Fixture {
    db: Db,
    secrets: Arc<Secrets>,
    clock: Clock,
}

impl Fixture {
    fn new(db: Db) -> Self {
        let clock = Clock::manual("2020-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        Self { db, secrets: secrets(), clock }
    }

    /// Starts a process.
    fn process(&self) -> Audit {
        self.process_with(true)
    }

    fn process_with(&self, submissions: bool) -> Audit {
        self.process_of(config::Audit { submissions, lines: config::AuditLines::Off })
    }

    fn process_of(&self, settings: config::Audit) -> Audit {
        Audit::start(Dependencies {
            log: self.db.store.clone(),
            secrets: Arc::clone(&self.secrets),
            clock: self.clock.clone(),
            settings,
        })
    }

    fn pruning(&self, audit: &Audit) -> Pruning {
        Pruning {
            log: self.db.store.clone(),
            audit: audit.clone(),
            clock: self.clock.clone(),
            after: DAY * 400,
        }
    }

    /// Leaves rows, and waits until they are stored.
    async fn leave(&self, audit: &Audit, rows: usize) {
        for row in 0..rows {
            let entry = Entry::new(Actor::Key("shop".into()), Action::TokenRead);
            audit.record(entry.about(&UserKey::new("shop", "u-1")).object(row));
        }
        timeout(SOON, audit.flush()).await.expect("not stored");
    }

    async fn verify(&self) -> Verified {
        verify(&*self.db.store, self.secrets.hasher()).await.unwrap()
    }

    /// Returns the rows, oldest first.
    async fn rows(&self) -> Vec<AuditRow> {
        let all = AuditFilter { limit: 1000, ..AuditFilter::default() };
        let mut rows = self.db.store.audit_rows(&all).await.unwrap();
        rows.reverse();
        rows
    }

    /// Makes the table one that its owner can change at will.
    async fn unguard(&self) {
        self.db
            .execute(if self.db.is_sqlite() {
                "DROP TRIGGER keep_audit_log; DROP TRIGGER keep_whole_audit_log"
            } else {
                "ALTER TABLE audit_log DISABLE TRIGGER USER"
            })
            .await;
    }

    /// Changes the table, verifies, and puts everything back. Returns the first broken row and what
    /// is wrong with it.
    async fn broken_by(&self, change: &str) -> (i64, &'static str) {
        self.db.execute("CREATE TABLE saved AS SELECT * FROM audit_log").await;
        self.db.execute(change).await;
        let found = self.verify().await;
        let again = if self.db.is_sqlite() { "" } else { "OVERRIDING SYSTEM VALUE" };
        let back = format!(
            "DELETE FROM audit_log; INSERT INTO audit_log {again} SELECT * FROM saved; DROP TABLE saved"
        );
        self.db.execute(&back).await;
        let first = found.first.unwrap_or_else(|| panic!("{change}: nothing is found"));
        (first.id, first.wrong)
    }
}

fn secrets() -> Arc<Secrets> {
    let cipher = || Cipher::new("k1", &BTreeMap::from([("k1".to_owned(), Zeroizing::new([1; 32]))])).unwrap();
    Arc::new(Secrets::open(cipher(), &Secrets::found(&cipher()).unwrap()).unwrap())
}

async fn the_database_refuses_changes_and_early_deletions(db: Db) {
    let fixture = Fixture { clock: Clock::system(), ..Fixture::new(db) };
    fixture.leave(&fixture.process(), 2).await;
    let mut changes = vec!["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"];
    if fixture.db.is_sqlite() {
        changes.push("REPLACE INTO audit_log SELECT * FROM audit_log");
        changes.push(
            "REPLACE INTO audit_log SELECT NULL, chain, number, happened_at, 'x', action, outcome, \
             request_id, merchant, user_hash, object, joined_id, previous_at, previous_hash, hash \
             FROM audit_log",
        );
    } else {
        changes.push("TRUNCATE audit_log");
    }
    for change in changes {
        let refused = fixture.db.raw().await.try_execute(change).await.unwrap_err().to_string();
        assert!(refused.contains("rows of the audit log cannot be"), "{change}: {refused}");
    }
    assert_eq!(fixture.verify().await.rows, 2);
    if !fixture.db.is_sqlite() {
        rights::without_the_right_to_change_it(&fixture.db).await;
    }
}

async fn rows_wait_while_the_database_refuses_them(db: Db) {
    let fixture = Fixture::new(db);
    let audit = fixture.process();
    fixture.leave(&audit, 1).await;
    fixture.db.execute("ALTER TABLE audit_log RENAME TO audit_log_away").await;
    for row in 0..3 {
        audit.record(Entry::new(Actor::Local, Action::TokenForget).object(row));
    }
    assert!(timeout(Duration::from_millis(500), audit.flush()).await.is_err(), "stored nowhere");
    audit.record(Entry::new(Actor::Local, Action::UserErase));
    fixture.db.execute("ALTER TABLE audit_log_away RENAME TO audit_log").await;
    timeout(SOON, audit.flush()).await.expect("not stored");
    let objects: Vec<Option<String>> = fixture.rows().await.into_iter().map(|row| row.object).collect();
    assert_eq!(
        objects,
        [Some("0"), Some("0"), Some("1"), Some("2"), None].map(|object| object.map(str::to_owned))
    );
    assert_eq!(fixture.verify().await, Verified { rows: 5, chains: 1, broken: 0, first: None });
}

async fn a_process_that_ends_does_not_wait_for_ever(db: Db) {
    let fixture = Fixture::new(db);
    let audit = fixture.process();
    fixture.db.execute("ALTER TABLE audit_log RENAME TO audit_log_away").await;
    audit.record(Entry::new(Actor::Local, Action::TokenForget));
    timeout(SOON, audit.close(Duration::from_millis(200))).await.expect("still waiting");
    timeout(SOON, audit.flush()).await.expect("the writer still tries");
}

async fn submissions_can_be_left_out(db: Db) {
    let fixture = Fixture::new(db);
    let audit = fixture.process_with(false);
    for action in [Action::OrderSubmit, Action::OrdersSubmit, Action::OrderCancel] {
        audit.record(Entry::new(Actor::Local, action));
    }
    timeout(SOON, audit.flush()).await.expect("not stored");
    assert_eq!(fixture.rows().await.into_iter().map(|row| row.action).collect::<Vec<_>>(), ["order.cancel"]);
}

async fn lines_that_nobody_reads_hold_up_no_row(db: Db) {
    let fixture = Fixture::new(db);
    let pipe = fixture.db.folder().join("audit.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let lines = config::AuditLines::File(pipe.clone());
    let audit = fixture.process_of(config::Audit { submissions: true, lines });
    // The first write is waited for, for five seconds; no other is.
    let batches = async {
        for _ in 0..20 {
            fixture.leave(&audit, 1).await;
        }
    };
    timeout(SOON, batches).await.expect("rows wait for a reader of their lines");
    assert_eq!(fixture.rows().await.len(), 20);
    // Only one write waits for the reader that comes at last.
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe).unwrap());
    let text = timeout(SOON, read).await.expect("nothing was written").unwrap();
    assert!(text.contains("\"number\":1,") && text.lines().count() == 1, "{text}");
}

async fn rows_are_found_by_outcome_and_object_however_long(db: Db) {
    let fixture = Fixture::new(db);
    let audit = fixture.process();
    // Characters of four bytes that no compression shortens: longer than an index of PostgreSQL
    // takes.
    let long: String = (1..=1000_u32).filter_map(|n| char::from_u32(65536 + n * 245_489 % 900_000)).collect();
    assert_eq!(long.len(), 4000);
    let beginning: String = long.chars().take(100).collect();
    for (object, outcome) in [
        ("o-1", Outcome::Done),
        (&*long, Outcome::NotFound),
        ("o-1", Outcome::Rejected),
        (&beginning, Outcome::Done),
    ] {
        audit.record(Entry::new(Actor::Local, Action::OrderCancel).object(object).ended(outcome));
    }
    timeout(SOON, audit.flush()).await.expect("not stored");
    let found = async |outcome: Option<&str>, object: Option<&str>| {
        let (outcome, object) = (outcome.map(str::to_owned), object.map(str::to_owned));
        let filter = AuditFilter { outcome, object, limit: 9, ..AuditFilter::default() };
        let rows = fixture.db.store.audit_rows(&filter).await.unwrap();
        rows.iter().map(|row| row.number).collect::<Vec<_>>()
    };
    assert_eq!(found(None, None).await, [4, 3, 2, 1]);
    assert_eq!(found(Some("done"), None).await, [4, 1]);
    assert_eq!(found(Some("not_found"), None).await, [2]);
    assert_eq!(found(None, Some("o-1")).await, [3, 1]);
    assert_eq!(found(Some("rejected"), Some("o-1")).await, [3]);
    assert_eq!(found(None, Some(&long)).await, [2]);
    assert_eq!(found(None, Some(&beginning)).await, [4]);
    assert_eq!(found(None, Some("o-")).await, [] as [i64; 0]);
}
