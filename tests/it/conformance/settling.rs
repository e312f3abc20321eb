//! Ends of attempts. A claim that no longer holds changes nothing.

use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::ids::{ClaimNumber, UserKey};
use klarna_order_worker::order::{
    Disposition, OrderError, OrderId, OrderResult, PaymentsSession, Prefill, Status, Target, TokenOutcome,
    Waits,
};
use klarna_order_worker::store::Claim;

use super::orders::{DEADLINE, claim, insert, order};
use super::tokens::exchange_for;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_submitted_order_bears_klarnas_answer,
    a_session_of_payments_comes_back_whole,
    a_failed_order_bears_its_reason,
    a_retry_counts_an_attempt_and_a_snooze_none,
    only_waits_for_the_token_are_summed,
    waits_end_at_the_deadline,
    a_possible_duplicate_stays_one,
    a_stale_claim_changes_nothing,
    nothing_ends_twice,
    an_end_deletes_what_was_kept_and_a_retry_does_not,
    settled_names_those_that_ended,
    many_ends_at_once_are_each_answered,
    no_text_of_klarna_is_refused,
];

pub fn error(code: &str) -> OrderError {
    OrderError { code: code.into(), message: "why".into(), ..OrderError::default() }
}

fn snippet() -> OrderResult {
    OrderResult::Checkout { html_snippet: "<div>å</div>".into() }
}

pub fn submitted() -> Disposition {
    Disposition::Submitted {
        klarna_id: "k-1".into(),
        target: Target::Checkout,
        result: Some(snippet()),
        correlation_id: Some("c-1".into()),
        token: TokenOutcome::Fresh,
        prefilled: vec!["/billing_address/email".to_owned()].into(),
    }
}

pub fn session() -> Disposition {
    let session = PaymentsSession {
        client_token: "secret.client.token".into(),
        payment_method_categories: serde_json::json!([{"identifier": "klarna", "name": "Klarna å"}]),
    };
    Disposition::Submitted {
        klarna_id: "s-1".into(),
        target: Target::Payments,
        result: Some(OrderResult::Payments(session)),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    }
}

pub fn failed() -> Disposition {
    Disposition::Failed {
        error: error("bad_order"),
        token: Some(TokenOutcome::NotRegistered),
        prefilled: Prefill::default(),
    }
}

pub fn retry(seconds: u64, possible_duplicate: bool) -> Disposition {
    Disposition::Retry {
        after: Duration::from_secs(seconds),
        error: error("away"),
        possible_duplicate,
        token_waited: Duration::ZERO,
    }
}

pub fn snooze(seconds: u64, error: Option<OrderError>) -> Disposition {
    Disposition::Snooze {
        after: Duration::from_secs(seconds),
        error,
        token_waited: Duration::ZERO,
        waits: Waits::default(),
    }
}

/// Returns the claim on a new order.
async fn claimed(db: &Db) -> Claim {
    insert(db, order(db, "u")).await;
    let worker = db.begin_worker().await;
    claim(db, worker, 1).await.remove(0).claim
}

async fn a_submitted_order_bears_klarnas_answer(db: Db) {
    let claim = claimed(&db).await;
    assert!(db.store.settle_order(&claim, &retry(0, false)).await.unwrap().is_some());
    let claim = self::claim(&db, claim.worker, 1).await.remove(0).claim;
    db.advance(3);
    assert!(db.store.settle_order(&claim, &submitted()).await.unwrap().is_some());
    let view = db.store.order(claim.order).await.unwrap().unwrap();
    assert_eq!((view.status, view.ended_at, view.attempts), (Status::Submitted, Some(db.clock.now()), 2));
    assert_eq!((view.klarna_id.as_deref(), view.correlation_id.as_deref()), (Some("k-1"), Some("c-1")));
    assert_eq!(
        (view.result, view.target, view.token),
        (Some(snippet()), Some(Target::Checkout), Some(TokenOutcome::Fresh))
    );
    assert_eq!((view.prefilled, view.error), (vec!["/billing_address/email".to_owned()].into(), None));
}

async fn a_session_of_payments_comes_back_whole(db: Db) {
    let claim = claimed(&db).await;
    let session = session();
    assert!(db.store.settle_order(&claim, &session).await.unwrap().is_some());
    let view = db.store.order(claim.order).await.unwrap().unwrap();
    let Disposition::Submitted { result, .. } = session else { unreachable!() };
    assert_eq!((view.target, view.klarna_id.as_deref()), (Some(Target::Payments), Some("s-1")));
    assert_eq!(view.result, result);
}

async fn a_failed_order_bears_its_reason(db: Db) {
    let claim = claimed(&db).await;
    assert!(db.store.settle_order(&claim, &failed()).await.unwrap().is_some());
    let view = db.store.order(claim.order).await.unwrap().unwrap();
    assert_eq!((view.status, view.ended_at, view.attempts), (Status::Failed, Some(db.clock.now()), 1));
    assert_eq!((view.error, view.token), (Some(error("bad_order")), Some(TokenOutcome::NotRegistered)));
}

async fn a_retry_counts_an_attempt_and_a_snooze_none(db: Db) {
    let first = claimed(&db).await;
    assert!(db.store.settle_order(&first, &retry(10, false)).await.unwrap().is_some());
    let view = db.store.order(first.order).await.unwrap().unwrap();
    assert_eq!((view.status, view.attempts, view.error), (Status::Queued, 1, Some(error("away"))));
    assert_eq!(view.due_at, db.clock.now() + TimeDelta::seconds(10));
    assert!(claim(&db, first.worker, 1).await.is_empty());

    db.advance(10);
    let second = claim(&db, first.worker, 1).await.remove(0);
    assert_eq!((second.attempts, second.error), (1, Some(error("away"))));
    assert!(db.store.settle_order(&second.claim, &snooze(5, None)).await.unwrap().is_some());
    let view = db.store.order(first.order).await.unwrap().unwrap();
    assert_eq!((view.status, view.attempts, view.error), (Status::Queued, 1, Some(error("away"))));
    assert_eq!(view.due_at, db.clock.now() + TimeDelta::seconds(5));

    db.advance(5);
    let third = claim(&db, first.worker, 1).await.remove(0);
    assert_eq!(third.claim.number, ClaimNumber(3));
    assert!(db.store.settle_order(&third.claim, &snooze(5, Some(error("breaker")))).await.unwrap().is_some());
    let view = db.store.order(first.order).await.unwrap().unwrap();
    assert_eq!((view.attempts, view.error), (1, Some(error("breaker"))));
}

async fn only_waits_for_the_token_are_summed(db: Db) {
    let first = claimed(&db).await;
    let wait_for_token = |seconds| Disposition::Snooze {
        after: Duration::ZERO,
        error: None,
        token_waited: Duration::from_secs(seconds),
        waits: Waits::default(),
    };
    for (wait, sum) in [
        (snooze(0, Some(error("klarna_paused"))), 0),
        (wait_for_token(3), 3),
        (retry(0, false), 3),
        (wait_for_token(4), 7),
        (retry(0, false).having_waited(Duration::from_secs(2)), 9),
        (snooze(0, None), 9),
    ] {
        let claim = self::claim(&db, first.worker, 1).await.pop().map_or(first, |order| order.claim);
        assert!(db.store.settle_order(&claim, &wait).await.unwrap().is_some());
        db.advance(60);
        let claimed = self::claim(&db, first.worker, 1).await.remove(0);
        assert_eq!(claimed.token_waited, Duration::from_secs(sum), "{wait:?}");
        db.store.give_back(&[claimed.claim]).await.unwrap();
    }
}

async fn waits_end_at_the_deadline(db: Db) {
    for wait in [retry(2 * DEADLINE.as_secs(), false), snooze(2 * DEADLINE.as_secs(), None)] {
        let claim = claimed(&db).await;
        assert!(db.store.settle_order(&claim, &wait).await.unwrap().is_some());
        let view = db.store.order(claim.order).await.unwrap().unwrap();
        assert_eq!(view.due_at, view.deadline_at, "{wait:?}");
        assert_eq!(view.deadline_at, db.clock.now() + DEADLINE);
    }
}

async fn a_possible_duplicate_stays_one(db: Db) {
    let first = claimed(&db).await;
    assert!(db.store.settle_order(&first, &retry(0, true)).await.unwrap().is_some());
    let second = claim(&db, first.worker, 1).await.remove(0);
    assert!(second.possible_duplicate);
    assert!(db.store.settle_order(&second.claim, &retry(0, false)).await.unwrap().is_some());
    let third = claim(&db, first.worker, 1).await.remove(0);
    assert!(third.possible_duplicate);
    assert!(db.store.settle_order(&third.claim, &submitted()).await.unwrap().is_some());
    assert!(db.store.order(first.order).await.unwrap().unwrap().possible_duplicate);
}

async fn a_stale_claim_changes_nothing(db: Db) {
    let stale = claimed(&db).await;
    db.store.give_back(&[stale]).await.unwrap();
    let held = claim(&db, stale.worker, 1).await.remove(0).claim;
    let before = format!("{:?}", db.store.order(held.order).await.unwrap());
    let strangers = Claim { worker: db.begin_worker().await, ..held };
    for disposition in [submitted(), failed(), retry(1, true), snooze(1, Some(error("x")))] {
        for claim in [stale, strangers] {
            assert!(db.store.settle_order(&claim, &disposition).await.unwrap().is_none(), "{disposition:?}");
            assert_eq!(format!("{:?}", db.store.order(held.order).await.unwrap()), before, "{disposition:?}");
        }
    }
    assert_eq!(db.store.running_orders(held.worker).await.unwrap(), [held]);
    assert!(db.store.settle_order(&held, &submitted()).await.unwrap().is_some());
}

async fn nothing_ends_twice(db: Db) {
    let claim = claimed(&db).await;
    assert!(db.store.settle_order(&claim, &submitted()).await.unwrap().is_some());
    for disposition in [submitted(), failed(), retry(1, true), snooze(1, None)] {
        assert!(db.store.settle_order(&claim, &disposition).await.unwrap().is_none());
    }
    db.store.give_back(&[claim]).await.unwrap();
    assert_eq!(db.store.order(claim.order).await.unwrap().unwrap().status, Status::Submitted);
}

async fn an_end_deletes_what_was_kept_and_a_retry_does_not(db: Db) {
    for end in [submitted(), failed()] {
        let first = claimed(&db).await;
        super::tokens::exchange_for(&db, "u", first.order).await;
        assert!(db.store.settle_order(&first, &retry(0, false)).await.unwrap().is_some());
        assert!(super::tokens::cached_for(&db, "u", first.order.into()).await.is_some());
        let second = claim(&db, first.worker, 1).await.remove(0).claim;
        assert!(db.store.settle_order(&first, &end).await.unwrap().is_none());
        assert!(
            super::tokens::cached_for(&db, "u", first.order.into()).await.is_some(),
            "a stale claim deleted what is kept"
        );
        assert!(db.store.settle_order(&second, &end).await.unwrap().is_some());
        assert!(super::tokens::cached_for(&db, "u", first.order.into()).await.is_none());
        // The order ended; an exchange that it did not wait for ends later.
        super::tokens::exchange_for(&db, "u", first.order).await;
        assert!(
            super::tokens::cached_for(&db, "u", first.order.into()).await.is_none(),
            "kept for an order that has ended"
        );
    }
}

async fn settled_names_those_that_ended(db: Db) {
    let claim = claimed(&db).await;
    let waits = insert(&db, order(&db, "v")).await;
    assert_eq!(db.store.settled(&[waits, claim.order]).await.unwrap(), []);
    assert!(db.store.settle_order(&claim, &failed()).await.unwrap().is_some());
    assert_eq!(db.store.settled(&[waits, claim.order]).await.unwrap(), [claim.order]);
}

/// Ends that share a commit do not affect each other.
pub async fn many_ends_at_once_are_each_answered(db: Db) {
    for number in 0..8 {
        insert(&db, order(&db, &format!("u-{number}"))).await;
        exchange_for(&db, &format!("u-{number}"), OrderId::new(db.clock.now())).await;
    }
    let worker = db.begin_worker().await;
    let claims: Vec<Claim> = claim(&db, worker, 8).await.into_iter().map(|order| order.claim).collect();
    let stale = |claim: Claim| Claim { number: ClaimNumber(claim.number.0 - 1), ..claim };
    let ends = [
        (claims[0], submitted()),
        (claims[1], failed()),
        (stale(claims[2]), submitted()),
        (claims[3], retry(5, true)),
        (claims[4], submitted()),
        (stale(claims[5]), failed()),
        (claims[6], snooze(5, None)),
        (claims[7], submitted()),
    ];
    let settling = ends.iter().map(|(claim, disposition)| db.store.settle_order(claim, disposition));
    let noting = (0..8).map(|number| async move { format!("u-{number}") });
    let (answers, noted) = futures::join!(
        futures::future::join_all(settling),
        futures::future::join_all(noting.map(|user| async {
            db.store.note_subject(&UserKey::new("shop", user.await.as_str()), b"who").await
        }))
    );
    let answers: Vec<bool> = answers.into_iter().map(|answer| answer.unwrap().is_some()).collect();
    assert_eq!(answers, [true, true, false, true, true, false, true, true]);
    noted.into_iter().for_each(Result::unwrap);
    let mut stands = Vec::new();
    for claim in &claims {
        stands.push(db.store.order(claim.order).await.unwrap().unwrap().status);
    }
    let (sent, failed, queued, running) =
        (Status::Submitted, Status::Failed, Status::Queued, Status::Running);
    assert_eq!(stands, [sent, failed, running, queued, sent, running, queued, sent]);
    let view = db.store.order(claims[7].order).await.unwrap().unwrap();
    assert_eq!((view.klarna_id.as_deref(), view.result), (Some("k-1"), Some(snippet())));
    assert_eq!((view.attempts, view.ended_at), (1, Some(db.clock.now())));
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 8);
}

/// PostgreSQL cannot store NUL, and cannot read JSON that contains one.
async fn no_text_of_klarna_is_refused(db: Db) {
    let with_nul = || Disposition::Submitted {
        klarna_id: "k-1".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<div>\0</div>".into() }),
        correlation_id: Some("c\0".into()),
        token: TokenOutcome::Fresh,
        prefilled: vec!["/a\0".to_owned()].into(),
    };
    let why = OrderError { message: "no\0".into(), ..error("bad_order") };
    for number in 0..4 {
        insert(&db, order(&db, &format!("u-{number}"))).await;
    }
    let worker = db.begin_worker().await;
    let claims: Vec<Claim> = claim(&db, worker, 4).await.into_iter().map(|order| order.claim).collect();
    assert!(db.store.settle_order(&claims[0], &with_nul()).await.unwrap().is_some());
    let ends = [
        with_nul(),
        with_nul(),
        Disposition::Failed { error: why, token: None, prefilled: Prefill::default() },
    ];
    let settled = claims[1..].iter().zip(&ends).map(|(claim, end)| db.store.settle_order(claim, end));
    assert!(futures::future::join_all(settled).await.into_iter().all(|settled| settled.unwrap().is_some()));
    for claim in &claims[..3] {
        let view = db.store.order(claim.order).await.unwrap().unwrap();
        assert_eq!(view.result, Some(OrderResult::Checkout { html_snippet: "<div>\u{fffd}</div>".into() }));
        assert_eq!(
            (view.correlation_id.as_deref(), &*view.prefilled.filled()[0]),
            (Some("c\u{fffd}"), "/a\u{fffd}")
        );
    }
    let view = db.store.order(claims[3].order).await.unwrap().unwrap();
    assert_eq!(view.error.unwrap().message, "no\u{fffd}");
}
