//! The protocol's state machine as a pure value, compared with the real vault through random
//! sequences of orders, sign-ins, faults, crashes and restarts.
//!
//! `provider.rs` models the provider, `world` the worker, `step.rs` the steps, and `model_run.rs`
//! compares. A failing sequence is shrunk before it is reported.

mod fake_endpoint;
mod model_run;
mod process;
mod provider;
mod step;
mod world;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Handle;

use self::model_run::ModelRun;
use self::step::{Scenario, scenarios};
use crate::support::stores::{Db, on_postgres, on_sqlite};

/// Events that every run of the usual length must contain; otherwise the sequences test too little.
const MUST_BE_SEEN: [&str; 20] = [
    "rotated",
    "unchanged",
    "refused",
    "no_answer",
    "superseded",
    "rejected",
    "answer_lost",
    "expired",
    "cached",
    "given",
    "too short",
    "an orphan",
    "a clock step",
    "an intent refused to who is thought dead",
    "a late successor",
    "stored from the spool",
    "superseded in the spool",
    "refreshed",
    "not due",
    "resolved",
];

/// The time limit of a sequence.
const HANGS: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    on_sqlite(|db| async move {
        db.execute(
            "CREATE TABLE model_refuses (intents BOOLEAN NOT NULL, successors BOOLEAN NOT NULL);
             INSERT INTO model_refuses VALUES (false, false);
             CREATE TRIGGER refuse_intent BEFORE INSERT ON exchanges
             WHEN NEW.outcome IS NULL AND (SELECT intents FROM model_refuses)
             BEGIN SELECT RAISE(ABORT, 'refused'); END;
             CREATE TRIGGER refuse_successor BEFORE INSERT ON known_tokens
             WHEN (SELECT successors FROM model_refuses)
             BEGIN SELECT RAISE(ABORT, 'refused'); END;",
        )
        .await;
        let seen = explore(&db, 96);
        if std::env::var("KLARNA_WORKER_MODEL_CASES").is_err() {
            for must in MUST_BE_SEEN {
                assert!(seen.contains(must), "no sequence came to: {must}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    on_postgres(|db| async move {
        db.execute(
            "CREATE TABLE model_refuses (intents boolean NOT NULL, successors boolean NOT NULL);
             INSERT INTO model_refuses VALUES (false, false);
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE FUNCTION refuses_intents() RETURNS boolean LANGUAGE sql AS
             'SELECT intents FROM klarna_worker.model_refuses';
             CREATE FUNCTION refuses_successors() RETURNS boolean LANGUAGE sql AS
             'SELECT successors FROM klarna_worker.model_refuses';
             CREATE TRIGGER refuse_intent BEFORE INSERT ON exchanges FOR EACH ROW
             WHEN (NEW.outcome IS NULL AND klarna_worker.refuses_intents()) EXECUTE FUNCTION refuse();
             CREATE TRIGGER refuse_successor BEFORE INSERT ON known_tokens FOR EACH ROW
             WHEN (klarna_worker.refuses_successors()) EXECUTE FUNCTION refuse();",
        )
        .await;
        explore(&db, 24);
    })
    .await;
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Runs random sequences and returns the events that occurred. The first failing sequence is shrunk
/// and shown.
fn explore(db: &Db, cases: u64) -> BTreeSet<&'static str> {
    let cases = setting("KLARNA_WORKER_MODEL_CASES", cases).try_into().unwrap();
    let seed = setting("KLARNA_WORKER_MODEL_SEED", 1);
    let config = Config { cases, failure_persistence: None, max_shrink_time: 120_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let happened = Mutex::new(BTreeSet::new());
    let play = |scenario: Scenario| {
        let playing = async {
            let mut model_run = ModelRun::set(db, &scenario).await;
            let played = tokio::time::timeout(HANGS, model_run.play(&scenario.steps)).await;
            model_run.clear().await;
            happened.lock().unwrap().extend(model_run.seen());
            played.unwrap_or_else(|_| Err("it hangs".into()))
        };
        Handle::current().block_on(playing).map_err(TestCaseError::fail)
    };
    let explored = tokio::task::block_in_place(|| runner.run(&scenarios(), play));
    explored.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    happened.into_inner().unwrap()
}
