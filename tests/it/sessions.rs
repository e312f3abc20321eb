//! Changes of submitted orders, and calls about them in the background, against a Klarna that is
//! slow, away or paused.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use klarna_order_worker::clock::since_boot;
use klarna_order_worker::config::Merchants;
use klarna_order_worker::ids::MerchantName;
use klarna_order_worker::klarna::accepted_credentials::AcceptedCredentials;
use klarna_order_worker::order::{Body, KlarnaState, OrderId, OrderResult, SessionPhase, Status};
use klarna_order_worker::pauses::{PauseKind, Pauses};
use klarna_order_worker::sessions::{Dependencies, FollowUpWorker, NotChanged, Sessions};
use klarna_order_worker::store::{
    BodyChange, ChangeBegun, KlarnaSessions, OrderOfKlarna, Store, StoreError, UpdateClaim,
};
use test_support::faults::{FaultyServer, Step, http};
use test_support::merchant::merchant;

use crate::conformance::orders::{insert, order};
use crate::conformance::pauses;
use crate::conformance::sessions::at_klarna;
use crate::support::log::Log;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_change_that_is_late_is_not_sent,
    a_change_without_an_answer_keeps_others_away_while_it_may_arrive,
    no_submitted_order_of_a_paused_merchant_is_changed,
    calls_about_orders_of_a_paused_merchant_wait,
    a_call_that_fails_for_two_days_is_given_up_until_order_management_answers,
    an_order_that_has_left_checkout_is_read_again_in_the_background,
    calls_for_a_merchant_that_nobody_knows_are_given_up_after_two_days,
];

/// A store that takes its time to say that it has claimed an order.
struct Slow {
    store: Arc<dyn Store>,
    takes: Duration,
}

#[async_trait]
impl KlarnaSessions for Slow {
    async fn note_session(
        &self,
        order: OrderId,
        klarna_id: &str,
        session: &KlarnaState,
        result: Option<&OrderResult>,
        pushed_at: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        self.store.note_session(order, klarna_id, session, result, pushed_at).await
    }

    async fn order_of_klarna(
        &self,
        merchant: &MerchantName,
        klarna_id: &str,
        reference: Option<OrderId>,
    ) -> Result<Option<OrderOfKlarna>, StoreError> {
        self.store.order_of_klarna(merchant, klarna_id, reference).await
    }

    async fn begin_change(&self, change: BodyChange<'_>, lease: Duration) -> Result<ChangeBegun, StoreError> {
        let begun = self.store.begin_change(change, lease).await;
        tokio::time::sleep(self.takes).await;
        begun
    }

    async fn end_change(
        &self,
        claim: UpdateClaim,
        body: &Body,
        session: Option<&KlarnaState>,
        result: Option<&OrderResult>,
    ) -> Result<bool, StoreError> {
        self.store.end_change(claim, body, session, result).await
    }

    async fn release_change(&self, claim: UpdateClaim) -> Result<(), StoreError> {
        self.store.release_change(claim).await
    }
}

/// A shop whose Klarna is at `base`.
fn sessions(db: &Db, base: &str) -> Sessions {
    sessions_on(db, base, "shop", Arc::clone(&db.store) as _)
}

fn sessions_on(db: &Db, base: &str, name: &str, store: Arc<dyn KlarnaSessions>) -> Sessions {
    let mut merchant = merchant(base);
    merchant.name = name.into();
    Sessions::new(Dependencies {
        store,
        orders: Arc::clone(&db.store) as _,
        follow_ups: Arc::clone(&db.store) as _,
        pausing: Arc::clone(&db.store) as _,
        merchants: Merchants::from([(name.into(), Arc::new(merchant))]).into(),
        accepted: AcceptedCredentials::default(),
        clock: db.clock.clone(),
    })
    .unwrap()
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn ok(body: &str) -> Step {
    Step::close_after(http("200 OK", "", body))
}

fn away() -> Step {
    Step::close_after(http("503 Service Unavailable", "", ""))
}

fn gone() -> Step {
    Step::close_after(http("404 Not Found", "", ""))
}

async fn a_change_that_is_late_is_not_sent(db: Db) {
    let server = FaultyServer::start([ok("{}")]).await;
    let id = at_klarna(&db).await;
    let slow = Slow { store: Arc::clone(&db.store), takes: Duration::from_millis(3001) };
    let late = sessions_on(&db, &server.url(), "shop", Arc::new(slow));
    let changed = late.change(id, Some(1), body("{ }")).await;
    let Err(NotChanged::Unavailable(error, wait)) = changed else { panic!("{changed:?}") };
    assert!(error.message.contains("in time") && wait <= Duration::from_secs(1), "{error:?} {wait:?}");
    assert_eq!(server.requests(), 0);
    // Nothing was sent, so nobody has to wait.
    let changed = sessions(&db, &server.url()).change(id, Some(1), body("{ }")).await.unwrap();
    assert_eq!((changed.version, server.requests()), (2, 1));
}

async fn a_change_without_an_answer_keeps_others_away_while_it_may_arrive(db: Db) {
    let server = FaultyServer::start([Step::reset(), ok("{}")]).await;
    let id = at_klarna(&db).await;
    let sessions = sessions(&db, &server.url());
    let changed = sessions.change(id, Some(1), body("{ }")).await;
    let Err(NotChanged::Unavailable(_, wait)) = changed else { panic!("{changed:?}") };
    // It was sent within three seconds. Two requests may each take ten, and arrive ten seconds
    // later.
    let whole = Duration::from_secs(33);
    assert!(wait > whole / 2 && wait < whole + Duration::from_secs(1), "{wait:?}");
    let busy = sessions.change(id, Some(1), body("{ }")).await;
    assert!(matches!(busy, Err(NotChanged::Busy(_))), "{busy:?}");
    db.advance(32);
    assert!(matches!(sessions.change(id, Some(1), body("{ }")).await, Err(NotChanged::Busy(_))));
    db.advance(2);
    let changed = sessions.change(id, Some(1), body("{ }")).await.unwrap();
    assert_eq!((changed.version, server.requests()), (2, 2));
}

async fn no_submitted_order_of_a_paused_merchant_is_changed(db: Db) {
    let server = FaultyServer::start([ok(r#"{"status":"checkout_incomplete"}"#), ok("{}")]).await;
    let id = at_klarna(&db).await;
    let queued = insert(&db, order(&db, "v")).await;
    let sessions = sessions(&db, &server.url());
    db.store.pause(&pauses::new(Some("shop"), PauseKind::Exchanges, None)).await.unwrap();
    db.store.pause(&pauses::new(Some("shop"), PauseKind::Orders, Some(40))).await.unwrap();
    let changed = sessions.change(id, Some(1), body("{ }")).await;
    let Err(why @ NotChanged::Paused { wait, .. }) = &changed else { panic!("{changed:?}") };
    assert_eq!(*wait, Duration::from_secs(40));
    assert!(why.to_string().contains("the orders of shop: Klarna is being maintained"), "{why}");
    db.store.pause(&pauses::new(None, PauseKind::Orders, None)).await.unwrap();
    let changed = sessions.change(id, Some(1), body("{ }")).await;
    assert!(matches!(changed, Err(NotChanged::Paused { wait, .. }) if wait == Duration::from_mins(1)));
    assert_eq!(server.requests(), 0);
    // What is not at Klarna is changed here, and what is there can be read.
    assert_eq!(sessions.change(queued, Some(1), body("{ }")).await.unwrap().status, Status::Queued);
    let found = db.store.order(id).await.unwrap().unwrap();
    assert_eq!(sessions.refresh(found).await.order.session.unwrap().phase, SessionPhase::Open);

    db.store.resume(None, PauseKind::Orders).await.unwrap();
    db.advance(40);
    assert_eq!(sessions.change(id, Some(1), body("{ }")).await.unwrap().version, 2);
}

async fn calls_about_orders_of_a_paused_merchant_wait(db: Db) {
    let server = FaultyServer::start([ok(r#"{"status":"AUTHORIZED"}"#), ok("")]).await;
    let id = at_klarna(&db).await;
    let pauses = Pauses::default();
    let worker =
        FollowUpWorker::new(Arc::clone(&db.store) as _, sessions(&db, &server.url()), pauses.clone());
    db.store.pause(&pauses::new(Some("shop"), PauseKind::Orders, None)).await.unwrap();
    pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    db.store.record_push(&"shop".into(), "k-1").await.unwrap();
    // For longer than a call is tried.
    db.advance(50 * 3600);
    assert_eq!((worker.handle_due().await.unwrap(), server.requests()), (0, 0));
    pauses.replace(Vec::new(), since_boot());
    assert_eq!((worker.handle_due().await.unwrap(), server.requests()), (1, 2));
    assert_eq!(db.store.order(id).await.unwrap().unwrap().session.unwrap().phase, SessionPhase::Completed);
    assert!(worker.in_flight().is_empty());
}

async fn a_call_that_fails_for_two_days_is_given_up_until_order_management_answers(db: Db) {
    let server = FaultyServer::start((0..200).map(|_| away())).await;
    let id = at_klarna(&db).await;
    let worker =
        FollowUpWorker::new(Arc::clone(&db.store) as _, sessions(&db, &server.url()), Pauses::default());
    db.store.record_push(&"shop".into(), "k-1").await.unwrap();
    let log = Log::default();
    let _listening = log.listen();
    let mut attempts = 0;
    for _ in 0..47 {
        attempts += worker.handle_due().await.unwrap();
        db.advance(3600);
    }
    assert_eq!((attempts, db.count("follow_ups").await), (47, 1), "{}", log.text());
    db.advance(3600);
    assert_eq!(worker.handle_due().await.unwrap(), 1);
    assert!(log.text().contains("failed for two days and is given up"), "{}", log.text());
    db.advance(3600);
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (0, 1), "it is kept");

    // An operator reads the order. Then the call is made that was given up.
    let paid = || ok(r#"{"status":"CAPTURED"}"#);
    let server = FaultyServer::start([gone(), paid(), paid(), ok("")]).await;
    let sessions = sessions(&db, &server.url());
    let worker = FollowUpWorker::new(Arc::clone(&db.store) as _, sessions.clone(), Pauses::default());
    let found = db.store.order(id).await.unwrap().unwrap();
    let read = sessions.refresh(found).await;
    assert_eq!(read.order.session.unwrap().phase, SessionPhase::Completed, "{:?}", read.error);
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (1, 0), "{}", log.text());
    assert!(log.text().contains("A paid order was acknowledged"), "{}", log.text());
}

async fn an_order_that_has_left_checkout_is_read_again_in_the_background(db: Db) {
    let unauthorised = || Step::close_after(http("401 Unauthorized", "", ""));
    // Order management refuses more orders than would stop calls to Checkout.
    let steps = (0..9).map(|_| unauthorised());
    let more = [gone(), unauthorised(), unauthorised(), ok(r#"{"status":"AUTHORIZED","order_amount":7}"#)];
    let server = FaultyServer::start(steps.chain(more)).await;
    let id = at_klarna(&db).await;
    let sessions = sessions(&db, &server.url());
    let worker = FollowUpWorker::new(Arc::clone(&db.store) as _, sessions.clone(), Pauses::default());
    for number in 0..9 {
        db.store.record_push(&"shop".into(), &format!("other-{number}")).await.unwrap();
    }
    assert_eq!(worker.handle_due().await.unwrap(), 9);
    db.execute(if db.is_sqlite() {
        "DELETE FROM follow_ups"
    } else {
        "DELETE FROM klarna_worker.follow_ups"
    })
    .await;

    let found = db.store.order(id).await.unwrap().unwrap();
    let read = sessions.refresh(found).await;
    let error = read.error.unwrap();
    assert_eq!((error.code.as_str(), read.order.session), ("klarna_unauthorised", None));
    for part in ["has left Checkout", "order management", "HTTP 401", "API credentials"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let log = Log::default();
    let _listening = log.listen();
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (1, 1));
    assert!(log.text().contains("HTTP 401"), "{}", log.text());
    db.advance(3);
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (1, 0), "{}", log.text());
    let session = db.store.order(id).await.unwrap().unwrap().session.unwrap();
    assert_eq!((session.phase, session.order_amount), (SessionPhase::Completed, Some(7)));
}

async fn calls_for_a_merchant_that_nobody_knows_are_given_up_after_two_days(db: Db) {
    let server = FaultyServer::start([ok(r#"{"status":"AUTHORIZED"}"#)]).await;
    let other = sessions_on(&db, &server.url(), "other", Arc::clone(&db.store) as _);
    let worker = FollowUpWorker::new(Arc::clone(&db.store) as _, other, Pauses::default());
    for klarna_id in ["k-1", "k-2"] {
        db.store.record_push(&"shop".into(), klarna_id).await.unwrap();
    }
    db.store.record_push(&"third".into(), "k-3").await.unwrap();
    let log = Log::default();
    let _listening = log.listen();
    db.advance(47 * 3600);
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (0, 3));
    db.advance(2 * 3600);
    // One of a merchant that this process knows is tried, however late.
    db.store.record_push(&"other".into(), "k-4").await.unwrap();
    db.advance(49 * 3600);
    assert_eq!((worker.handle_due().await.unwrap(), db.count("follow_ups").await), (1, 0));
    let text = log.text();
    let text = console::strip_ansi_codes(&text);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    let of = |merchant: &str| lines.iter().find(|line| line.contains(&format!("merchant=\"{merchant}\"")));
    assert_eq!(lines.len(), 2, "one for each merchant: {text}");
    assert!(of("shop").unwrap().contains("calls=2") && of("third").unwrap().contains("calls=1"), "{text}");
    assert!(lines.iter().all(|line| line.contains("no process has the merchant in its settings")), "{text}");
}
