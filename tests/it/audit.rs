//! The audit log: what is found of changed and missing rows, retention, and a database that takes no rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use klarna_order_worker::audit::{Action, Actor, Audit, Dependencies, Entry, Pruning, Verified, verify};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::{AuditFilter, AuditRow};
use klarna_order_worker::vault::sealing::{Cipher, Secrets};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::support::stores::{Db, both_engines};

both_engines![
    an_update_a_deletion_and_a_forgery_are_found,
    retention_breaks_no_chain,
    the_database_refuses_changes_and_early_deletions,
    rows_wait_while_the_database_refuses_them,
    a_process_that_ends_does_not_wait_for_ever,
    submissions_can_be_left_out,
];

const SOON: Duration = Duration::from_secs(15);
const DAY: Duration = Duration::from_hours(24);

/// Processes of one installation, whose clocks a test advances. They begin long ago, because the database
/// deletes no young rows.
struct Scene {
    db: Db,
    secrets: Arc<Secrets>,
    clock: Clock,
}

impl Scene {
    fn new(db: Db) -> Self {
        let clock = Clock::manual("2020-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        Self { db, secrets: secrets(), clock }
    }

    /// Starts a process.
    fn process(&self) -> Audit {
        self.process_with(true)
    }

    fn process_with(&self, submissions: bool) -> Audit {
        Audit::start(Dependencies {
            log: self.db.store.clone(),
            secrets: Arc::clone(&self.secrets),
            clock: self.clock.clone(),
            settings: config::Audit { submissions, lines: config::AuditLines::Off },
        })
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
    let scene = Scene::new(db);
    assert_eq!(scene.verify().await, Verified { rows: 0, chains: 0, broken: 0, first: None });
    let one = scene.process();
    scene.leave(&one, 4).await;
    // Another process begins, and both go on.
    let other = scene.process();
    scene.leave(&other, 3).await;
    scene.leave(&one, 1).await;
    assert_eq!(scene.verify().await, Verified { rows: 8, chains: 2, broken: 0, first: None });
    let rows = scene.rows().await;
    assert_eq!(rows[4].joined_id, Some(rows[3].id), "the second chain begins after the newest row");
    let id = |at: usize| rows[at].id;

    scene.unguard().await;
    let of = |at: usize| format!("WHERE id = {}", id(at));
    for column in [
        "actor = 'key:other'",
        "action = 'token.forget'",
        "outcome = 'refused'",
        "object = NULL",
        "number = 9",
    ] {
        assert_eq!(
            scene.broken_by(&format!("UPDATE audit_log SET {column} {}", of(2))).await,
            (id(2), CHANGED)
        );
    }
    // Inside a chain, at its beginning, its end, and as a whole.
    assert_eq!(scene.broken_by(&format!("DELETE FROM audit_log {}", of(1))).await, (id(2), GAP));
    assert_eq!(scene.broken_by(&format!("DELETE FROM audit_log {}", of(0))).await, (id(1), GAP));
    assert_eq!(scene.broken_by(&format!("DELETE FROM audit_log {}", of(3))).await, (id(4), JOINED));
    let chain = format!("WHERE chain = (SELECT chain FROM audit_log {})", of(0));
    assert_eq!(scene.broken_by(&format!("DELETE FROM audit_log {chain}")).await, (id(4), JOINED));
    // Whoever does not have the key makes no row that fits.
    let next = "SELECT chain, number + 1, happened_at, actor, action, outcome, previous_at, hash, hash FROM audit_log";
    let forged = format!(
        "INSERT INTO audit_log (chain, number, happened_at, actor, action, outcome, previous_at, previous_hash, hash) \
         {next} {}",
        of(6)
    );
    assert_eq!(scene.broken_by(&forged).await.1, CHANGED);
    assert_eq!(scene.verify().await.broken, 0, "everything is back");
    let strange = verify(&*scene.db.store, secrets().hasher()).await.unwrap();
    assert_eq!((strange.broken, strange.first.unwrap().id), (8, id(0)), "another key fits no row");
}

async fn retention_breaks_no_chain(db: Db) {
    let scene = Scene::new(db);
    let (one, other) = (scene.process(), scene.process());
    scene.leave(&one, 3).await;
    scene.clock.advance(DAY * 300);
    scene.leave(&other, 2).await;
    scene.leave(&one, 2).await;
    scene.clock.advance(DAY * 150);
    let pruning = Pruning {
        log: scene.db.store.clone(),
        audit: one.clone(),
        clock: scene.clock.clone(),
        after: DAY * 400,
    };
    assert_eq!(pruning.prune().await.unwrap(), 3);
    // The beginning of one chain is gone, and the row that the other joined.
    assert_eq!(scene.verify().await, Verified { rows: 5, chains: 2, broken: 0, first: None });
    assert_eq!(pruning.prune().await.unwrap(), 0, "nothing else is old enough");
    scene.leave(&other, 1).await;

    let rows = scene.rows().await;
    scene.unguard().await;
    let delete = |at: usize| format!("DELETE FROM audit_log WHERE id = {}", rows[at].id);
    assert_eq!(scene.broken_by(&delete(2)).await, (rows[3].id, GAP), "it was too young for retention");
    assert_eq!(scene.broken_by(&delete(0)).await, (rows[1].id, GAP));
    // Without the row about it, a beginning that is missing is a fault; and nobody can invent that row.
    let prune = rows.iter().find(|row| row.action == "audit.prune").unwrap();
    let later = "UPDATE audit_log SET object = '2030-01-01T00:00:00.000000Z' WHERE action = 'audit.prune'";
    assert_eq!(scene.broken_by(later).await.1, JOINED, "the oldest of those that are broken");
    assert_eq!(prune.object.as_deref(), Some("2020-02-20T00:00:00.000000Z"));

    // Whole chains go, and later ones go on.
    scene.clock.advance(DAY * 401);
    scene.leave(&other, 1).await;
    assert_eq!(pruning.prune().await.unwrap(), 6);
    assert_eq!(scene.verify().await, Verified { rows: 2, chains: 2, broken: 0, first: None });
}

async fn the_database_refuses_changes_and_early_deletions(db: Db) {
    let scene = Scene { clock: Clock::system(), ..Scene::new(db) };
    scene.leave(&scene.process(), 2).await;
    let mut changes = vec!["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"];
    if !scene.db.is_sqlite() {
        changes.push("TRUNCATE audit_log");
    }
    for change in changes {
        let refused = scene.db.raw().await.try_execute(change).await.unwrap_err().to_string();
        assert!(refused.contains("rows of the audit log cannot be"), "{change}: {refused}");
    }
    assert_eq!(scene.verify().await.rows, 2);
}

async fn rows_wait_while_the_database_refuses_them(db: Db) {
    let scene = Scene::new(db);
    let audit = scene.process();
    scene.leave(&audit, 1).await;
    scene.db.execute("ALTER TABLE audit_log RENAME TO audit_log_away").await;
    for row in 0..3 {
        audit.record(Entry::new(Actor::Local, Action::TokenForget).object(row));
    }
    assert!(timeout(Duration::from_millis(500), audit.flush()).await.is_err(), "stored nowhere");
    audit.record(Entry::new(Actor::Local, Action::UserErase));
    scene.db.execute("ALTER TABLE audit_log_away RENAME TO audit_log").await;
    timeout(SOON, audit.flush()).await.expect("not stored");
    let objects: Vec<Option<String>> = scene.rows().await.into_iter().map(|row| row.object).collect();
    assert_eq!(
        objects,
        [Some("0"), Some("0"), Some("1"), Some("2"), None].map(|object| object.map(str::to_owned))
    );
    assert_eq!(scene.verify().await, Verified { rows: 5, chains: 1, broken: 0, first: None });
}

async fn a_process_that_ends_does_not_wait_for_ever(db: Db) {
    let scene = Scene::new(db);
    let audit = scene.process();
    scene.db.execute("ALTER TABLE audit_log RENAME TO audit_log_away").await;
    audit.record(Entry::new(Actor::Local, Action::TokenForget));
    timeout(SOON, audit.close(Duration::from_millis(200))).await.expect("still waiting");
}

async fn submissions_can_be_left_out(db: Db) {
    let scene = Scene::new(db);
    let audit = scene.process_with(false);
    for action in [Action::OrderSubmit, Action::OrdersSubmit, Action::OrderCancel] {
        audit.record(Entry::new(Actor::Local, action));
    }
    timeout(SOON, audit.flush()).await.expect("not stored");
    assert_eq!(scene.rows().await.into_iter().map(|row| row.action).collect::<Vec<_>>(), ["order.cancel"]);
}
