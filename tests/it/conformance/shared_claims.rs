//! PostgreSQL only: claims that share a session, its transactions and its commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::ids::WorkerId;
use klarna_order_worker::store::{Store, StoreError, TokenClaim};
use klarna_order_worker::token::{
    DeadReason, ExchangeEnd, ExchangeResult, Intended, Intent, Settled, TokenState,
};
use tokio::time::timeout;

use super::pg::{attempt, kill_claims};
use super::tokens::{claim, end, intent, outcome, register, row, successor_of};
use crate::support::stores::{Db, postgres_alone};

postgres_alone![
    exchanges_share_a_connection_and_its_commits,
    a_session_refuses_a_second_claim_of_its_own_token,
    tokens_whose_exchanges_go_on_are_locked_again_after_a_commit,
    a_released_token_is_free_although_others_wait_for_klarna,
    every_end_is_stored_beside_others,
    a_locked_token_keeps_no_other_end_waiting,
    a_session_that_is_held_up_keeps_no_claim_waiting,
    a_claim_waits_for_one_store_and_not_for_all,
    a_refused_successor_takes_no_other_along,
    a_session_that_dies_keeps_no_successor,
    a_claim_that_joins_a_dead_session_finds_another_connection,
    a_claim_beside_a_release_that_meets_a_dead_connection_opens_another,
    a_claim_beside_an_end_that_meets_a_dead_connection_opens_another,
];

/// Shorter than a wait for a lock, which lasts 1 s.
const AT_ONCE: Duration = Duration::from_millis(900);

/// An exchange in flight.
struct InFlight {
    user: String,
    claim: Box<dyn TokenClaim>,
    intent: Intent,
}

impl InFlight {
    /// Stores an end. Returns it with the result.
    async fn settle(self, db: &Db, result: ExchangeResult) -> (ExchangeEnd, Result<Settled, StoreError>) {
        let end = end(db, &self.intent, result);
        let settled = self.claim.settle(&end).await;
        (end, settled)
    }

    async fn rotate(self, db: &Db) -> (ExchangeEnd, Result<Settled, StoreError>) {
        let successor = successor_of(db, &self.user, 2);
        self.settle(db, successor).await
    }
}

/// Claims the tokens of users at once, and commits their intents.
async fn in_flight(db: &Db, store: &dyn Store, holder: WorkerId, users: &[&str]) -> Vec<InFlight> {
    for user in users {
        register(db, user, 1).await;
    }
    let claims = join_all(users.iter().map(|user| claim(store, user))).await;
    let intending = users.iter().zip(claims).map(|(user, mut claim)| async move {
        let intent = intent(&*claim, holder);
        assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
        InFlight { user: (*user).to_owned(), claim, intent }
    });
    join_all(intending).await
}

/// A store with one session, and two or more exchanges in flight in it.
async fn one_session<const N: usize>(db: &Db, users: [&str; N]) -> (Arc<dyn Store>, WorkerId, [InFlight; N]) {
    let (store, holder) = (db.open_with_one_session().await, db.begin_worker().await);
    let flights = in_flight(db, &*store, holder, &users).await;
    (store, holder, flights.try_into().unwrap_or_else(|_| panic!("as many as users")))
}

fn written(settled: &Result<Settled, StoreError>) -> bool {
    matches!(settled, Ok(Settled::Written))
}

async fn exchanges_share_a_connection_and_its_commits(db: Db) {
    let (store, holder) = (db.open_with_one_session().await, db.begin_worker().await);
    let users: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let flights = in_flight(&db, &*store, holder, &users).await;
    let locks = "count(DISTINCT pid) || ' ' || count(*) FROM pg_locks WHERE locktype = 'advisory' \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(db.value(locks).await.as_deref(), Some("1 20"));
    let claims = store.pools().into_iter().find(|used| used.pool == "claims").unwrap();
    assert_eq!((claims.used, claims.most), (1, 1));

    let settled = join_all(flights.into_iter().map(|flight| flight.rotate(&db))).await;
    assert!(settled.iter().all(|(_, settled)| written(settled)));
    assert_eq!(db.count("(SELECT DISTINCT xmin::text FROM tokens) AS commits").await, 1);
    assert_eq!(db.count("tokens WHERE generation = 2").await, 20);
    assert_eq!(db.count("exchanges WHERE outcome = 'rotated'").await, 20);
    assert_eq!(db.value(locks).await.as_deref(), Some("0 0"));
    assert_eq!(store.pools().into_iter().find(|used| used.pool == "claims").unwrap().used, 0);
}

/// PostgreSQL would give a session the lock of its own token a second time.
async fn a_session_refuses_a_second_claim_of_its_own_token(db: Db) {
    let store = db.open_with_one_session().await;
    register(&db, "u", 1).await;
    let (one, two) = tokio::join!(attempt(&*store, "u"), attempt(&*store, "u"));
    let mut claims: Vec<_> = [one, two].into_iter().flatten().collect();
    assert_eq!(claims.len(), 1);
    assert!(attempt(&*store, "u").await.is_none());
    claims.remove(0).release().await;
    claim(&*store, "u").await.release().await;
}

async fn tokens_whose_exchanges_go_on_are_locked_again_after_a_commit(db: Db) {
    let other = db.open().await;
    let (store, holder, [u, v]) = one_session(&db, ["u", "v"]).await;
    assert!(written(&v.rotate(&db).await.1));
    // The next claim comes after that.
    let next = in_flight(&db, &*store, holder, &["w"]).await.remove(0);
    assert!(attempt(&*other, "u").await.is_none(), "the token was not locked again");
    claim(&*other, "v").await.release().await;
    let (u, w) = tokio::join!(u.rotate(&db), next.rotate(&db));
    assert!(written(&u.1) && written(&w.1));
}

async fn a_released_token_is_free_although_others_wait_for_klarna(db: Db) {
    let other = db.open().await;
    let (_store, _, [u, v]) = one_session(&db, ["u", "v"]).await;
    u.claim.release().await;
    claim(&*other, "u").await.release().await;
    assert!(written(&v.rotate(&db).await.1));
}

async fn every_end_is_stored_beside_others(db: Db) {
    let users = ["a", "b", "c", "d", "e", "f", "g"];
    let (_store, _, flights) = one_session(&db, users).await;
    register(&db, "g", 3).await;
    let results = [
        successor_of(&db, "a", 2),
        ExchangeResult::Unchanged,
        ExchangeResult::Rejected(DeadReason::Rejected),
        ExchangeResult::NotSent,
        ExchangeResult::Refused,
        ExchangeResult::NoAnswer { travelling: true, hold: false },
        successor_of(&db, "g", 2),
    ];
    let words = ["rotated", "unchanged", "rejected", "not_sent", "refused", "no_answer", "superseded"];
    let intents: Vec<Intent> = flights.iter().map(|flight| flight.intent.clone()).collect();
    let settling = flights.into_iter().zip(results).map(|(flight, result)| flight.settle(&db, result));
    let settled = join_all(settling).await;
    for ((user, word), (intent, (end, settled))) in users.iter().zip(words).zip(intents.iter().zip(settled)) {
        let expected = if *user == "g" { Settled::Superseded } else { Settled::Written };
        assert_eq!(settled.unwrap(), expected, "{user}");
        assert_eq!(outcome(&db, intent).await.as_deref(), Some(word), "{user}");
        assert_eq!(db.store.settle_exchange(&end).await.unwrap(), expected, "{user} again");
    }
    let dead = (TokenState::ReauthRequired, Some(DeadReason::Rejected), 1);
    assert_eq!((row(&db, "a").await.2, row(&db, "c").await), (2, dead));
    assert_eq!(row(&db, "g").await, (TokenState::Active, None, 2));
}

async fn a_locked_token_keeps_no_other_end_waiting(db: Db) {
    let (_store, _, [u, v, w, x]) = one_session(&db, ["u", "v", "w", "x"]).await;
    let mut lock = db.raw().await;
    lock.execute("BEGIN; SELECT id FROM tokens WHERE user_id IN ('u', 'x') FOR UPDATE").await;
    let others = async {
        let unchanged = w.settle(&db, ExchangeResult::Unchanged);
        let settled = timeout(AT_ONCE, async { tokio::join!(v.rotate(&db), unchanged) }).await;
        let (v, w) = settled.expect("an end waited for another token's lock");
        assert!(written(&v.1) && written(&w.1));
        assert_eq!((row(&db, "u").await.2, row(&db, "v").await.2), (1, 2));
    };
    let (u, x, ()) = tokio::join!(u.rotate(&db), x.settle(&db, ExchangeResult::Unchanged), others);
    for (_, settled) in [&u, &x] {
        assert!(matches!(settled, Err(StoreError::Busy(_))), "{settled:?}");
    }
    lock.execute("ROLLBACK").await;
    for (end, _) in [&u, &x] {
        assert_eq!(db.store.settle_exchange(end).await.unwrap(), Settled::Written);
    }
    assert_eq!(row(&db, "u").await.2, 2);
}

/// Lets no successor be stored before the table `gate` has a row.
const GATE: &str = "
    CREATE TABLE klarna_worker.gate (opened boolean);
    CREATE FUNCTION klarna_worker.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        WHILE NOT EXISTS (SELECT 1 FROM klarna_worker.gate) LOOP
            PERFORM pg_sleep(0.01);
        END LOOP;
        RETURN NEW;
    END $$;
    CREATE TRIGGER wait_at_gate BEFORE INSERT ON klarna_worker.known_tokens
        FOR EACH ROW EXECUTE FUNCTION klarna_worker.wait_at_gate()";

async fn a_session_that_is_held_up_keeps_no_claim_waiting(db: Db) {
    let holder = db.begin_worker().await;
    let held_up = in_flight(&db, &*db.store, holder, &["u"]).await.remove(0);
    register(&db, "v", 1).await;
    db.execute(GATE).await;
    // It comes together with the end.
    let beside = async {
        claim(&*db.store, "v").await.release().await;
        db.execute("INSERT INTO klarna_worker.gate VALUES (true)").await;
    };
    let ((_, settled), ()) = tokio::join!(held_up.rotate(&db), beside);
    assert!(written(&settled), "the claim waited for the other session's store: {settled:?}");
}

/// There is always another end when the session has stored one.
async fn a_claim_waits_for_one_store_and_not_for_all(db: Db) {
    const EACH: usize = 20;
    let (store, holder) = (db.open_with_one_session().await, db.begin_worker().await);
    let users: Vec<String> = (0..2 * EACH).map(|n| format!("u{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut flights = in_flight(&db, &*store, holder, &users).await;
    register(&db, "v", 1).await;
    let (stored, db, store) = (&AtomicUsize::new(0), &db, &store);
    let row = |flights: Vec<InFlight>| async move {
        for flight in flights {
            assert!(written(&flight.rotate(db).await.1));
            stored.fetch_add(1, Ordering::SeqCst);
        }
    };
    let rows = [row(flights.split_off(EACH)), row(flights)];
    let beside = async {
        claim(&**store, "v").await.release().await;
        stored.load(Ordering::SeqCst)
    };
    let (_, before) = tokio::join!(join_all(rows), beside);
    assert!(before < EACH, "the claim waited for {before} stores");
}

async fn a_refused_successor_takes_no_other_along(db: Db) {
    let (_store, _, [u, v, w]) = one_session(&db, ["u", "v", "w"]).await;
    db.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused by the test''; END';
         CREATE TRIGGER refuse BEFORE UPDATE ON tokens FOR EACH ROW WHEN (NEW.user_id = 'u') EXECUTE FUNCTION refuse()",
    )
    .await;
    let (u, v, w) = tokio::join!(u.rotate(&db), v.rotate(&db), w.rotate(&db));
    assert!(matches!(u.1, Err(StoreError::Unexpected(_))), "{:?}", u.1);
    assert!(written(&v.1) && written(&w.1), "{:?} {:?}", v.1, w.1);
    assert_eq!(db.count("tokens WHERE generation = 2").await, 2);
    db.execute("DROP TRIGGER refuse ON tokens").await;
    assert_eq!(db.store.settle_exchange(&u.0).await.unwrap(), Settled::Written);
    assert_eq!(db.count("tokens WHERE generation = 2").await, 3);
}

async fn a_session_that_dies_keeps_no_successor(db: Db) {
    let (_store, _, [u, v]) = one_session(&db, ["u", "v"]).await;
    kill_claims(&db).await;
    let (end, settled) = u.rotate(&db).await;
    assert!(settled.as_ref().is_err_and(StoreError::is_transient), "{settled:?}");
    assert_eq!(db.store.settle_exchange(&end).await.unwrap(), Settled::Written);
    // Its answer comes after the session has noticed.
    assert!(written(&v.rotate(&db).await.1));
    assert_eq!(db.count("tokens WHERE generation = 2").await, 2);
}

async fn a_claim_that_joins_a_dead_session_finds_another_connection(db: Db) {
    let other = db.open().await;
    let (store, holder, [u, v]) = one_session(&db, ["u", "v"]).await;
    kill_claims(&db).await;
    let next = in_flight(&db, &*store, holder, &["w"]).await.remove(0);
    assert!(attempt(&*other, "u").await.is_none(), "the token was not locked again");
    let (u, v, w) = tokio::join!(u.rotate(&db), v.rotate(&db), next.rotate(&db));
    assert!(written(&u.1) && written(&v.1) && written(&w.1));
    assert_eq!(db.count("(SELECT DISTINCT xmin::text FROM tokens) AS commits").await, 1);
}

/// Both requests reach the session together.
async fn a_claim_beside_a_release_that_meets_a_dead_connection_opens_another(db: Db) {
    let store = db.open_with_one_session().await;
    register(&db, "u", 1).await;
    for _ in 0..3 {
        let held = claim(&*store, "u").await;
        kill_claims(&db).await;
        drop(held);
        claim(&*store, "u").await.release().await;
    }
}

/// Both requests reach the session together.
async fn a_claim_beside_an_end_that_meets_a_dead_connection_opens_another(db: Db) {
    let (store, _, [u]) = one_session(&db, ["u"]).await;
    register(&db, "v", 1).await;
    kill_claims(&db).await;
    let ((end, settled), v) = tokio::join!(u.rotate(&db), claim(&*store, "v"));
    assert!(settled.as_ref().is_err_and(StoreError::is_transient), "{settled:?}");
    assert_eq!(db.store.settle_exchange(&end).await.unwrap(), Settled::Written);
    v.release().await;
    assert_eq!(row(&db, "u").await.2, 2);
}
