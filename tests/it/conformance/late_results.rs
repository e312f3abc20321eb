//! What is written down before a create call, and results of Klarna whose claim was lost.

use std::time::Duration;

use klarna_order_worker::ids::{ClaimNumber, UserKey, WorkerId};
use klarna_order_worker::order::{Disposition, OrderId, Status};
use klarna_order_worker::store::{Claim, ClaimedOrder, FollowUp, LateResult, Moved, Renamed, SettledLate};
use klarna_order_worker::token::{ExchangeResult, Intended, OrderClaim, Settled};

use super::orders::{claim, insert, order};
use super::settling::{failed, retry, session, submitted};
use super::tokens::{claim as token_claim, end, intent, register, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    the_store_of_a_token_announces_the_create_call,
    a_store_under_a_lost_claim_announces_nothing,
    a_store_that_is_superseded_announces_nothing,
    an_announcement_counts_as_a_heartbeat,
    a_result_of_a_lost_claim_ends_the_order_that_nobody_sent_again,
    a_result_takes_the_order_from_a_worker_that_has_not_sent_it,
    a_result_changes_nothing_while_a_later_claim_sends_the_order,
    a_result_waits_for_the_end_of_a_later_claim_that_sends_the_order,
    a_result_ends_an_order_that_was_sent_again_as_a_possible_duplicate,
    an_order_that_ended_otherwise_keeps_its_end,
    a_cancelled_order_takes_no_result,
    what_klarna_created_twice_is_aborted_once,
    an_erased_order_takes_no_result,
    an_order_of_a_renamed_user_takes_its_result,
    a_result_that_is_stored_again_changes_nothing,
];

fn late(claimed: &ClaimedOrder) -> LateResult {
    LateResult { claim: claimed.claim, possible_duplicate: claimed.possible_duplicate }
}

/// An order that a worker was about to send when others took the worker for lost.
async fn lost_after_sending(db: &Db) -> (OrderId, ClaimedOrder) {
    let id = insert(db, order(db, "u")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(db, worker, 1).await.remove(0);
    assert!(db.store.announce_create(&claimed.claim).await.unwrap());
    let counts = db.store.heartbeats().await.unwrap().into_iter().map(|worker| worker.count);
    let silent: Vec<_> = counts.filter(|count| count.worker == worker).collect();
    assert_eq!(db.store.reclaim(&silent).await.unwrap().requeued, 1);
    assert!(db.store.order(id).await.unwrap().unwrap().possible_duplicate);
    (id, claimed)
}

/// Another worker's claim on it.
async fn claimed_again(db: &Db) -> (WorkerId, Claim) {
    let worker = db.begin_worker().await;
    (worker, claim(db, worker, 1).await.remove(0).claim)
}

/// What is due to be aborted at Klarna.
pub async fn aborts(db: &Db) -> Vec<String> {
    let due = db.store.claim_follow_ups(&"shop".into(), 9, Duration::from_mins(1)).await.unwrap();
    assert!(due.iter().all(|follow_up| follow_up.kind == FollowUp::Abort), "{due:?}");
    due.into_iter().map(|follow_up| follow_up.klarna_id).collect()
}

async fn how(db: &Db, id: OrderId) -> (Status, bool, Option<String>) {
    let view = db.store.order(id).await.unwrap().unwrap();
    (view.status, view.possible_duplicate, view.klarna_id)
}

const K1: fn(bool) -> (Status, bool, Option<String>) =
    |possible_duplicate| (Status::Submitted, possible_duplicate, Some("k-1".into()));

/// The same result under another id of Klarna's.
fn submitted_as(klarna_id: &str) -> Disposition {
    let Disposition::Submitted { target, result, token, prefilled, .. } = submitted() else { unreachable!() };
    let klarna_id = klarna_id.to_owned();
    Disposition::Submitted { klarna_id, target, result, correlation_id: None, token, prefilled }
}

/// Stores an exchange for an order under a claim with this number. `true` if the order that its
/// worker loses afterwards counts as sent.
async fn announced_by_store(db: &Db, result: ExchangeResult, number: i64) -> (Settled, bool) {
    announced_after(db, result, number, async {}).await
}

/// As [`announced_by_store`], if this happens during the exchange.
async fn announced_after(
    db: &Db,
    result: ExchangeResult,
    number: i64,
    meanwhile: impl Future<Output = ()>,
) -> (Settled, bool) {
    let id = insert(db, order(db, "u")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(db, worker, 1).await.remove(0).claim;
    let mut claim = token_claim(&*db.store, "u").await;
    let mut intent = intent(&*claim, worker);
    intent.purpose.id = id.into();
    assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
    meanwhile.await;
    let mut end = end(db, &intent, result);
    end.cached.as_mut().unwrap().claim =
        Some(OrderClaim { worker, number: ClaimNumber(claimed.number.0 + number) });
    let settled = claim.settle(&end).await.unwrap();
    db.store.lose_order(&claimed).await.unwrap();
    let view = db.store.order(id).await.unwrap().unwrap();
    db.execute("DELETE FROM order_attempts; DELETE FROM orders").await;
    (settled, view.possible_duplicate)
}

async fn the_store_of_a_token_announces_the_create_call(db: Db) {
    register(&db, "u", 1).await;
    for result in [successor(&db, 2), ExchangeResult::Unchanged] {
        assert_eq!(announced_by_store(&db, result, 0).await, (Settled::Announced, true));
    }
}

async fn a_store_under_a_lost_claim_announces_nothing(db: Db) {
    register(&db, "u", 1).await;
    for result in [successor(&db, 2), ExchangeResult::Unchanged] {
        assert_eq!(announced_by_store(&db, result, 1).await, (Settled::Written, false));
    }
}

async fn a_store_that_is_superseded_announces_nothing(db: Db) {
    register(&db, "u", 1).await;
    for (byte, result) in [(10, successor(&db, 2)), (11, ExchangeResult::Unchanged)] {
        let signed_in = async { _ = register(&db, "u", byte).await };
        assert_eq!(announced_after(&db, result, 0, signed_in).await, (Settled::Superseded, false));
    }
}

async fn a_result_of_a_lost_claim_ends_the_order_that_nobody_sent_again(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    assert!(db.store.settle_order(&claimed.claim, &submitted()).await.unwrap().is_none());
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(how(&db, id).await, K1(false));
}

async fn a_result_takes_the_order_from_a_worker_that_has_not_sent_it(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let (_, again) = claimed_again(&db).await;
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(how(&db, id).await, K1(false));
    assert!(!db.store.announce_create(&again).await.unwrap(), "it may be sent again");
    assert!(db.store.settle_order(&again, &failed()).await.unwrap().is_none());
    assert_eq!(how(&db, id).await, K1(false));
}

async fn a_result_changes_nothing_while_a_later_claim_sends_the_order(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let (_, again) = claimed_again(&db).await;
    assert!(db.store.announce_create(&again).await.unwrap());
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Undecided);
    assert_eq!(how(&db, id).await, (Status::Running, true, None));
    assert!(db.store.settle_order(&again, &submitted()).await.unwrap().is_some());
    assert_eq!(how(&db, id).await, K1(true));
}

/// It ends the order if the later claim ends without a result, and is aborted if the order ends
/// otherwise.
async fn a_result_waits_for_the_end_of_a_later_claim_that_sends_the_order(db: Db) {
    let sent_again = async || {
        let (id, claimed) = lost_after_sending(&db).await;
        let (_, again) = claimed_again(&db).await;
        assert!(db.store.announce_create(&again).await.unwrap());
        let settled = db.store.settle_late(&late(&claimed), &submitted()).await.unwrap();
        assert_eq!(settled, SettledLate::Undecided);
        assert_eq!(how(&db, id).await, (Status::Running, true, None));
        (id, claimed, again)
    };
    let (id, claimed, again) = sent_again().await;
    assert!(db.store.settle_order(&again, &retry(30, true)).await.unwrap().is_some());
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(how(&db, id).await, K1(true));
    assert_eq!(aborts(&db).await, [""; 0]);
    for end in [failed(), submitted_as("k-2")] {
        let (_, claimed, again) = sent_again().await;
        assert!(db.store.settle_order(&again, &end).await.unwrap().is_some());
        let settled = db.store.settle_late(&late(&claimed), &submitted()).await.unwrap();
        assert_eq!(settled, SettledLate::Aborts, "{end:?}");
        assert_eq!(aborts(&db).await, ["k-1"], "{end:?}");
        db.execute("DELETE FROM follow_ups").await;
    }
}

async fn a_result_ends_an_order_that_was_sent_again_as_a_possible_duplicate(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let (_, again) = claimed_again(&db).await;
    assert!(db.store.announce_create(&again).await.unwrap());
    db.store.lose_order(&again).await.unwrap();
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(how(&db, id).await, K1(true));
}

async fn an_announcement_counts_as_a_heartbeat(db: Db) {
    insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0).claim;
    let seen: Vec<_> = db.store.heartbeats().await.unwrap().into_iter().map(|worker| worker.count).collect();
    db.advance(9);
    assert!(db.store.announce_create(&claimed).await.unwrap());
    let freed = db.store.reclaim(&seen).await.unwrap();
    assert_eq!((freed.requeued, freed.failed), (0, 0), "it was freed by who saw the worker silent before");
}

async fn an_order_that_ended_otherwise_keeps_its_end(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let (_, again) = claimed_again(&db).await;
    assert!(db.store.settle_order(&again, &failed()).await.unwrap().is_some());
    assert_eq!(db.store.settle_late(&late(&claimed), &failed()).await.unwrap(), SettledLate::Dropped);
    assert_eq!(aborts(&db).await, [""; 0]);
    // It may be stored again, as from the spool.
    for _ in 0..2 {
        assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Aborts);
    }
    assert_eq!(how(&db, id).await, (Status::Failed, true, None));
    assert_eq!(aborts(&db).await, ["k-1"]);
}

async fn a_cancelled_order_takes_no_result(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    assert!(db.store.cancel_order(id).await.unwrap().is_ok());
    // What Klarna Payments has created ends by itself: it knows no abort.
    assert_eq!(db.store.settle_late(&late(&claimed), &session()).await.unwrap(), SettledLate::Dropped);
    assert_eq!(aborts(&db).await, [""; 0]);
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Aborts);
    assert_eq!(how(&db, id).await, (Status::Cancelled, true, None));
    assert_eq!(aborts(&db).await, ["k-1"]);
}

async fn what_klarna_created_twice_is_aborted_once(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let (_, again) = claimed_again(&db).await;
    assert!(db.store.announce_create(&again).await.unwrap());
    assert!(db.store.settle_order(&again, &submitted()).await.unwrap().is_some());
    // The order's own result, and that of an earlier claim, which nobody has seen.
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(
        db.store.settle_late(&late(&claimed), &submitted_as("k-2")).await.unwrap(),
        SettledLate::Aborts
    );
    assert_eq!(how(&db, id).await, K1(true));
    assert_eq!(aborts(&db).await, ["k-2"]);
}

async fn an_erased_order_takes_no_result(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let key = UserKey::new("shop", "u");
    db.store.erase_user(&key).await.unwrap();
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Aborts);
    assert_eq!(how(&db, id).await.2, None);
    assert_eq!(aborts(&db).await, ["k-1"]);
}

async fn an_order_of_a_renamed_user_takes_its_result(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    let renamed =
        db.store.rename_user(&UserKey::new("shop", "u"), &"v".into(), Duration::ZERO).await.unwrap();
    assert_eq!(renamed, Renamed::Done(Moved { token: false, orders: 1, webhooks: 0 }));
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    assert_eq!(how(&db, id).await, K1(false));
}

async fn a_result_that_is_stored_again_changes_nothing(db: Db) {
    let (id, claimed) = lost_after_sending(&db).await;
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    db.advance(5);
    assert_eq!(db.store.settle_late(&late(&claimed), &submitted()).await.unwrap(), SettledLate::Stored);
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.attempts, view.ended_at.unwrap() < db.clock.now()), (1, true));
    let Disposition::Submitted { result, .. } = submitted() else { unreachable!() };
    assert_eq!(view.result, result);
}
