//! Users that a shop renames or merges.

use std::time::Duration;

use klarna_order_worker::ids::{UserId, UserKey};
use klarna_order_worker::order::{OrderId, Status};
use klarna_order_worker::store::{Moved, Renamed, StoreError};
use klarna_order_worker::token::{NewToken, Registered, Settled, TokenState};
use uuid::Uuid;

use super::orders::{claim as claim_orders, insert, order};
use super::settling::{failed, submitted};
use super::tokens::{cached, end, exchange_for, intended, new_token, register, row, successor};
use super::webhooks::{end_order, list, open_endpoint};
use crate::support::stores::{Db, both_engines};

both_engines![
    everything_of_a_user_gets_the_new_name,
    an_exchange_in_flight_stores_its_successor,
    an_order_that_may_ask_for_its_token_is_waited_for,
    an_order_whose_access_token_ends_soon_is_waited_for,
    a_history_moves_in_batches_and_an_interrupted_one_goes_on,
    a_rename_carries_nothing_away_from_an_erasure,
    an_erasure_finds_what_an_interrupted_rename_has_not_moved,
    an_erasure_that_another_process_has_ended_takes_nothing_more,
    two_tokens_are_not_merged,
    a_tombstone_makes_way,
];

/// How long the access token of a running order must stay good.
const USABLE_FOR: Duration = Duration::from_mins(2);

async fn rename(db: &Db, from: &str, to: &str) -> Renamed {
    try_rename(db, from, to).await.unwrap()
}

async fn try_rename(db: &Db, from: &str, to: &str) -> Result<Renamed, StoreError> {
    db.store.rename_user(&UserKey::new("shop", from), &UserId::from(to), USABLE_FOR).await
}

fn moved(token: bool, orders: u64, webhooks: u64) -> Renamed {
    Renamed::Done(Moved { token, orders, webhooks })
}

async fn user_of(db: &Db, id: OrderId) -> String {
    db.store.order(id).await.unwrap().unwrap().user.into()
}

async fn history(db: &Db, user: &str) -> usize {
    db.store.ledger(&UserKey::new("shop", user), None, 10).await.unwrap().len()
}

async fn everything_of_a_user_gets_the_new_name(db: Db) {
    open_endpoint(&db, 1).await;
    register(&db, "old", 1).await;
    register(&db, "other", 2).await;
    let ended = end_order(&db, "old", &failed()).await;
    let queued = insert(&db, order(&db, "old")).await;
    exchange_for(&db, "old", queued).await;
    let others = insert(&db, order(&db, "other")).await;
    let attempts = db.count("order_attempts").await;
    db.store.note_subject(&UserKey::new("shop", "old"), b"subject").await.unwrap();

    assert_eq!(rename(&db, "old", "new").await, moved(true, 2, 1));
    assert_eq!((row(&db, "new").await, history(&db, "new").await), ((TokenState::Active, None, 2), 1));
    assert!(db.store.token(&UserKey::new("shop", "old")).await.unwrap().is_none());
    assert_eq!((user_of(&db, ended).await, user_of(&db, queued).await), ("new".into(), "new".into()));
    assert_eq!(user_of(&db, others).await, "other");
    assert_eq!(list(&db).await[0].user.as_str(), "new");
    assert_eq!(db.count("order_attempts").await, attempts, "only erasing an order deletes its attempts");
    // That hash was made with the old name.
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 0);
    assert_eq!(db.count("cached_tokens").await, 1);
    // The token is the new name's, and stays known.
    let again = db.store.register_token(&new_token(&db, "old", 1)).await.unwrap();
    assert!(matches!(again, Registered::HeldElsewhere(holder) if holder.user == "new"));
    // The queued order goes on under the new name.
    let claimed = claim_orders(&db, db.begin_worker().await, 5).await;
    assert!(claimed.iter().any(|order| order.claim.order == queued && order.user == "new"));
    // What comes under the old name later can be moved, too; and nothing is no error here.
    insert(&db, order(&db, "old")).await;
    assert_eq!(rename(&db, "old", "new").await, moved(false, 1, 0));
    assert_eq!(rename(&db, "old", "new").await, moved(false, 0, 0));
}

async fn an_exchange_in_flight_stores_its_successor(db: Db) {
    register(&db, "old", 1).await;
    let (claim, intent) = intended(&db, "old", db.begin_worker().await).await;
    assert_eq!(rename(&db, "old", "new").await, moved(true, 0, 0));
    assert_eq!(claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap(), Settled::Written);
    assert_eq!((row(&db, "new").await, history(&db, "new").await), ((TokenState::Active, None, 2), 1));
    assert!(cached(&db, &intent).await);
    // Back again, while a fresh transaction has to store.
    let (claim, intent) = intended(&db, "new", db.begin_worker().await).await;
    assert_eq!(rename(&db, "new", "old").await, moved(true, 0, 0));
    claim.release().await;
    let settled = db.store.settle_exchange(&end(&db, &intent, successor(&db, 3))).await.unwrap();
    assert_eq!((settled, row(&db, "old").await), (Settled::Written, (TokenState::Active, None, 3)));
}

async fn an_order_that_may_ask_for_its_token_is_waited_for(db: Db) {
    register(&db, "old", 1).await;
    let id = insert(&db, order(&db, "old")).await;
    let worker = db.begin_worker().await;
    let running = claim_orders(&db, worker, 1).await.remove(0).claim;
    let before = row(&db, "old").await;
    assert_eq!(rename(&db, "old", "new").await, Renamed::Busy);
    assert_eq!((row(&db, "old").await, user_of(&db, id).await), (before, "old".into()), "nothing was moved");
    // With its token it asks for none any more, and its worker settles it under its own claim.
    exchange_for(&db, "old", id).await;
    assert_eq!(rename(&db, "old", "new").await, moved(true, 1, 0));
    assert!(db.store.settle_order(&running, &submitted()).await.unwrap().is_some());
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.user.as_str()), (Status::Submitted, "new"));
}

async fn an_order_whose_access_token_ends_soon_is_waited_for(db: Db) {
    register(&db, "old", 1).await;
    let id = insert(&db, order(&db, "old")).await;
    let running = claim_orders(&db, db.begin_worker().await, 1).await.remove(0).claim;
    exchange_for(&db, "old", id).await;
    // It is good for 299 s. With less than 120 s, the order may ask for another one by its old
    // name.
    db.advance(180);
    assert_eq!(rename(&db, "old", "new").await, Renamed::Busy);
    assert_eq!((row(&db, "old").await.2, user_of(&db, id).await), (2, "old".into()), "nothing was moved");
    assert!(db.store.settle_order(&running, &submitted()).await.unwrap().is_some());
    assert_eq!(rename(&db, "old", "new").await, moved(true, 1, 0));
}

/// Gives the user a token, an order that has not ended, and 601 that have, one with an event.
/// Returns the open one, and the id of the last one as a literal.
async fn with_a_long_history(db: &Db, user: &str) -> (OrderId, String) {
    open_endpoint(db, 1).await;
    register(db, user, 1).await;
    end_order(db, user, &failed()).await;
    let (random, last) = if db.is_sqlite() {
        ("randomblob(16)", format!("x'{}'", "ff".repeat(16)))
    } else {
        ("gen_random_uuid()", format!("'{}'::uuid", Uuid::max()))
    };
    let more = |id: &str, from: u32, to: u32| {
        format!(
            "INSERT INTO orders (id, merchant, user_id, digest, status, accepted_at, due_at, deadline_at, ended_at)
             WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             SELECT {id}, merchant, user_id, digest, 'failed', accepted_at, due_at, deadline_at, ended_at
             FROM n, orders WHERE klarna_id IS NULL AND attempts = 1"
        )
    };
    db.execute(&more(random, 1, 599)).await;
    db.execute(&more(&last, 1, 1)).await;
    (insert(db, order(db, user)).await, last)
}

/// From now on, the change of an order's user fails, as if the process were stopped before it.
async fn stop_before(db: &Db, order: &str) {
    let stop = "CREATE TRIGGER stop BEFORE UPDATE OF user_id ON orders FOR EACH ROW WHEN";
    let stop = if db.is_sqlite() {
        format!("{stop} (OLD.id = {order}) BEGIN SELECT RAISE(ABORT, 'stopped by the test'); END")
    } else {
        format!(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stopped by the test''; END';
             {stop} (OLD.id = {order}) EXECUTE FUNCTION stop()"
        )
    };
    db.execute(&stop).await;
}

async fn go_on(db: &Db) {
    db.execute(if db.is_sqlite() { "DROP TRIGGER stop" } else { "DROP TRIGGER stop ON orders" }).await;
}

async fn orders_of(db: &Db, user: &str) -> u64 {
    db.count(&format!("orders WHERE user_id = '{user}'")).await
}

async fn a_history_moves_in_batches_and_an_interrupted_one_goes_on(db: Db) {
    let (queued, last) = with_a_long_history(&db, "old").await;
    stop_before(&db, &last).await;
    assert!(try_rename(&db, "old", "new").await.is_err());
    // What is asked for by name was moved at once, and the history as far as it went.
    assert_eq!(
        (row(&db, "new").await, user_of(&db, queued).await),
        ((TokenState::Active, None, 1), "new".into())
    );
    assert_eq!((orders_of(&db, "new").await, orders_of(&db, "old").await), (501, 101));
    go_on(&db).await;
    assert_eq!(rename(&db, "old", "new").await, moved(false, 101, 0));
    assert_eq!((orders_of(&db, "new").await, orders_of(&db, "old").await), (602, 0));
    assert_eq!((list(&db).await[0].user.as_str(), db.count("user_changes").await), ("new", 0));
}

async fn a_rename_carries_nothing_away_from_an_erasure(db: Db) {
    let (_, last) = with_a_long_history(&db, "old").await;
    stop_before(&db, &last).await;
    assert!(db.store.erase_user(&UserKey::new("shop", "old")).await.is_err());
    register(&db, "other", 2).await;
    for (from, to) in [("old", "new"), ("other", "old")] {
        assert_eq!(rename(&db, from, to).await, Renamed::BeingErased, "{from}");
    }
    assert_eq!((orders_of(&db, "new").await, row(&db, "other").await.2), (0, 1));
    go_on(&db).await;
    db.store.erase_user(&UserKey::new("shop", "old")).await.unwrap();
    assert_eq!((orders_of(&db, "old").await, db.count("user_changes").await), (0, 0));
    assert_eq!(rename(&db, "other", "new").await, moved(true, 0, 0));
}

async fn an_erasure_finds_what_an_interrupted_rename_has_not_moved(db: Db) {
    let (_, last) = with_a_long_history(&db, "old").await;
    stop_before(&db, &last).await;
    assert!(try_rename(&db, "old", "new").await.is_err());
    go_on(&db).await;
    let erased = db.store.erase_user(&UserKey::new("shop", "new")).await.unwrap();
    assert_eq!((erased.token, erased.orders, erased.cancelled), (true, 602, 1));
    assert_eq!((orders_of(&db, "new").await, orders_of(&db, "old").await), (0, 0));
    assert_eq!(
        (db.count("user_changes").await, db.count("tokens WHERE user_id IN ('old', 'new')").await),
        (0, 0)
    );
}

async fn an_erasure_that_another_process_has_ended_takes_nothing_more(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "other", &failed()).await;
    // Once the erasure has begun, another process has ended it and begun to give its name to
    // `other`.
    let schema = if db.is_sqlite() { "" } else { "klarna_worker." };
    let meanwhile = format!(
        "UPDATE {schema}user_changes SET renamed_from = 'other', renamed_to = 'u' WHERE user_id = 'u';
         UPDATE {schema}orders SET user_id = 'u' WHERE user_id = 'other';
         UPDATE {schema}webhooks SET user_id = 'u' WHERE user_id = 'other'"
    );
    let meanwhile = if db.is_sqlite() {
        format!("CREATE TRIGGER meanwhile AFTER INSERT ON user_changes BEGIN {meanwhile}; END")
    } else {
        format!(
            "CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN {meanwhile}; RETURN NULL; END$$;
             CREATE TRIGGER meanwhile AFTER INSERT ON user_changes FOR EACH ROW EXECUTE FUNCTION meanwhile()"
        )
    };
    db.execute(&meanwhile).await;
    let erased = db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap();
    assert_eq!((erased.orders, erased.webhooks), (0, 0));
    assert_eq!((orders_of(&db, "u").await, list(&db).await[0].user.as_str()), (1, "u"));
    assert_eq!(db.count("user_changes WHERE renamed_from = 'other'").await, 1, "the mark of the rename");
}

async fn two_tokens_are_not_merged(db: Db) {
    register(&db, "old", 1).await;
    register(&db, "new", 2).await;
    let id = insert(&db, order(&db, "old")).await;
    assert_eq!(rename(&db, "old", "new").await, Renamed::BothHaveTokens);
    assert_eq!(user_of(&db, id).await, "old");
    assert!(db.store.forget_token(&UserKey::new("shop", "old")).await.unwrap());
    assert_eq!(rename(&db, "old", "new").await, moved(false, 1, 0));
    assert_eq!(row(&db, "new").await, (TokenState::Active, None, 1));
    assert!(db.store.token(&UserKey::new("shop", "old")).await.unwrap().is_none(), "the old name is gone");
    assert_eq!(db.count("tokens WHERE user_id LIKE 'renamed-%'").await, 1);
    // What the old name had is known as the new one's.
    let token = NewToken { owner: UserKey::new("shop", "new"), ..new_token(&db, "old", 1) };
    assert!(matches!(db.store.register_token(&token).await.unwrap(), Registered::Known(_)));
}

async fn a_tombstone_makes_way(db: Db) {
    register(&db, "new", 1).await;
    let (claim, late) = intended(&db, "new", db.begin_worker().await).await;
    claim.release().await;
    assert!(db.store.forget_token(&UserKey::new("shop", "new")).await.unwrap());
    register(&db, "old", 2).await;
    assert_eq!(rename(&db, "old", "new").await, moved(true, 0, 0));
    assert_eq!(row(&db, "new").await, (TokenState::Active, None, 1));
    // The successor of the forgotten token finds its tombstone, and not the row that took the name.
    let settled = db.store.settle_exchange(&end(&db, &late, successor(&db, 9))).await.unwrap();
    assert_eq!((settled, row(&db, "new").await), (Settled::Superseded, (TokenState::Active, None, 1)));
    let token = NewToken { owner: UserKey::new("shop", "new"), ..new_token(&db, "new", 1) };
    assert!(matches!(db.store.register_token(&token).await.unwrap(), Registered::Known(_)));
}
