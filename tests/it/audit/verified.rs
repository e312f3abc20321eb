//! What is found of changed and missing rows, also while retention deletes others.

use super::*;

both_engines![
    an_update_a_deletion_and_a_forgery_are_found,
    retention_breaks_no_chain,
    retention_may_run_while_the_log_is_verified,
    what_retention_would_not_delete_is_missing,
];

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
    // Without the row about it, a beginning that is missing is a fault; and nobody can invent that
    // row.
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
