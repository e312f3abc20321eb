//! What retention deletes and what it must keep, and what remains of an erased user.

use std::time::Duration;

use klarna_order_worker::breaker::Endpoint;
use klarna_order_worker::config::{self, Merchants};
use klarna_order_worker::ids::{MerchantName, TokenId, UserKey, WorkerId};
use klarna_order_worker::ops::{Removed, Retention};
use klarna_order_worker::order::{Disposition, OrderId, Status, Summary, Target, Waits};
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::{
    Answer, ClaimAttempt, Delivery, Erased, ExpiredKind, Inserted, OrderRow, RejectedTokens, TokenClaim,
};
use klarna_order_worker::token::{
    DeadReason, ExchangeResult, Intended, Intent, Registered, Settled, TokenState,
};

use super::orders::{claim as claim_orders, insert, order};
use super::settling::{failed, session, submitted};
use super::tokens::{claim, end, exchange_for, intent, new_token, provider, register, successor, view};
use super::webhooks::{claim as claim_webhooks, end_order, list, open_endpoint};
use super::{outages, pauses};
use crate::support::stores::{Db, both_engines};

both_engines![
    bodies_go_first_then_orders_each_in_its_time,
    what_a_browser_gets_goes_with_the_body,
    a_batch_is_no_larger_than_asked_for,
    of_the_ledger_the_last_two_generations_stay,
    hashes_of_former_tokens_go_and_the_current_one_stays,
    a_rejected_token_can_come_back_until_its_retention_ends,
    workers_go_unless_a_row_names_them,
    webhooks_that_ended_go,
    pauses_and_outages_that_are_over_go_with_the_ledger,
    an_erased_user_leaves_no_trace,
    a_running_order_of_an_erased_user_brings_nothing_back,
    an_exchange_in_flight_brings_an_erased_user_nothing_back,
    an_erased_user_may_come_again,
    erasing_nobody_does_nothing,
];

const DAY: u64 = 24 * 3600;

fn retention(db: &Db) -> Retention {
    let days = |days: u64| Duration::from_hours(24 * days);
    let settings =
        config::Retention { bodies: days(2), orders: days(30), ledger: days(90), audit: days(400) };
    Retention::new(db.store.clone(), settings, Merchants::new().into())
}

async fn has_body(db: &Db, id: OrderId) -> bool {
    let literal = if db.is_sqlite() { format!("x'{}'", id.as_uuid().simple()) } else { format!("'{id}'") };
    db.count(&format!("orders WHERE id = {literal} AND (body IS NOT NULL OR result IS NOT NULL)")).await == 1
}

async fn bodies_go_first_then_orders_each_in_its_time(db: Db) {
    let ended = end_order(&db, "u", &submitted()).await;
    let far = db.clock.now() + chrono::TimeDelta::days(3650);
    let waiting = insert(&db, OrderRow { not_before: Some(far), ..order(&db, "v") }).await;
    db.advance(2 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap(), Removed::default(), "two days are not over");
    let later = end_order(&db, "w", &failed()).await;
    db.advance(1);
    assert_eq!(retention(&db).tidy(true).await.unwrap(), Removed { bodies: 1, ..Removed::default() });
    assert_eq!(
        [has_body(&db, ended).await, has_body(&db, waiting).await, has_body(&db, later).await],
        [false, true, true]
    );
    let view = db.store.order(ended).await.unwrap().unwrap();
    assert_eq!((view.status, view.klarna_id.as_deref(), view.result), (Status::Submitted, Some("k-1"), None));

    db.advance(28 * DAY);
    assert_eq!(
        retention(&db).tidy(true).await.unwrap(),
        Removed { bodies: 1, orders: 1, ..Removed::default() }
    );
    assert!(db.store.order(ended).await.unwrap().is_none());
    db.advance(365 * DAY);
    retention(&db).tidy(true).await.unwrap();
    assert!(has_body(&db, waiting).await, "what has not ended stays");
    assert!(db.store.order(later).await.unwrap().is_none());
}

async fn what_a_browser_gets_goes_with_the_body(db: Db) {
    let ended = end_order(&db, "u", &session()).await;
    assert!(has_body(&db, ended).await);
    db.advance(2 * DAY + 1);
    assert_eq!(retention(&db).tidy(true).await.unwrap(), Removed { bodies: 1, ..Removed::default() });
    let view = db.store.order(ended).await.unwrap().unwrap();
    assert_eq!(
        (view.target, view.klarna_id.as_deref(), view.result),
        (Some(Target::Payments), Some("s-1"), None)
    );
}

async fn a_batch_is_no_larger_than_asked_for(db: Db) {
    for n in 0..5 {
        end_order(&db, &format!("u{n}"), &submitted()).await;
    }
    db.advance(40 * DAY);
    for what in [ExpiredKind::Bodies, ExpiredKind::Orders] {
        let mut batches = Vec::new();
        for _ in 0..4 {
            batches.push(db.store.remove_expired(what, Duration::from_hours(1), 2).await.unwrap());
        }
        assert_eq!(batches, [2, 2, 1, 0], "{what:?}");
    }
}

/// Returns a claim with its committed intent, whose id has the test's time.
async fn intended(db: &Db, user: &str, holder: WorkerId) -> (Box<dyn TokenClaim>, Intent) {
    let mut held = claim(&*db.store, user).await;
    let intent = Intent { exchange: OrderId::new(db.clock.now()).as_uuid().into(), ..intent(&*held, holder) };
    assert_eq!(held.intend(&intent).await.unwrap(), Intended::Recorded);
    (held, intent)
}

async fn rotate(db: &Db, user: &str, byte: u8, holder: WorkerId) {
    let (held, sent) = intended(db, user, holder).await;
    assert_eq!(held.settle(&end(db, &sent, successor(db, byte))).await.unwrap(), Settled::Written);
}

async fn of_the_ledger_the_last_two_generations_stay(db: Db) {
    let holder = db.begin_worker().await;
    register(&db, "u", 1).await;
    for byte in 2..=5 {
        rotate(&db, "u", byte, holder).await;
    }
    // An open intent that is so old that nobody will close it.
    register(&db, "v", 1).await;
    let (open, _) = intended(&db, "v", holder).await;
    open.release().await;
    register(&db, "v", 2).await;
    register(&db, "v", 3).await;
    assert_eq!(db.count("exchanges").await, 5);
    db.advance(90 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap().ledger, 0);
    db.advance(3 * DAY);
    // u has generation 5, so of its exchanges for generations 1 to 4 only the last one stays.
    assert_eq!(retention(&db).tidy(false).await.unwrap().ledger, 0, "no walk, no look at it");
    assert_eq!(retention(&db).tidy(true).await.unwrap().ledger, 3);
    let left = db.raw().await.column("generation FROM exchanges ORDER BY token_id").await;
    assert_eq!(left, [Some("4".to_owned()), Some("1".to_owned())]);
    rotate(&db, "u", 6, holder).await;
    assert_eq!(retention(&db).tidy(true).await.unwrap().ledger, 1);
}

async fn hashes_of_former_tokens_go_and_the_current_one_stays(db: Db) {
    let holder = db.begin_worker().await;
    register(&db, "u", 1).await;
    db.advance(10 * DAY);
    rotate(&db, "u", 2, holder).await;
    register(&db, "forgotten", 7).await;
    db.store.forget_token(&UserKey::new("shop", "forgotten")).await.unwrap();
    db.advance(81 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap().known_tokens, 1, "the first");
    db.advance(365 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap().known_tokens, 1, "that of a tombstone");
    let known = db.store.register_token(&new_token(&db, "u", 2)).await.unwrap();
    assert!(matches!(known, Registered::Known(_)), "{known:?}");
}

async fn reject(db: &Db, user: &str, byte: u8) {
    register(db, user, byte).await;
    let (claim, intent) = intended(db, user, db.begin_worker().await).await;
    claim.settle(&end(db, &intent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
}

async fn a_rejected_token_can_come_back_until_its_retention_ends(db: Db) {
    for (byte, user) in (1..).zip(["early", "late", "forgotten", "erased"]) {
        reject(&db, user, byte).await;
    }
    let sealed = async || db.count("tokens WHERE sealed IS NOT NULL").await;
    let all = RejectedTokens::default();
    assert_eq!((sealed().await, db.store.count_rejected(&all).await.unwrap()), (4, 4));
    assert!(db.store.forget_token(&UserKey::new("shop", "forgotten")).await.unwrap());
    db.store.erase_user(&UserKey::new("shop", "erased")).await.unwrap();
    assert_eq!((sealed().await, db.store.count_rejected(&all).await.unwrap()), (2, 2));
    db.advance(90 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap().dead_tokens, 0, "90 days are not over");
    let first = db.store.retry_rejected(&all, TokenId::START, 1).await.unwrap();
    assert_eq!(first.map(|(tokens, _)| tokens), Some(1));
    assert_eq!(view(&db, "early").await.state, TokenState::Active);
    db.advance(1);
    assert_eq!(retention(&db).tidy(false).await.unwrap().dead_tokens, 0, "once a day is enough");
    assert_eq!(retention(&db).tidy(true).await.unwrap().dead_tokens, 1);
    assert_eq!((sealed().await, db.store.count_rejected(&all).await.unwrap()), (1, 0));
    assert_eq!(db.store.retry_rejected(&all, TokenId::START, 9).await.unwrap(), None);
    // The shop still sees who has to sign in again, and a sign-in ends it.
    assert_eq!(view(&db, "late").await.state, TokenState::ReauthRequired);
    assert_eq!(register(&db, "late", 9).await.state, TokenState::Active);
    assert_eq!(retention(&db).tidy(true).await.unwrap().dead_tokens, 0);
}

async fn workers_go_unless_a_row_names_them(db: Db) {
    let [gone, silent, runs, holds] =
        [db.begin_worker().await, db.begin_worker().await, db.begin_worker().await, db.begin_worker().await];
    db.store.end_worker(gone).await.unwrap();
    insert(&db, order(&db, "u")).await;
    assert_eq!(claim_orders(&db, runs, 1).await.len(), 1);
    register(&db, "u", 1).await;
    let (open, _) = intended(&db, "u", holds).await;
    open.release().await;
    db.advance(91 * DAY);
    let alive = db.begin_worker().await;
    assert_eq!(retention(&db).tidy(true).await.unwrap().workers, 2);
    for (worker, there) in [(gone, false), (silent, false), (runs, true), (holds, true), (alive, true)] {
        assert_eq!(db.store.heartbeat(worker).await.unwrap().is_some(), there, "{worker}");
    }
}

async fn webhooks_that_ended_go(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let claimed = claim_webhooks(&db, 1).await.remove(0);
    db.store.settle_webhook(claimed.claim, &Delivery::Delivered, Answer::default()).await.unwrap();
    db.advance(31 * DAY);
    assert_eq!(retention(&db).tidy(false).await.unwrap().webhooks, 1);
    assert_eq!(list(&db).await.len(), 1, "what waits to be sent stays");
}

/// Returns every text and blob of the database as one text.
async fn everything(db: &Db) -> String {
    let mut all = String::new();
    for table in [
        "orders",
        "tokens",
        "known_tokens",
        "exchanges",
        "cached_tokens",
        "webhooks",
        "webhook_endpoints",
        "webhook_answers",
    ] {
        if db.is_sqlite() {
            let columns = db.raw().await.column(&format!("name FROM pragma_table_info('{table}')")).await;
            for column in columns.into_iter().flatten() {
                let values = db.raw().await.column(&format!("quote({column}) FROM {table}")).await;
                all.extend(values.into_iter().flatten());
            }
        } else {
            let rows = db.raw().await.column(&format!("t::text FROM {table} t")).await;
            all.extend(rows.into_iter().flatten());
        }
    }
    all
}

async fn pauses_and_outages_that_are_over_go_with_the_ledger(db: Db) {
    let shop = MerchantName::from("shop");
    for (kind, lasts) in
        [(PauseKind::Orders, None), (PauseKind::Exchanges, Some(1)), (PauseKind::Webhooks, None)]
    {
        db.store.pause(&pauses::new(Some("shop"), kind, lasts)).await.unwrap();
    }
    assert!(db.store.resume(Some(&shop), PauseKind::Orders).await.unwrap());
    for merchant in ["shop", "other"] {
        db.store.begin_outage(&outages::breaker(&db, merchant, "HTTP 503")).await.unwrap();
    }
    db.store.end_outage(&"shop".into(), Endpoint::Checkout).await.unwrap();
    db.advance(90 * DAY);
    assert_eq!(retention(&db).tidy(true).await.unwrap(), Removed::default(), "90 days are not over");
    db.advance(2);
    let removed = Removed { pauses: 2, outages: 1, ..Removed::default() };
    assert_eq!(retention(&db).tidy(true).await.unwrap(), removed);
    assert_eq!((db.count("pauses").await, db.count("outages").await), (1, 1), "those that last stay");
}

pub async fn an_erased_user_leaves_no_trace(db: Db) {
    open_endpoint(&db, 1).await;
    let user = "user-of-old-4711";
    let body = |n: u32| format!(r#"{{"billing_address":{{"street_address":"Karlaplan {n}"}}}}"#);
    register(&db, user, 1).await;
    register(&db, "other", 2).await;
    for (n, end) in [submitted(), failed()].into_iter().enumerate() {
        let key = Some(format!("cart-of-{user}-{n}"));
        let reference = Some(format!("reference of {user}"));
        let summary = Summary { merchant_reference1: reference, ..Summary::default() };
        let row = OrderRow { body: body(1), summary, idempotency_key: key, ..order(&db, user) };
        let id = insert(&db, row).await;
        exchange_for(&db, user, id).await;
        let worker = db.begin_worker().await;
        let waits = Waits::default().and(format!("Klarna's words of {user}"), db.clock.now(), Duration::ZERO);
        let (after, token_waited) = (Duration::ZERO, Duration::ZERO);
        for end in [Disposition::Snooze { after, error: None, token_waited, waits }, end] {
            let claim = claim_orders(&db, worker, 1).await.remove(0).claim;
            assert!(db.store.settle_order(&claim, &end).await.unwrap().is_some());
        }
    }
    assert_eq!(db.count("orders WHERE waits IS NOT NULL").await, 2);
    let queued = insert(&db, OrderRow { body: body(2), ..order(&db, user) }).await;
    let others = insert(&db, OrderRow { body: body(3), ..order(&db, "other") }).await;
    let namesake = insert(&db, OrderRow { merchant: "other".into(), ..order(&db, user) }).await;
    exchange_for(&db, user, queued).await;
    for trace in [user, "Karlaplan 1", "Karlaplan 2", "k-1", "<div>"] {
        assert!(everything(&db).await.contains(trace), "{trace}");
    }

    let erased = db.store.erase_user(&UserKey::new("shop", user)).await.unwrap();
    assert_eq!(erased, Erased { token: true, orders: 3, cancelled: 1, webhooks: 2 });
    // A user with the same name at another merchant is not affected.
    assert_eq!(db.store.order(namesake).await.unwrap().unwrap().user, user);
    let erased = db.store.erase_user(&UserKey::new("other", user)).await.unwrap();
    assert_eq!(erased, Erased { token: false, orders: 1, cancelled: 1, webhooks: 0 });
    let left = everything(&db).await;
    for trace in [user, "Karlaplan 1", "Karlaplan 2", "k-1", "<div>"] {
        assert!(!left.contains(trace), "{trace}");
    }
    assert_eq!(db.count("orders WHERE correlation_id IS NOT NULL OR idempotency_key IS NOT NULL").await, 0);
    assert_eq!(db.count("orders WHERE waits IS NOT NULL").await, 0);
    assert_eq!(db.count("orders WHERE trace IS NOT NULL AND user_id LIKE 'erased-%'").await, 0);
    assert_eq!(db.count("orders WHERE trace IS NOT NULL").await, 1, "another user's");
    assert_eq!(db.count("cached_tokens").await, 0);
    assert_eq!(db.count("known_tokens").await, 1, "another user's");
    // The order still shows what happened, under a random name.
    let view = db.store.order(queued).await.unwrap().unwrap();
    assert!(view.user.as_str().starts_with("erased-"), "{}", view.user);
    assert_eq!((view.status, view.error.unwrap().code.as_str()), (Status::Cancelled, "user_erased"));
    assert_eq!(db.count("exchanges").await, 3);
    assert_eq!(
        db.store
            .token(&UserKey { merchant: "shop".into(), user: view.user.clone() })
            .await
            .unwrap()
            .unwrap()
            .state,
        TokenState::Forgotten
    );
    assert_eq!(db.store.order(others).await.unwrap().unwrap().status, Status::Queued);
}

async fn a_running_order_of_an_erased_user_brings_nothing_back(db: Db) {
    open_endpoint(&db, 1).await;
    let id = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let running = claim_orders(&db, worker, 1).await.remove(0).claim;
    let mut signals = db.store.listen().await.unwrap();
    assert_eq!(db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap().cancelled, 1);
    let told = tokio::time::timeout(Duration::from_mins(1), signals.next()).await.unwrap().unwrap();
    assert_eq!(told, klarna_order_worker::store::Signal::Settled(id), "whoever waits is answered");
    assert!(db.store.settle_order(&running, &submitted()).await.unwrap().is_none());
    assert_eq!(db.store.running_orders(worker).await.unwrap(), []);
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.result, view.klarna_id), (Status::Cancelled, None, None));
    assert_eq!(list(&db).await.len(), 0);
}

async fn an_exchange_in_flight_brings_an_erased_user_nothing_back(db: Db) {
    let holder = db.begin_worker().await;
    for result in [successor(&db, 9), ExchangeResult::Unchanged] {
        register(&db, "u", 1).await;
        let (held, sent) = intended(&db, "u", holder).await;
        db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap();
        assert_eq!(held.settle(&end(&db, &sent, result)).await.unwrap(), Settled::Superseded);
        assert_eq!(
            db.count("tokens WHERE sealed IS NOT NULL OR user_id = 'u'").await
                + db.count("cached_tokens").await,
            0
        );
        assert!(matches!(
            db.store.claim_token(&UserKey::new("shop", "u"), provider()).await.unwrap(),
            ClaimAttempt::Missing
        ));
    }
}

async fn an_erased_user_may_come_again(db: Db) {
    register(&db, "u", 1).await;
    let row = OrderRow { idempotency_key: Some("k".into()), ..order(&db, "u") };
    insert(&db, row.clone()).await;
    db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap();
    // The idempotency key can be used again, and the token is unknown, because both records are
    // deleted.
    let again = OrderRow { id: OrderId::new(db.clock.now()), digest: [9; 32], ..row };
    assert_eq!(
        db.store.insert_orders(std::slice::from_ref(&again)).await.unwrap(),
        [Inserted::New(again.id)]
    );
    assert_eq!(register(&db, "u", 1).await.generation, 1);
    claim(&*db.store, "u").await.release().await;
    assert_eq!(view(&db, "u").await.state, TokenState::Active);
}

async fn erasing_nobody_does_nothing(db: Db) {
    assert_eq!(db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap(), Erased::default());
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    assert_eq!(db.count("tokens").await, 0);
}
