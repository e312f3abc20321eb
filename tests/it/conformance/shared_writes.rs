//! Writes of many callers that share a commit: each caller gets an answer of its own.

use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::{Claim, Signal, StoreError, TokenClaim};
use klarna_order_worker::token::{Intended, Intent, OrderClaim, Settled};
use tokio::time::{sleep, timeout};

use super::orders::{self, insert, order};
use super::settling::submitted;
use super::tokens::{claim, end, intent, outcome, register, row, successor_of};
use crate::support::stores::{Db, both_engines, on_sqlite};

both_engines![intents_at_once_are_each_answered, orders_at_once_each_get_their_token_and_their_result];

/// More than one statement has, and no power of two.
const MANY: usize = 21;

fn users() -> Vec<String> {
    (0..MANY).map(|number| format!("u-{number}")).collect()
}

async fn intents_at_once_are_each_answered(db: Db) {
    let users = users();
    let (holder, dead) = (db.begin_worker().await, db.begin_worker().await);
    db.store.end_worker(dead).await.unwrap();
    let mut claims = Vec::new();
    for user in &users {
        register(&db, user, 1).await;
        let claim = claim(&*db.store, user).await;
        let intent = intent(&*claim, holder);
        claims.push((claim, intent));
    }
    claims[3].1.holder = dead;
    claims[MANY - 1].1.version.generation = 7;
    let answers = join_all(claims.iter_mut().map(|(claim, intent)| claim.intend(intent))).await;
    let is_refused = |place: &usize| *answers[*place].as_ref().unwrap() == Intended::Refused;
    assert_eq!((0..MANY).filter(is_refused).collect::<Vec<_>>(), [3, MANY - 1]);
    assert_eq!(db.count("exchanges WHERE outcome IS NULL").await, MANY as u64 - 2);
    for (claim, _) in claims {
        claim.release().await;
    }
}

/// An order with the exchange that it waits for.
struct Running {
    order: Claim,
    user: String,
    claim: Box<dyn TokenClaim>,
    intent: Intent,
}

/// Orders of users that run, each with a committed intent.
async fn running(db: &Db, users: &[String]) -> Vec<Running> {
    let worker = db.begin_worker().await;
    for user in users {
        register(db, user, 1).await;
        insert(db, order(db, user)).await;
    }
    let mut running = Vec::new();
    for claimed in orders::claim(db, worker, users.len()).await {
        let user = claimed.user.as_str().to_owned();
        let mut claim = claim(&*db.store, &user).await;
        let mut intent = intent(&*claim, worker);
        intent.purpose.id = claimed.claim.order.into();
        assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
        running.push(Running { order: claimed.claim, user, claim, intent });
    }
    running
}

impl Running {
    async fn rotate(self, db: &Db) -> (Claim, String, Result<Settled, StoreError>) {
        let mut end = end(db, &self.intent, successor_of(db, &self.user, 2));
        let Claim { worker, number, .. } = self.order;
        end.cached.as_mut().unwrap().claim = Some(OrderClaim { worker, number });
        (self.order, self.user, self.claim.settle(&end).await)
    }
}

async fn orders_at_once_each_get_their_token_and_their_result(db: Db) {
    let mut running = running(&db, &users()).await;
    assert_eq!(running.len(), MANY);
    running[7].order.number = running[7].order.number.next();
    let (stale, newer) = (running[7].user.clone(), running[9].user.clone());
    let intents: Vec<Intent> = running.iter().map(|running| running.intent.clone()).collect();
    register(&db, &newer, 3).await;
    let stored = join_all(running.into_iter().map(|running| running.rotate(&db))).await;
    for ((_, user, settled), intent) in stored.iter().zip(&intents) {
        let (expected, word, generation) = match user {
            user if *user == newer => (Settled::Superseded, "superseded", 2),
            user if *user == stale => (Settled::Written, "rotated", 2),
            _ => (Settled::Announced, "rotated", 2),
        };
        assert_eq!(*settled.as_ref().unwrap(), expected, "{user}");
        assert_eq!(outcome(&db, intent).await.as_deref(), Some(word), "{user}");
        assert_eq!(row(&db, user).await.2, generation, "{user}");
    }
    let rows = MANY as u64;
    assert_eq!(db.count("cached_tokens").await, rows - 1);
    assert_eq!(db.count("orders WHERE sent_claim = claim_number").await, rows - 2);
    // Two of each user's tokens are known, and the one that came too late.
    assert_eq!(db.count("known_tokens").await, 2 * rows + 1);

    let keys: Vec<UserKey> = stored.iter().map(|(_, user, _)| UserKey::new("shop", user.as_str())).collect();
    let end = submitted();
    let (settled, noted) = futures::join!(
        join_all(stored.iter().map(|(order, ..)| db.store.settle_order(order, &end))),
        join_all(keys.iter().map(|key| db.store.note_subject(key, b"who")))
    );
    noted.into_iter().for_each(Result::unwrap);
    for ((_, user, _), settled) in stored.iter().zip(settled) {
        let told = settled.unwrap();
        assert_eq!(told.map(|told| told.user.as_str().to_owned()), (*user != stale).then(|| user.clone()));
    }
    assert_eq!(db.count("orders WHERE status = 'submitted' AND klarna_id = 'k-1'").await, rows - 1);
    assert_eq!(db.count("cached_tokens").await, 1);
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, rows);
}

/// On SQLite, intents, successors, results and subjects may share one commit.
#[tokio::test]
async fn a_refused_write_takes_no_other_along() {
    on_sqlite(async |db: Db| {
        let refuse = |table: &str, event: &str, row: &str| {
            format!(
                "CREATE TRIGGER refuse_{table} BEFORE {event} ON {table} WHEN {row}
                 BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
            )
        };
        let refused = |error: StoreError| assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
        let users: Vec<String> = ["u", "v", "w"].map(str::to_owned).into();
        let running = running(&db, &users).await;
        db.execute(&refuse("tokens", "UPDATE", "NEW.user_id = 'u'")).await;
        let (mut kept, mut lost) = (Vec::new(), 0);
        for (order, user, settled) in join_all(running.into_iter().map(|running| running.rotate(&db))).await {
            match settled {
                Ok(settled) => assert_eq!((settled, user != "u"), (Settled::Announced, true)),
                Err(error) => {
                    assert_eq!(user, "u");
                    refused(error);
                    lost += 1;
                }
            }
            kept.push((order, user));
        }
        assert_eq!((lost, db.count("tokens WHERE generation = 2").await), (1, 2));
        assert_eq!(db.count("exchanges WHERE outcome = 'rotated'").await, 2);

        db.execute(&refuse("orders", "UPDATE", "NEW.user_id = 'v' AND NEW.status = 'submitted'")).await;
        let end = submitted();
        let settling = kept.iter().map(|(order, _)| db.store.settle_order(order, &end));
        for ((_, user), settled) in kept.iter().zip(join_all(settling).await) {
            match settled {
                Ok(settled) => assert!(settled.is_some() && user != "v"),
                Err(error) => {
                    assert_eq!(user, "v");
                    refused(error);
                }
            }
        }
        assert_eq!(db.count("orders WHERE status = 'submitted'").await, 2);
        assert_eq!(db.count("orders WHERE status = 'running'").await, 1);
    })
    .await;
}

/// The log changes with each commit of this process, so it does not show those of others.
#[tokio::test]
async fn a_commit_of_another_process_is_noticed_among_own_ones() {
    on_sqlite(async |db: Db| {
        let mut signals = db.store.listen().await.unwrap();
        let own = async {
            for number in 0.. {
                insert(&db, order(&db, &format!("u-{number}"))).await;
                sleep(Duration::from_millis(5)).await;
            }
        };
        let noticed = async {
            loop {
                if signals.next().await.unwrap() == Signal::Changed {
                    break;
                }
            }
        };
        let other = async {
            while db.count("orders").await < 20 {
                sleep(Duration::from_millis(5)).await;
            }
            db.open().await.insert_orders(&[order(&db, "other")]).await.unwrap();
            timeout(Duration::from_mins(1), noticed).await.expect("it was not noticed");
        };
        tokio::select! {
            () = other => {}
            () = own => {}
        }
    })
    .await;
}
