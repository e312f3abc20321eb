//! Changes of orders' bodies, and what Klarna says of submitted orders.

use std::time::Duration;

use klarna_order_worker::order::{
    Body, Disposition, KlarnaState, OrderId, OrderResult, Prefill, SessionPhase, Status, Summary, Target,
    TokenOutcome,
};
use klarna_order_worker::store::{
    BodyChange, ChangeBegun, Inserted, LateResult, OrderRow, SettledLate, UpdateClaim,
};

use super::late_results::aborts;
use super::orders::{claim, insert, order};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_result_of_an_earlier_body_does_not_end_a_changed_order,
    a_result_of_the_present_body_is_never_aborted_while_the_order_is_queued,
    a_submitted_order_is_changed_by_one_at_a_time,
    a_change_writes_nothing_back_that_retention_deleted,
    what_a_create_did_not_tell_is_stored_once_it_is_read,
    what_is_completed_stays_so,
    a_key_is_free_once_nobody_can_pay_its_order,
    of_many_that_take_over_a_key_one_does,
];

const LEASE: Duration = Duration::from_secs(20);

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn change(order: OrderId, version: i64, body: &Body) -> BodyChange<'_> {
    BodyChange { order, version: Some(version), body }
}

fn session(phase: SessionPhase) -> KlarnaState {
    KlarnaState {
        phase,
        status: phase.to_string(),
        read_at: chrono::DateTime::UNIX_EPOCH,
        other_klarna_order_id: None,
        order_amount: Some(50_000),
        purchase_currency: Some("SEK".into()),
        merchant_reference1: None,
    }
}

fn snippet(text: &str) -> OrderResult {
    OrderResult::Checkout { html_snippet: text.into() }
}

pub fn submitted(klarna_id: &str) -> Disposition {
    Disposition::Submitted {
        klarna_id: klarna_id.into(),
        target: Target::Checkout,
        result: Some(snippet("<p>")),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    }
}

/// Returns a submitted order, which Klarna knows as `k-1`.
pub async fn at_klarna(db: &Db) -> OrderId {
    let id = insert(db, order(db, "u")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted("k-1")).await.unwrap().is_some());
    id
}

async fn begun(db: &Db, id: OrderId, version: i64, body: &Body) -> UpdateClaim {
    match db.store.begin_change(change(id, version, body), LEASE).await.unwrap() {
        ChangeBegun::AtKlarna(claim, _) => claim,
        other => panic!("{other:?}"),
    }
}

async fn a_result_of_an_earlier_body_does_not_end_a_changed_order(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let first = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.announce_create(&first.claim).await.unwrap());
    db.store.lose_order(&first.claim).await.unwrap();
    let changed = db.store.begin_change(change(id, 1, &body("{}")), LEASE).await.unwrap();
    assert!(matches!(changed, ChangeBegun::Done(order) if order.version == 2));

    // Klarna has created the order with the first body.
    let late = LateResult { claim: first.claim, possible_duplicate: false };
    assert_eq!(db.store.settle_late(&late, &submitted("k-1")).await.unwrap(), SettledLate::Aborts);
    let second = claim(&db, worker, 1).await.remove(0);
    assert_eq!((&*second.body, second.version, second.possible_duplicate), ("{}", 2, true));
    db.store.lose_order(&second.claim).await.unwrap();
    let late = LateResult { claim: second.claim, possible_duplicate: true };
    let settled = db.store.settle_late(&late, &submitted("k-2")).await.unwrap();
    assert_eq!(settled, SettledLate::Stored, "a result of the new body");

    // The first one may be stored again, as from the spool. The order's own is never aborted.
    let late = LateResult { claim: first.claim, possible_duplicate: false };
    assert_eq!(db.store.settle_late(&late, &submitted("k-1")).await.unwrap(), SettledLate::Aborts);
    assert_eq!(db.store.settle_late(&late, &submitted("k-2")).await.unwrap(), SettledLate::Stored);
    assert_eq!(aborts(&db).await, ["k-1"]);
}

async fn a_result_of_the_present_body_is_never_aborted_while_the_order_is_queued(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let changed = db.store.begin_change(change(id, 1, &body("{}")), LEASE).await.unwrap();
    assert!(matches!(changed, ChangeBegun::Done(order) if order.version == 2));
    let worker = db.begin_worker().await;
    let first = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.announce_create(&first.claim).await.unwrap());
    db.store.lose_order(&first.claim).await.unwrap();
    let second = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.announce_create(&second.claim).await.unwrap());
    // The later claim may get the same id from Klarna.
    let late = LateResult { claim: first.claim, possible_duplicate: false };
    assert_eq!(db.store.settle_late(&late, &submitted("k-1")).await.unwrap(), SettledLate::Undecided);
    assert_eq!(aborts(&db).await, [""; 0]);
}

async fn a_submitted_order_is_changed_by_one_at_a_time(db: Db) {
    let id = at_klarna(&db).await;
    let longer = body(r#"{"order_amount":7,"merchant_reference1":"R-7"}"#);
    let first = begun(&db, id, 1, &body("{}")).await;
    let second = db.store.begin_change(change(id, 1, &longer), LEASE).await.unwrap();
    assert!(
        matches!(second, ChangeBegun::Busy(Some(wait)) if wait > LEASE / 2 && wait <= LEASE),
        "{second:?}"
    );
    db.store.release_change(first).await.unwrap();
    let second = begun(&db, id, 1, &longer).await;
    assert!(!db.store.end_change(first, &body("{}"), None, None).await.unwrap(), "its claim is over");
    assert!(db.store.end_change(second, &longer, None, Some(&snippet("<b>"))).await.unwrap());
    let changed = db.store.order(id).await.unwrap().unwrap();
    assert_eq!(
        (changed.version, changed.result, changed.status),
        (2, Some(snippet("<b>")), Status::Submitted)
    );
    assert_eq!(changed.summary, Summary::of(&longer), "searches find it by its new reference");

    let other = db.store.begin_change(change(id, 1, &body("{}")), LEASE).await.unwrap();
    assert!(matches!(other, ChangeBegun::OtherVersion(2)), "{other:?}");
    let repeated = db.store.begin_change(change(id, 1, &longer), LEASE).await.unwrap();
    assert!(matches!(repeated, ChangeBegun::Done(order) if order.version == 2));

    // A claim ends by itself.
    let lost = begun(&db, id, 2, &body("{}")).await;
    db.advance(LEASE.as_secs());
    assert_eq!(begun(&db, id, 2, &body("{}")).await.number, lost.number + 1);
}

async fn a_change_writes_nothing_back_that_retention_deleted(db: Db) {
    let id = at_klarna(&db).await;
    let claim = begun(&db, id, 1, &body("{}")).await;
    db.execute(if db.is_sqlite() {
        "UPDATE orders SET body = NULL, result = NULL"
    } else {
        "UPDATE klarna_worker.orders SET body = NULL, result = NULL"
    })
    .await;
    assert!(db.store.end_change(claim, &body("{}"), None, Some(&snippet("<b>"))).await.unwrap());
    let open = session(SessionPhase::Open);
    assert!(db.store.note_session(id, "k-1", &open, Some(&snippet("<b>")), None).await.unwrap());
    assert_eq!(db.store.order(id).await.unwrap().unwrap().result, None);
    let gone = db.store.begin_change(change(id, 2, &body("{}")), LEASE).await.unwrap();
    assert!(matches!(gone, ChangeBegun::BodyGone), "{gone:?}");
}

async fn what_a_create_did_not_tell_is_stored_once_it_is_read(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    let Disposition::Submitted { klarna_id, target, correlation_id, token, prefilled, .. } = submitted("k-1")
    else {
        unreachable!()
    };
    let unread = Disposition::Submitted { klarna_id, target, result: None, correlation_id, token, prefilled };
    assert!(db.store.settle_order(&claimed.claim, &unread).await.unwrap().is_some());
    let open = session(SessionPhase::Open);
    assert!(db.store.note_session(id, "k-1", &open, Some(&snippet("<b>")), None).await.unwrap());
    assert_eq!(db.store.order(id).await.unwrap().unwrap().result, Some(snippet("<b>")));
}

async fn what_is_completed_stays_so(db: Db) {
    let id = at_klarna(&db).await;
    let [open, completed, ended] = SessionPhase::ALL.map(session);
    let note = async |session: &KlarnaState, klarna_id: &str| {
        db.store.note_session(id, klarna_id, session, None, None).await.unwrap()
    };
    assert!(!note(&open, "k-2").await, "another order's");
    assert!(note(&open, "k-1").await && note(&ended, "k-1").await);
    assert!(!note(&open, "k-1").await, "what has ended is not open again");
    assert!(note(&completed, "k-1").await, "it was paid");
    assert!(!note(&ended, "k-1").await && !note(&open, "k-1").await);
    assert_eq!(db.store.order(id).await.unwrap().unwrap().session, Some(completed));
    let over = db.store.begin_change(change(id, 1, &body("{}")), LEASE).await.unwrap();
    assert!(matches!(over, ChangeBegun::Over(Status::Submitted, Some(SessionPhase::Completed))), "{over:?}");
}

/// Returns a new order with the key `cart-1`.
fn with_key(db: &Db, digest: u8) -> OrderRow {
    OrderRow { idempotency_key: Some("cart-1".into()), digest: [digest; 32], ..order(db, "u") }
}

async fn insert_one(db: &Db, row: &OrderRow) -> Inserted {
    db.store.insert_orders(std::slice::from_ref(row)).await.unwrap().remove(0)
}

async fn wipe(db: &Db) {
    db.execute(if db.is_sqlite() {
        "UPDATE orders SET body = NULL, result = NULL WHERE ended_at IS NOT NULL"
    } else {
        "UPDATE klarna_worker.orders SET body = NULL, result = NULL WHERE ended_at IS NOT NULL"
    })
    .await;
}

async fn a_key_is_free_once_nobody_can_pay_its_order(db: Db) {
    let (first, other) = (with_key(&db, 1), with_key(&db, 2));
    assert_eq!(insert_one(&db, &first).await, Inserted::New(first.id));
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert_eq!(insert_one(&db, &with_key(&db, 1)).await, Inserted::Same(first.id), "it runs");
    assert!(db.store.settle_order(&claimed.claim, &submitted("k-1")).await.unwrap().is_some());
    assert_eq!(insert_one(&db, &with_key(&db, 1)).await, Inserted::Same(first.id), "it can be paid");
    assert_eq!(insert_one(&db, &other).await, Inserted::Different(first.id));

    // Its session has ended: any request takes the key over.
    assert!(db.store.note_session(first.id, "k-1", &session(SessionPhase::Ended), None, None).await.unwrap());
    assert_eq!(insert_one(&db, &other).await, Inserted::New(other.id));
    let [old, new] = [first.id, other.id].map(async |id| db.store.order(id).await.unwrap().unwrap());
    let (old, new) = (old.await, new.await);
    assert_eq!((old.superseded_by, old.supersedes), (Some(other.id), None));
    assert_eq!((new.superseded_by, new.supersedes), (None, Some(first.id)));
    assert_eq!(insert_one(&db, &with_key(&db, 2)).await, Inserted::Same(other.id));

    // Its snippet was deleted.
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted("k-2")).await.unwrap().is_some());
    wipe(&db).await;
    let third = with_key(&db, 2);
    assert_eq!(insert_one(&db, &third).await, Inserted::New(third.id));

    // One that is paid keeps its key for as long as its row is kept.
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted("k-3")).await.unwrap().is_some());
    assert!(
        db.store.note_session(third.id, "k-3", &session(SessionPhase::Completed), None, None).await.unwrap()
    );
    wipe(&db).await;
    assert_eq!(insert_one(&db, &with_key(&db, 2)).await, Inserted::Same(third.id));
}

async fn of_many_that_take_over_a_key_one_does(db: Db) {
    let first = with_key(&db, 1);
    assert_eq!(insert_one(&db, &first).await, Inserted::New(first.id));
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted("k-1")).await.unwrap().is_some());
    wipe(&db).await;
    let rows: Vec<OrderRow> = (0..8).map(|_| with_key(&db, 1)).collect();
    let inserted = futures::future::join_all(rows.iter().map(|row| insert_one(&db, row))).await;
    let new: Vec<&Inserted> =
        inserted.iter().filter(|inserted| matches!(inserted, Inserted::New(_))).collect();
    let [Inserted::New(id)] = new[..] else { panic!("{inserted:?}") };
    assert_eq!(inserted.iter().filter(|inserted| **inserted == Inserted::Same(*id)).count(), 7);
}
