//! Webhooks, from the outbox to a shop's endpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::clock::{Clock, since_boot};
use klarna_order_worker::config::{Merchant, Merchants, Webhook};
use klarna_order_worker::delivery::{Outbox, Sender};
use klarna_order_worker::ids::MerchantName;
use klarna_order_worker::pauses::{PauseKind, Pauses};
use klarna_order_worker::queue::{Options, Queue, Stopped, Wake, drain, run_one};
use klarna_order_worker::store::{DisabledWhy, NewPause, WebhookFilter, WebhookStatus};
use serde_json::Value;
use standardwebhooks::Webhook as Verifier;
use test_support::faults::{FaultyServer, Step, http};
use test_support::merchant::merchant;
use test_support::receiver::{Answer, Receiver};

use crate::conformance::settling::{failed, submitted};
use crate::conformance::webhooks::{end_order, list};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_receiver_that_fails_half_the_time_gets_every_event,
    both_secrets_verify_while_two_are_valid,
    what_an_endpoint_asks_for_is_obeyed,
    an_endpoint_that_is_gone_is_left_alone,
    redirects_are_not_followed_and_long_answers_not_read,
    a_slow_endpoint_holds_no_other_merchants_events,
    webhooks_that_are_paused_wait_and_count_no_attempt,
];

pub const SECRETS: [&str; 2] =
    ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="];

/// Merchants with endpoints that the database knows.
struct Shops {
    db: Db,
    merchants: Arc<Merchants>,
    pauses: Pauses,
    wake: Wake,
}

impl Shops {
    async fn open(db: &Db, urls: &[(&str, &str)], secrets: &[&str]) -> Self {
        let merchants = urls.iter().map(|(name, url)| {
            let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
            let webhook = Some(Webhook { url: url.parse().unwrap(), secrets });
            let merchant = Merchant { name: (*name).into(), webhook, ..merchant("http://127.0.0.1:1") };
            (MerchantName::from(*name), Arc::new(merchant))
        });
        let merchants = Arc::new(merchants.collect::<BTreeMap<_, _>>());
        let published = Outbox::published(&merchants, Duration::from_mins(10));
        db.store.publish(&published).await.unwrap();
        Self { db: db.clone(), merchants, pauses: Pauses::default(), wake: Wake::new() }
    }

    fn outbox(&self) -> Outbox {
        Outbox::new(self.db.store.clone(), Arc::clone(&self.merchants).into(), self.pauses.clone())
    }

    /// Returns a sender with the system's clock, because the shop's library uses that too.
    fn sender(&self) -> Sender {
        let (store, merchants) = (self.db.store.clone(), Arc::clone(&self.merchants));
        Sender::new(store, merchants.into(), Clock::system(), self.wake.clone()).unwrap()
    }

    /// Sends the events that are due. Returns the number of attempts.
    async fn send(&self) -> usize {
        drain(&self.outbox(), &self.sender()).await.unwrap()
    }
}

async fn a_receiver_that_fails_half_the_time_gets_every_event(db: Db) {
    let receiver = Receiver::failing(4711).await;
    let shops = Shops::open(&db, &[("shop", &receiver.url)], &SECRETS[..1]).await;
    for n in 0..20 {
        let user = format!("u{n}");
        end_order(&db, &user, &if n % 3 == 0 { failed() } else { submitted() }).await;
    }
    let expected: BTreeSet<String> = list(&db).await.into_iter().map(|view| view.id.to_string()).collect();
    let mut attempts = 0;
    // Two processes share the outbox.
    let mut elsewhere = db.clone();
    elsewhere.store = db.open().await;
    let other = Shops::open(&elsewhere, &[("shop", &receiver.url)], &SECRETS[..1]).await;
    for _ in 0..20 {
        let (here, there) = tokio::join!(shops.send(), other.send());
        attempts += here + there;
        db.advance(13 * 3600 / 4);
    }
    let views = list(&db).await;
    assert!(views.iter().all(|view| view.status == WebhookStatus::Delivered), "{views:?}");
    let requests = receiver.requests();
    assert_eq!(requests.len(), attempts, "one request for each attempt");
    assert!(attempts > 30, "{attempts} attempts: it failed too seldom");
    let verifier = Verifier::new(SECRETS[0]).unwrap();
    for request in &requests {
        verifier.verify(&request.body, &request.headers).unwrap();
    }
    let taken: BTreeSet<String> =
        requests.iter().filter(|one| one.status < 300).map(|one| one.id().to_owned()).collect();
    assert_eq!(taken, expected);
    // An event has the same id and body at each attempt.
    let mut bodies = BTreeMap::new();
    for request in &requests {
        assert_eq!(bodies.entry(request.id()).or_insert(&request.body), &&request.body);
    }
    let event: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(members(&event), "data sequence timestamp type");
    let data = members(&event["data"]);
    let middle = if event["type"] == "order.failed" { "code" } else { "klarna_order_id" };
    assert!(data.split(' ').any(|member| member == middle), "{data}");
    let other_types = ["possible_duplicate", "prefilled", "prefill_withdrawn"];
    let mut texts = data.split(' ').filter(|member| !other_types.contains(member));
    assert!(texts.all(|member| event["data"][member].is_string()), "{event}");
    assert!(!event.to_string().contains("div"), "{event}");
}

async fn both_secrets_verify_while_two_are_valid(db: Db) {
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let shops = Shops::open(&db, &[("shop", &receiver.url)], &SECRETS).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(shops.send().await, 1);
    let request = receiver.requests().remove(0);
    for secret in SECRETS {
        Verifier::new(secret).unwrap().verify(&request.body, &request.headers).unwrap();
    }
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(Verifier::new(stranger).unwrap().verify(&request.body, &request.headers).is_err());
    let mut other = request.body.to_vec();
    other[20] ^= 1;
    assert!(Verifier::new(SECRETS[0]).unwrap().verify(&other, &request.headers).is_err());
    assert_eq!(request.headers["content-type"], "application/json");
}

async fn what_an_endpoint_asks_for_is_obeyed(db: Db) {
    let receiver = Receiver::start(|n| {
        if n == 0 { Answer::status(503).header("retry-after", "7200") } else { Answer::status(200) }
    })
    .await;
    let shops = Shops::open(&db, &[("shop", &receiver.url)], &SECRETS).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(shops.send().await, 1);
    let view = list(&db).await.remove(0);
    assert_eq!((view.due_at - db.clock.now()).num_seconds(), 7200);
    assert_eq!(view.error.as_deref(), Some("HTTP 503"));
    db.advance(7199);
    assert_eq!(shops.send().await, 0);
    db.advance(1);
    assert_eq!(shops.send().await, 1);
    assert_eq!(list(&db).await[0].status, WebhookStatus::Delivered);
}

async fn an_endpoint_that_is_gone_is_left_alone(db: Db) {
    let receiver = Receiver::start(|n| Answer::status(if n == 0 { 410 } else { 200 })).await;
    let shops = Shops::open(&db, &[("shop", &receiver.url)], &SECRETS).await;
    end_order(&db, "u", &submitted()).await;
    assert_eq!(shops.send().await, 1);
    end_order(&db, "v", &submitted()).await;
    db.advance(24 * 3600);
    assert_eq!(shops.send().await, 0);
    let endpoint = db.store.endpoints().await.unwrap().remove(0);
    assert_eq!(endpoint.disabled.unwrap().1, DisabledWhy::Gone);
    let filter = WebhookFilter { merchant: Some("shop".into()), limit: 9, ..WebhookFilter::default() };
    assert_eq!(db.store.resend_webhooks(&filter).await.unwrap().webhooks.len(), 2);
    assert_eq!(shops.send().await, 2);
}

async fn redirects_are_not_followed_and_long_answers_not_read(db: Db) {
    let elsewhere = Receiver::start(|_| Answer::status(200)).await;
    let to = format!("location: {}\r\n", elsewhere.url);
    let server = FaultyServer::start([
        Step::close_after(http("302 Found", &to, "")),
        Step::close_after(http("307 Temporary Redirect", &to, "")),
        Step::reset(),
        Step::flood_after("HTTP/1.1 200 OK\r\n\r\n"),
    ])
    .await;
    let shops = Shops::open(&db, &[("shop", &server.url())], &SECRETS).await;
    end_order(&db, "u", &submitted()).await;
    let mut errors = Vec::new();
    for _ in 0..4 {
        assert!(run_one(&shops.outbox(), &shops.sender()).await.unwrap());
        errors.push(list(&db).await[0].error.clone().unwrap_or_else(|| "taken".into()));
        db.advance(24 * 3600 / 2);
    }
    let broken = "no answer: the connection broke before the answer was complete";
    assert_eq!(errors, ["HTTP 302", "HTTP 307", broken, "taken"]);
    assert_eq!((elsewhere.requests().len(), server.requests()), (0, 4));
}

async fn a_slow_endpoint_holds_no_other_merchants_events(db: Db) {
    let stuck = Receiver::silent().await;
    let quick = Receiver::start(|_| Answer::status(200)).await;
    let shops = Shops::open(&db, &[("shop", &stuck.url), ("quick", &quick.url)], &SECRETS).await;
    for n in 0..40 {
        end_order(&db, &format!("u{n}"), &submitted()).await;
    }
    let options = Options::new("webhooks", 16);
    let queue = Queue::start(Arc::new(shops.outbox()), Arc::new(shops.sender()), options, &shops.wake);
    stuck.reached(8).await;
    // One merchant has as many attempts in flight as allowed; the other's events are sent
    // meanwhile.
    let last = "SELECT seq FROM webhooks WHERE claim_number = 0 ORDER BY seq DESC LIMIT 20";
    db.execute(&format!("UPDATE webhooks SET merchant = 'quick' WHERE seq IN ({last})")).await;
    shops.wake.notify();
    quick.reached(20).await;
    assert_eq!(stuck.requests().len(), 8);
    // A stop does not wait for these attempts, because they are repeated later.
    assert!(matches!(queue.stop(Duration::from_millis(10)).await, Stopped::Abandoned(left) if left >= 8));
}

async fn webhooks_that_are_paused_wait_and_count_no_attempt(db: Db) {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let shops = Shops::open(&db, &[("shop", &receiver.url), ("other", &receiver.url)], &SECRETS).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    db.execute("UPDATE webhooks SET merchant = 'other' WHERE user_id = 'v'").await;
    let pause = NewPause {
        merchant: Some("shop".into()),
        kind: PauseKind::Webhooks,
        reason: "the shop moves".into(),
        paused_by: "local".into(),
        lasts: None,
    };
    db.store.pause(&pause).await.unwrap();
    shops.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(shops.send().await, 1, "that of the other merchant");
    db.advance(3600);
    assert_eq!(shops.send().await, 0);
    let waiting = list(&db).await.into_iter().find(|view| view.merchant == "shop").unwrap();
    assert_eq!((waiting.status, waiting.attempts), (WebhookStatus::Pending, 0));
    db.store.resume(Some(&"shop".into()), PauseKind::Webhooks).await.unwrap();
    shops.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(shops.send().await, 1);
}
