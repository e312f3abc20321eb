//! The outbox: events are written when orders and tokens end, claimed, settled and sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use klarna_order_worker::ids::{MerchantName, UserKey};
use klarna_order_worker::order::{Disposition, OrderId, Prefill};
use klarna_order_worker::store::{
    Answer, ClaimedWebhook, Delivery, EventKind, Published, WebhookFilter, WebhookSettled, WebhookStatus,
    WebhookView,
};
use klarna_order_worker::token::{DeadReason, ExchangeResult, Resolution};
use serde_json::{Value, json};

use super::orders::{claim as claim_orders, insert, order};
use super::settling::{failed, submitted};
use super::tokens::{end, intended, register, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    each_end_of_an_order_is_told_once_and_no_other_news,
    fields_that_were_filled_in_or_taken_back_are_told,
    what_ends_an_order_whose_workers_were_lost_is_told,
    each_change_of_a_token_between_dead_and_alive_is_told,
    nothing_is_written_for_a_merchant_without_an_endpoint,
    a_process_whose_settings_have_no_webhook_leaves_the_endpoint,
    an_event_that_no_process_sends_is_given_up,
    a_claimed_event_is_due_again_after_its_lease_and_fenced,
    claims_take_no_more_than_each_share_and_the_longest_due_first,
    concurrent_senders_never_claim_the_same_event,
    an_event_is_given_up_after_three_days,
    lists_are_filtered_and_paged,
    an_export_goes_on_although_an_event_was_deleted_meanwhile,
];

pub const LEASE: Duration = Duration::from_mins(1);

/// Gives the merchant `shop` an endpoint.
pub async fn open_endpoint(db: &Db, fingerprint: u8) {
    publish(db, BTreeMap::from([("shop".into(), [fingerprint; 32])])).await;
}

async fn publish(db: &Db, webhooks: BTreeMap<MerchantName, [u8; 32]>) {
    db.store.publish(&Published { order_deadline: Duration::from_mins(10), webhooks }).await.unwrap();
}

pub async fn list(db: &Db) -> Vec<WebhookView> {
    db.store.webhooks(&WebhookFilter { limit: 1000, ..WebhookFilter::default() }).await.unwrap()
}

/// Returns the events so far, oldest first.
async fn events(db: &Db) -> Vec<(EventKind, Value)> {
    let texts = db.raw().await.column("data FROM webhooks ORDER BY seq").await;
    let mut views = list(db).await;
    views.reverse();
    let data = texts.into_iter().map(|text| serde_json::from_str(&text.unwrap()).unwrap());
    views.into_iter().map(|view| view.kind).zip(data).collect()
}

pub async fn end_order(db: &Db, user: &str, disposition: &Disposition) -> OrderId {
    let id = insert(db, order(db, user)).await;
    let worker = db.begin_worker().await;
    let claim = claim_orders(db, worker, 1).await.remove(0).claim;
    assert!(db.store.settle_order(&claim, disposition).await.unwrap().is_some());
    id
}

pub async fn claim(db: &Db, share: usize) -> Vec<ClaimedWebhook> {
    db.store.claim_webhooks(&BTreeMap::from([("shop".into(), share)]), LEASE).await.unwrap()
}

pub fn retry(after: Duration) -> Delivery {
    Delivery::Retry { after, error: "HTTP 500".into(), gone: false }
}

async fn an_export_goes_on_although_an_event_was_deleted_meanwhile(db: Db) {
    open_endpoint(&db, 1).await;
    for _ in 0..3 {
        end_order(&db, "u", &failed()).await;
    }
    let key = UserKey::new("shop", "u");
    let page = async |before| db.store.exported_webhooks(&key, before, 2).await.unwrap();
    let first = page(None).await;
    let last = first[1].cursor;
    db.execute(&format!("DELETE FROM webhooks WHERE seq = {last}")).await;
    let rest = page(Some(last)).await;
    assert_eq!((first.len(), rest.len(), page(Some(rest[0].cursor)).await.len()), (2, 1, 0));
}

async fn each_end_of_an_order_is_told_once_and_no_other_news(db: Db) {
    open_endpoint(&db, 1).await;
    let id = insert(&db, order(&db, "u \"å\"")).await;
    let worker = db.begin_worker().await;
    let first = claim_orders(&db, worker, 1).await.remove(0).claim;
    let again = Disposition::Retry {
        after: Duration::ZERO,
        error: super::settling::error("away"),
        possible_duplicate: true,
        token_waited: Duration::ZERO,
    };
    assert!(db.store.settle_order(&first, &again).await.unwrap().is_some());
    let second = claim_orders(&db, worker, 1).await.remove(0).claim;
    db.advance(5);
    assert!(db.store.settle_order(&second, &submitted()).await.unwrap().is_some());
    assert!(db.store.settle_order(&second, &submitted()).await.unwrap().is_none());
    let lost = end_order(&db, "v", &failed()).await;
    let expected = [
        (
            EventKind::OrderSubmitted,
            json!({ "order_id": id, "merchant": "shop", "user": "u \"å\"", "target": "checkout", "klarna_order_id": "k-1", "token": "fresh",
                "possible_duplicate": true, "prefilled": ["/billing_address/email"], "prefill_withdrawn": [] }),
        ),
        (
            EventKind::OrderFailed,
            json!({ "order_id": lost, "merchant": "shop", "user": "v", "target": "checkout", "code": "bad_order", "token": "not_registered",
                "possible_duplicate": false, "prefilled": [], "prefill_withdrawn": [] }),
        ),
    ];
    assert_eq!(events(&db).await, expected);
    let views = list(&db).await;
    assert_eq!(
        (views[1].order, views[1].occurred_at, views[1].due_at),
        (Some(id), db.clock.now(), db.clock.now())
    );
    assert_eq!(
        (views[1].status, views[1].attempts, views[1].user.as_str()),
        (WebhookStatus::Pending, 0, "u \"å\"")
    );
    assert_ne!(views[0].id, views[1].id);
}

async fn fields_that_were_filled_in_or_taken_back_are_told(db: Db) {
    open_endpoint(&db, 1).await;
    let fields = || vec!["/billing_address/email".to_owned(), "/customer/date_of_birth".to_owned()];
    let with = |prefilled: Prefill| match submitted() {
        Disposition::Submitted { klarna_id, target, result, correlation_id, token, .. } => {
            Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled }
        }
        other => other,
    };
    end_order(&db, "u", &with(fields().into())).await;
    end_order(&db, "v", &with(Prefill::Withdrawn { withdrawn: fields() })).await;
    let refused =
        Disposition::Failed { error: super::settling::error("bad"), token: None, prefilled: fields().into() };
    end_order(&db, "w", &refused).await;
    end_order(&db, "x", &with(Prefill::Refused { refused: "it is malformed".into() })).await;
    let told: Vec<Value> = events(&db).await.into_iter().map(|(_, data)| data).collect();
    let lists = |data: &Value| (data["prefilled"].clone(), data["prefill_withdrawn"].clone());
    assert_eq!(lists(&told[0]), (json!(fields()), json!([])));
    assert_eq!(lists(&told[1]), (json!([]), json!(fields())));
    assert_eq!(lists(&told[2]), (json!(fields()), json!([])));
    assert_eq!(lists(&told[3]), (json!([]), json!([])));
}

async fn what_ends_an_order_whose_workers_were_lost_is_told(db: Db) {
    open_endpoint(&db, 1).await;
    insert(&db, order(&db, "u")).await;
    // A value that cannot be read keeps no order from ending.
    db.execute("UPDATE orders SET prefilled = '[broken'").await;
    for lost in 1..=5 {
        let worker = db.begin_worker().await;
        assert_eq!(claim_orders(&db, worker, 1).await.len(), 1);
        assert_eq!(events(&db).await, [], "after {lost}");
        db.store.end_worker(worker).await.unwrap();
        db.store.reclaim(&[]).await.unwrap();
    }
    let told = events(&db).await;
    assert_eq!(
        (told.len(), told[0].0, &told[0].1["code"]),
        (1, EventKind::OrderFailed, &json!("crashed_worker"))
    );
    assert_eq!((&told[0].1["prefilled"], &told[0].1["prefill_withdrawn"]), (&json!([]), &json!([])));
}

async fn each_change_of_a_token_between_dead_and_alive_is_told(db: Db) {
    open_endpoint(&db, 1).await;
    let holder = db.begin_worker().await;
    register(&db, "u", 1).await;
    // A rotation writes no event, nor does a rejection that arrives too late.
    let (rotating, sent) = intended(&db, "u", holder).await;
    rotating.settle(&end(&db, &sent, successor(&db, 2))).await.unwrap();
    assert_eq!(events(&db).await, []);
    let (dying, sent) = intended(&db, "u", holder).await;
    dying.settle(&end(&db, &sent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
    let dead =
        (EventKind::TokenReauthRequired, json!({ "merchant": "shop", "user": "u", "reason": "rejected" }));
    let alive = (EventKind::TokenRecovered, json!({ "merchant": "shop", "user": "u", "reason": null }));
    assert_eq!(events(&db).await, std::slice::from_ref(&dead));
    // A sign-in and another rejection write events. Forgetting writes none, because the shop asked
    // for it.
    register(&db, "u", 3).await;
    register(&db, "u", 4).await;
    assert_eq!(events(&db).await, [dead.clone(), alive]);
    let (holding, sent) = intended(&db, "u", holder).await;
    holding
        .settle(&end(&db, &sent, ExchangeResult::NoAnswer { travelling: false, hold: true }))
        .await
        .unwrap();
    assert_eq!(events(&db).await.len(), 2, "an operator decides first");
    db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Dead).await.unwrap();
    assert_eq!(events(&db).await[2].1["reason"], "answer_lost");
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    register(&db, "u", 5).await;
    assert_eq!(events(&db).await.len(), 3);
}

async fn nothing_is_written_for_a_merchant_without_an_endpoint(db: Db) {
    end_order(&db, "u", &submitted()).await;
    publish(&db, BTreeMap::new()).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(events(&db).await, []);
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    assert!(db.store.remove_endpoint(&"shop".into()).await.unwrap());
    assert!(!db.store.remove_endpoint(&"shop".into()).await.unwrap(), "it is removed already");
    end_order(&db, "u", &submitted()).await;
    assert_eq!(events(&db).await.len(), 1);
    // Earlier events stay and are not sent.
    assert!(db.store.due_webhook_merchants().await.unwrap().is_empty());
}

async fn a_process_whose_settings_have_no_webhook_leaves_the_endpoint(db: Db) {
    open_endpoint(&db, 1).await;
    publish(&db, BTreeMap::new()).await;
    publish(&db, BTreeMap::from([("other".into(), [2; 32])])).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(events(&db).await.len(), 1);
    assert_eq!(db.store.due_webhook_merchants().await.unwrap(), ["shop"]);
}

async fn an_event_that_no_process_sends_is_given_up(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let expire = async |served: &[MerchantName]| db.store.expire_webhooks(served, 10).await.unwrap();
    db.advance(3 * 24 * 3600 + 1);
    // The endpoint may be in the settings of another process.
    assert!(expire(&[]).await.is_empty());
    db.advance(24 * 3600);
    assert!(expire(&["shop".into()]).await.is_empty(), "this process sends it");
    assert_eq!(expire(&["other".into()]).await, ["shop", "shop"]);
    assert!(list(&db).await.iter().all(|event| event.status == WebhookStatus::Failed));
    // Without an endpoint, nobody has one more day.
    let filter = WebhookFilter { merchant: Some("shop".into()), limit: 9, ..Default::default() };
    assert_eq!(db.store.resend_webhooks(&filter).await.unwrap().webhooks.len(), 2);
    assert!(db.store.remove_endpoint(&"shop".into()).await.unwrap());
    db.advance(3 * 24 * 3600 + 1);
    assert_eq!(expire(&[]).await, ["shop", "shop"]);
}

async fn a_claimed_event_is_due_again_after_its_lease_and_fenced(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(db.store.due_webhook_merchants().await.unwrap(), ["shop"]);
    let first = claim(&db, 9).await.remove(0);
    assert_eq!((first.attempts, first.kind), (0, EventKind::OrderSubmitted));
    assert!(claim(&db, 9).await.is_empty());
    assert_eq!(db.store.next_webhook_due().await.unwrap(), Some(LEASE));
    db.advance(60);
    let second = claim(&db, 9).await.remove(0);
    assert_eq!((second.claim.id, second.data == first.data), (first.claim.id, true), "the same event");
    assert_eq!(
        db.store.settle_webhook(first.claim, &Delivery::Delivered, Answer::default()).await.unwrap(),
        None,
        "taken over"
    );
    db.store.give_back_webhooks(&[first.claim]).await.unwrap();
    assert!(claim(&db, 9).await.is_empty());
    db.store.give_back_webhooks(&[second.claim]).await.unwrap();
    let third = claim(&db, 9).await.remove(0);
    assert_eq!(
        db.store.settle_webhook(third.claim, &Delivery::Delivered, Answer::default()).await.unwrap(),
        Some(WebhookSettled::default())
    );
    assert_eq!(
        db.store.settle_webhook(third.claim, &Delivery::Delivered, Answer::default()).await.unwrap(),
        None,
        "only once"
    );
    let view = list(&db).await.remove(0);
    assert_eq!(
        (view.status, view.attempts, view.ended_at),
        (WebhookStatus::Delivered, 1, Some(db.clock.now()))
    );
    db.advance(3600);
    assert!(claim(&db, 9).await.is_empty());
    assert_eq!(db.store.next_webhook_due().await.unwrap(), None);
}

async fn claims_take_no_more_than_each_share_and_the_longest_due_first(db: Db) {
    open_endpoint(&db, 1).await;
    let mut orders = Vec::new();
    for user in ["a", "b", "c"] {
        orders.push(end_order(&db, user, &submitted()).await);
        db.advance(1);
    }
    let data = |claimed: Vec<ClaimedWebhook>| {
        let mut orders: Vec<Value> = claimed
            .iter()
            .map(|one| serde_json::from_str::<Value>(&one.data).unwrap()["order_id"].clone())
            .collect();
        orders.sort_by_key(ToString::to_string);
        orders
    };
    assert_eq!(data(claim(&db, 2).await), [json!(orders[0]), json!(orders[1])]);
    assert_eq!(data(claim(&db, 2).await), [json!(orders[2])]);
}

pub async fn concurrent_senders_never_claim_the_same_event(db: Db) {
    open_endpoint(&db, 1).await;
    for n in 0..24 {
        end_order(&db, &format!("u{n}"), &submitted()).await;
    }
    let claims = (0..4).map(|_| {
        let db = db.clone();
        async move {
            let (store, shares) = (db.open().await, BTreeMap::from([("shop".into(), 3)]));
            let mut ids = Vec::new();
            loop {
                let some = store.claim_webhooks(&shares, LEASE).await.unwrap();
                if some.is_empty() {
                    return ids;
                }
                ids.extend(some.into_iter().map(|one| one.claim.id));
            }
        }
    });
    let ids: Vec<_> = futures::future::join_all(claims).await.into_iter().flatten().collect();
    assert_eq!(ids.len(), 24);
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 24, "an event was claimed twice");
}

async fn an_event_is_given_up_after_three_days(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    let first = claim(&db, 1).await.remove(0);
    let noted = db
        .store
        .settle_webhook(first.claim, &retry(Duration::from_hours(72)), Answer::default())
        .await
        .unwrap();
    assert_eq!(noted, Some(WebhookSettled::default()), "there is time");
    let view = list(&db).await.remove(0);
    assert_eq!(
        (view.status, view.attempts, view.error.as_deref()),
        (WebhookStatus::Pending, 1, Some("HTTP 500"))
    );
    db.advance(72 * 3600);
    let last = claim(&db, 1).await.remove(0);
    assert_eq!(last.attempts, 1);
    let noted = db
        .store
        .settle_webhook(last.claim, &retry(Duration::from_secs(1)), Answer::default())
        .await
        .unwrap()
        .unwrap();
    assert!(noted.given_up);
    let view = list(&db).await.remove(0);
    assert_eq!((view.status, view.ended_at), (WebhookStatus::Failed, Some(db.clock.now())));
    db.advance(10);
    assert!(claim(&db, 1).await.is_empty());
}

async fn lists_are_filtered_and_paged(db: Db) {
    open_endpoint(&db, 1).await;
    for user in ["a", "b", "c"] {
        end_order(&db, user, &if user == "b" { failed() } else { submitted() }).await;
        db.advance(60);
    }
    let users = |filter: WebhookFilter| {
        let db = db.clone();
        async move {
            let views = db.store.webhooks(&filter).await.unwrap();
            views.into_iter().map(|view| (view.user, view.id)).unzip::<_, _, Vec<_>, Vec<_>>()
        }
    };
    let all = || WebhookFilter { limit: 10, ..WebhookFilter::default() };
    let (names, ids) = users(all()).await;
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(users(WebhookFilter { limit: 1, before: Some(ids[0]), ..all() }).await.0, ["b"]);
    assert_eq!(users(WebhookFilter { kind: Some(EventKind::OrderFailed), ..all() }).await.0, ["b"]);
    assert_eq!(users(WebhookFilter { user: Some("a".into()), ..all() }).await.0, ["a"]);
    assert_eq!(users(WebhookFilter { id: Some(ids[2]), ..all() }).await.0, ["a"]);
    let since = Some(db.clock.now() - chrono::TimeDelta::seconds(125));
    assert_eq!(users(WebhookFilter { since, ..all() }).await.0, ["c", "b"]);
    assert_eq!(db.store.count_webhooks(&WebhookFilter { since, ..all() }).await.unwrap(), 2);
    for (most, counted) in [(1, 1), (9, 2)] {
        let filter = WebhookFilter { since, ..all() };
        assert_eq!(db.store.count_webhooks_up_to(&filter, most).await.unwrap(), counted);
    }
    let resent = db.store.resend_webhooks(&WebhookFilter { limit: 2, ..all() }).await.unwrap();
    assert_eq!((resent.webhooks.as_slice(), resent.next), (&ids[..2], Some(ids[1])));
    let rest = WebhookFilter { limit: 2, before: resent.next, ..all() };
    let resent = db.store.resend_webhooks(&rest).await.unwrap();
    assert_eq!((resent.webhooks.as_slice(), resent.next), (&ids[2..], None));
    assert_eq!(users(WebhookFilter { status: Some(WebhookStatus::Delivered), ..all() }).await.0, [""; 0]);
    assert_eq!(users(WebhookFilter { merchant: Some("other".into()), ..all() }).await.0, [""; 0]);
}
