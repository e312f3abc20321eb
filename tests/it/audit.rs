//! The audit log: what is found of changed and missing rows, retention, and a database that takes no rows.

mod rights;

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
    an_update_a_deletion_and_a_forgery_are_found,
    retention_breaks_no_chain,
    retention_may_run_while_the_log_is_verified,
    what_retention_would_not_delete_is_missing,
    the_database_refuses_changes_and_early_deletions,
    rows_wait_while_the_database_refuses_them,
    a_process_that_ends_does_not_wait_for_ever,
    submissions_can_be_left_out,
    lines_that_nobody_reads_hold_up_no_row,
    rows_are_found_by_outcome_and_object_however_long,
];

const SOON: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Processes of one installation, whose clocks a test advances. They begin long ago, because the database
/// deletes no young rows.
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

    /// Changes the table, verifies, and puts everything back. Returns the first broken row and what is
    /// wrong with it.
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

const CHANGED: &str = "the row was changed";
const GAP: &str = "rows before it are missing, or were replaced";
const JOINED: &str = "the row after which its chain began is missing, or was replaced";

async fn an_update_a_deletion_and_a_forgery_are_found(db: Db) {
    let fixture = Fixture::new(db);
    assert_eq!(fixture.verify().await, Verified { rows: 0, chains: 0, broken: 0, first: None });
    let one = fixture.process();
    fixture.leave(&one, 4).await;
    // Another process begins, and both go on.
    let other = fixture.process();
    fixture.leave(&other, 3).await;
    fixture.leave(&one, 1).await;
    assert_eq!(fixture.verify().await, Verified { rows: 8, chains: 2, broken: 0, first: None });
    let rows = fixture.rows().await;
    assert_eq!(rows[4].joined_id, Some(rows[3].id), "the second chain begins after the newest row");
    let id = |at: usize| rows[at].id;

    fixture.unguard().await;
    let of = |at: usize| format!("WHERE id = {}", id(at));
    for column in [
        "actor = 'key:other'",
        "action = 'token.forget'",
        "outcome = 'refused'",
        "object = NULL",
        "number = 9",
    ] {
        assert_eq!(
            fixture.broken_by(&format!("UPDATE audit_log SET {column} {}", of(2))).await,
            (id(2), CHANGED)
        );
    }
    // Inside a chain, at its beginning, its end, and as a whole.
    assert_eq!(fixture.broken_by(&format!("DELETE FROM audit_log {}", of(1))).await, (id(2), GAP));
    assert_eq!(fixture.broken_by(&format!("DELETE FROM audit_log {}", of(0))).await, (id(1), GAP));
    assert_eq!(fixture.broken_by(&format!("DELETE FROM audit_log {}", of(3))).await, (id(4), JOINED));
    let chain = format!("WHERE chain = (SELECT chain FROM audit_log {})", of(0));
    assert_eq!(fixture.broken_by(&format!("DELETE FROM audit_log {chain}")).await, (id(4), JOINED));
    // Whoever does not have the key makes no row that fits.
    let next = "SELECT chain, number + 1, happened_at, actor, action, outcome, previous_at, hash, hash FROM audit_log";
    let forged = format!(
        "INSERT INTO audit_log (chain, number, happened_at, actor, action, outcome, previous_at, previous_hash, hash) \
         {next} {}",
        of(6)
    );
    assert_eq!(fixture.broken_by(&forged).await.1, CHANGED);
    assert_eq!(fixture.verify().await.broken, 0, "everything is back");
    let strange = verify(&*fixture.db.store, secrets().hasher()).await.unwrap();
    assert_eq!((strange.broken, strange.first.unwrap().id), (8, id(0)), "another key fits no row");
}

async fn retention_breaks_no_chain(db: Db) {
    let fixture = Fixture::new(db);
    let (one, other) = (fixture.process(), fixture.process());
    fixture.leave(&one, 3).await;
    fixture.clock.advance(DAY * 300);
    fixture.leave(&other, 2).await;
    fixture.leave(&one, 2).await;
    fixture.clock.advance(DAY * 150);
    let pruning = fixture.pruning(&one);
    assert_eq!(pruning.prune().await.unwrap(), 3);
    // The beginning of one chain is gone, and the row that the other joined.
    assert_eq!(fixture.verify().await, Verified { rows: 5, chains: 2, broken: 0, first: None });
    assert_eq!(pruning.prune().await.unwrap(), 0, "nothing else is old enough");
    fixture.leave(&other, 1).await;

    let rows = fixture.rows().await;
    fixture.unguard().await;
    let delete = |at: usize| format!("DELETE FROM audit_log WHERE id = {}", rows[at].id);
    assert_eq!(fixture.broken_by(&delete(2)).await, (rows[3].id, GAP), "it was too young for retention");
    assert_eq!(fixture.broken_by(&delete(0)).await, (rows[1].id, GAP));
    // Without the row about it, a beginning that is missing is a fault; and nobody can invent that row.
    let prune = rows.iter().find(|row| row.action == "audit.prune").unwrap();
    let later = "UPDATE audit_log SET object = '2030-01-01T00:00:00.000000Z' WHERE action = 'audit.prune'";
    assert_eq!(fixture.broken_by(later).await.1, JOINED, "the oldest of those that are broken");
    assert_eq!(prune.object.as_deref(), Some("2020-02-20T00:00:00.000000Z"));

    // Whole chains go, and later ones go on.
    fixture.clock.advance(DAY * 401);
    fixture.leave(&other, 1).await;
    assert_eq!(pruning.prune().await.unwrap(), 6);
    assert_eq!(fixture.verify().await, Verified { rows: 2, chains: 2, broken: 0, first: None });
}

/// The log, in which retention runs after the first page of the chains was read.
struct Meanwhile {
    log: Arc<dyn Store>,
    pruning: Mutex<Option<Pruning>>,
}

#[async_trait]
impl AuditLog for Meanwhile {
    async fn append_audit(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        self.log.append_audit(rows).await
    }

    async fn newest_audit(&self) -> Result<Option<NewestAuditRow>, StoreError> {
        self.log.newest_audit().await
    }

    async fn audit_hash(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.log.audit_hash(id).await
    }

    async fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        self.log.audit_rows(filter).await
    }

    async fn audit_chains(&self, after: ChainPosition, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = self.log.audit_chains(after, limit).await?;
        let pruning = self.pruning.lock().unwrap().take();
        if let Some(pruning) = pruning {
            assert_eq!(pruning.prune().await.unwrap(), 1201);
        }
        Ok(rows)
    }

    async fn has_audit_before(&self, time: DateTime<Utc>) -> Result<bool, StoreError> {
        self.log.has_audit_before(time).await
    }

    async fn prune_audit(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.log.prune_audit(before, limit).await
    }
}

async fn retention_may_run_while_the_log_is_verified(db: Db) {
    let fixture = Fixture::new(db);
    let (early, late) = (fixture.process(), fixture.process());
    fixture.leave(&early, 1).await;
    fixture.leave(&late, 1200).await;
    fixture.clock.advance(DAY * 450);
    fixture.leave(&late, 3).await;
    // The row about it comes into a chain that was read already.
    let pruning = Mutex::new(Some(fixture.pruning(&early)));
    let log = Meanwhile { log: fixture.db.store.clone(), pruning };
    let found = verify(&log, fixture.secrets.hasher()).await.unwrap();
    assert_eq!(found, Verified { rows: 1003, chains: 2, broken: 0, first: None });
    assert_eq!(fixture.verify().await, Verified { rows: 4, chains: 2, broken: 0, first: None });
}

async fn what_retention_would_not_delete_is_missing(db: Db) {
    let fixture = Fixture::new(db);
    let audit = fixture.process();
    fixture.leave(&audit, 3).await;
    let entry = Entry::new(Actor::Service, Action::AuditPrune);
    audit.record(entry.object("2030-01-01T00:00:00.000000Z"));
    timeout(SOON, audit.flush()).await.expect("not stored");
    let rows = fixture.rows().await;
    fixture.unguard().await;
    let delete = format!("DELETE FROM audit_log WHERE id = {}", rows[1].id);
    assert_eq!(fixture.broken_by(&delete).await, (rows[2].id, GAP), "an older row is still there");
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
    // Characters of four bytes that no compression shortens: longer than an index of PostgreSQL takes.
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
