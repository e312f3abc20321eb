//! Users that a shop renames or merges.

use klarna_order_worker::ids::{UserId, UserKey};
use klarna_order_worker::order::{OrderId, Status};
use klarna_order_worker::store::{Moved, Renamed};
use klarna_order_worker::token::{NewToken, Registered, Settled, TokenState};

use super::orders::{claim as claim_orders, insert, order};
use super::settling::{failed, submitted};
use super::tokens::{cached, end, exchange_for, intended, new_token, register, row, successor};
use super::webhooks::{end_order, list, open_endpoint};
use crate::support::stores::{Db, both_engines};

both_engines![
    everything_of_a_user_gets_the_new_name,
    an_exchange_in_flight_stores_its_successor,
    an_order_that_may_ask_for_its_token_is_waited_for,
    two_tokens_are_not_merged,
    a_tombstone_makes_way,
];

async fn rename(db: &Db, from: &str, to: &str) -> Renamed {
    db.store.rename_user(&UserKey::new("shop", from), &UserId::from(to)).await.unwrap()
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
    assert!(db.store.settle_order(&running, &submitted()).await.unwrap());
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.user.as_str()), (Status::Submitted, "new"));
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
