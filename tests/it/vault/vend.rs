//! Access tokens for the shop's own programs.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use klarna_order_worker::ids::{UserId, UserKey};
use klarna_order_worker::token::DeadReason;
use klarna_order_worker::vault::{Access, AccessToken, NotVended, Vault, Vend};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::in_flight::{Gated, waiting};
use super::{ACTIVE, Shop, an_order, dead, describe, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, MAX_IN_FLIGHT, both_engines};

both_engines![
    a_vend_is_an_exchange_whose_access_token_is_given_while_it_lasts,
    what_an_order_fetched_is_given_and_no_order_takes_what_was_vended,
    no_access_token_of_another_grant_or_of_a_dead_one_is_given,
    many_requests_at_once_make_one_exchange,
    who_waits_to_begin_gets_what_another_request_fetched_meanwhile,
    who_waits_to_begin_gets_no_older_access_token_instead_of_one_deleted_meanwhile,
    who_could_not_look_gets_only_what_is_valid_for_long_enough,
    who_stops_waiting_gets_the_access_token_at_the_next_request,
    a_token_endpoint_that_is_down_is_left_alone_and_the_wait_is_told,
    a_stop_ends_the_waiting,
    nothing_begins_after_a_stop,
];

/// What a request asks for by default, and how long it waits: longer than any test.
const MARGIN: u64 = 60;
const PATIENCE: Duration = Duration::from_mins(1);
/// Seconds, more than an exchange may take: an access token of an exchange after this time is the
/// newer one.
const LATER: u64 = 60;

async fn vend_within(
    shop: &Shop,
    vault: &Vault,
    seconds: u64,
    patience: Duration,
) -> Result<AccessToken, NotVended> {
    let (user, min_validity) = (UserId::from("u".to_owned()), Duration::from_secs(seconds));
    let vended = vault.vend(Vend { merchant: &shop.merchant, user: &user, min_validity, patience }).await;
    if vended.is_ok() {
        // A slow store leaves the answer in the spool at first. The next request finds it in the
        // database.
        vault.wait_until_idle().await;
    }
    vended
}

async fn vend(shop: &Shop, vault: &Vault, seconds: u64) -> Result<AccessToken, NotVended> {
    vend_within(shop, vault, seconds, PATIENCE).await
}

/// The access token, and whether it was cached.
fn given(vended: Result<AccessToken, NotVended>) -> (String, bool) {
    let access = vended.unwrap();
    (access.token.expose_secret().to_owned(), access.cached)
}

fn text(token: &str, cached: bool) -> (String, bool) {
    (token.to_owned(), cached)
}

async fn a_vend_is_an_exchange_whose_access_token_is_given_while_it_lasts(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    assert_eq!(vend(&shop, &vault, MARGIN).await.unwrap_err(), NotVended::NotRegistered);
    shop.register("u", "rt-1").await;
    let first = vend(&shop, &vault, MARGIN).await.unwrap();
    let left = first.expires_in().as_secs();
    assert!((270..=299).contains(&left), "{left}");
    assert_eq!(given(Ok(first)), text("at-rt-1", false));
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    assert_eq!(db.value("purpose FROM exchanges").await.as_deref(), Some("vend"));
    // It is valid for 299 s, less the time that the exchange took.
    db.advance(200);
    for vault in [&vault, &elsewhere] {
        let again = vend(&shop, vault, MARGIN).await.unwrap();
        let left = again.expires_in().as_secs();
        assert!((70..=99).contains(&left), "{left}");
        assert_eq!(given(Ok(again)), text("at-rt-1", true));
    }
    assert_eq!(endpoint.presented(), ["rt-1"]);
    // Whoever needs it for longer gets another one, and then everybody does.
    assert_eq!(given(vend(&shop, &vault, 100).await), text("at-rt-2", false));
    assert_eq!(given(vend(&shop, &vault, 0).await), text("at-rt-2", true));
    db.advance(300);
    assert_eq!(given(vend(&shop, &vault, 0).await), text("at-rt-3", false), "an expired one is not given");
    assert_eq!(given(vend(&shop, &vault, 3600).await), text("at-rt-4", false), "longer than any is valid");
    vault.tidy().await.unwrap();
    assert_eq!(db.count("cached_tokens").await, 2, "the expired ones are deleted");
    db.advance(300);
    vault.tidy().await.unwrap();
    assert_eq!(db.count("cached_tokens").await, 0);
    assert_eq!(db.count("tokens WHERE last_seen_at IS NOT NULL").await, 1);
}

async fn what_an_order_fetched_is_given_and_no_order_takes_what_was_vended(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-1");
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-1", true));
    db.advance(298);
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-2", false));
    let order = ready(shop.access(&vault, "u").await);
    assert_eq!((order.cached, order.token.expose_secret()), (false, "at-rt-3"));
}

async fn no_access_token_of_another_grant_or_of_a_dead_one_is_given(db: Db) {
    let endpoint = Endpoint::start(|token| async move {
        if token == "rt-51" { (400, json!({"error": "invalid_grant"})) } else { rotated(&token) }
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-1", false));
    // Somebody else may have signed in.
    shop.register("u", "rt-50").await;
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-50", false));
    let died = NotVended::ReauthRequired(Some(DeadReason::Rejected));
    assert_eq!(vend(&shop, &vault, 3600).await.unwrap_err(), died);
    assert_eq!(shop.row("u").await, dead(DeadReason::Rejected, 4));
    assert_eq!(vend(&shop, &vault, 0).await.unwrap_err(), died, "the user may have withdrawn consent");
    shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap();
    assert_eq!(vend(&shop, &vault, 0).await.unwrap_err(), NotVended::NotRegistered);
    // Nor one of another client.
    shop.register("u", "rt-70").await;
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-70", false));
    let mut other = shop.clone();
    Arc::make_mut(&mut other.merchant).client_id = "client-2".into();
    let (vault, _) = other.process().await;
    assert_eq!(vend(&other, &vault, 0).await.unwrap_err(), NotVended::Unavailable);
    assert_eq!(endpoint.presented(), ["rt-1", "rt-50", "rt-51", "rt-70"]);
}

async fn many_requests_at_once_make_one_exchange(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (here, _) = shop.process().await;
    let (there, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    // Also if they ask for an access token that is valid for longer than any.
    for (number, seconds) in [(1, MARGIN), (2, 3600)] {
        db.advance(LATER);
        let vaults = [&here, &there].into_iter().cycle().take(10);
        let vended = join_all(vaults.map(|vault| vend(&shop, vault, seconds)));
        let answer = async {
            klarna.endpoint.reached(number).await;
            // All ten have looked for a cached access token. One that looks after the answer is not
            // one of those that ask at once.
            while (here.vends_waiting(), there.vends_waiting()) != (5, 5) {
                tokio::task::yield_now().await;
            }
            klarna.answer_one();
        };
        let (vended, ()) = join(vended, answer).await;
        assert_eq!(vended.iter().filter(|vended| !vended.as_ref().unwrap().cached).count(), 1);
        for vended in vended {
            assert_eq!(given(vended).0, format!("at-rt-{number}"));
        }
    }
    assert_eq!(klarna.endpoint.presented(), ["rt-1", "rt-2"]);
}

/// A process whose exchange permits are all taken by orders of other users.
struct Crowded {
    shop: Shop,
    vault: Vault,
    endpoint: Endpoint,
    gate: Arc<Semaphore>,
    orders: Vec<JoinHandle<Access>>,
}

impl Crowded {
    const OTHERS: [(&str, &str); MAX_IN_FLIGHT as usize] =
        [("v-1", "rt-100"), ("v-2", "rt-200"), ("v-3", "rt-300"), ("v-4", "rt-400")];

    async fn start(db: &Db) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let endpoint = Endpoint::start(move |token| {
            let gate = Arc::clone(&closed);
            async move {
                if token.len() == "rt-100".len() {
                    gate.acquire().await.unwrap().forget();
                }
                rotated(&token)
            }
        });
        let endpoint = endpoint.await;
        let shop = Shop::new(db, &endpoint.url);
        let (vault, _) = shop.process().await;
        for (user, token) in Self::OTHERS {
            shop.register(user, token).await;
        }
        Self { shop, vault, endpoint, gate, orders: Vec::new() }
    }

    /// Starts a request. It has looked for a cached access token, and waits for a permit.
    async fn asking(&mut self, seconds: u64) -> JoinHandle<Result<AccessToken, NotVended>> {
        let before = self.endpoint.presented().len();
        for (user, _) in Self::OTHERS {
            self.orders.push(waiting(&self.shop, &self.vault, user, an_order()));
        }
        self.endpoint.reached(before + Self::OTHERS.len()).await;
        let (shop, vault) = (self.shop.clone(), self.vault.clone());
        let asking = tokio::spawn(async move { vend(&shop, &vault, seconds).await });
        while self.vault.in_flight() != Self::OTHERS.len() + 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.vault.permits_taken(), self.vault.permits());
        asking
    }

    /// Ends the orders' exchanges, which frees the permits.
    async fn end_orders(&mut self) {
        self.gate.add_permits(self.orders.len());
        for order in self.orders.drain(..) {
            ready(order.await.unwrap());
        }
        self.vault.wait_until_idle().await;
    }

    /// Returns the refresh tokens that were presented for `u`.
    fn presented(&self) -> Vec<String> {
        let mut presented = self.endpoint.presented();
        presented.retain(|token| token.len() < "rt-100".len());
        presented
    }
}

async fn who_waits_to_begin_gets_what_another_request_fetched_meanwhile(db: Db) {
    let mut there = Crowded::start(&db).await;
    let shop = there.shop.clone();
    let (here, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    for (number, seconds) in [(1, MARGIN), (2, 3600)] {
        db.advance(LATER);
        let asking = there.asking(seconds).await;
        let expected = format!("at-rt-{number}");
        assert_eq!(given(vend(&shop, &here, seconds).await), text(&expected, false));
        there.end_orders().await;
        assert_eq!(given(asking.await.unwrap()), text(&expected, true));
    }
    assert_eq!(there.presented(), ["rt-1", "rt-2"]);
}

async fn who_waits_to_begin_gets_no_older_access_token_instead_of_one_deleted_meanwhile(db: Db) {
    let mut crowded = Crowded::start(&db).await;
    let shop = crowded.shop.clone();
    let (here, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(given(vend(&shop, &here, MARGIN).await), text("at-rt-1", false));
    db.advance(LATER);
    assert_eq!(describe(&shop.access(&here, "u").await), "at-rt-2");
    here.wait_until_idle().await;
    let asking = crowded.asking(3600).await;
    // As the end of the order does with its own.
    db.execute("DELETE FROM cached_tokens WHERE good_until = (SELECT max(good_until) FROM cached_tokens)")
        .await;
    crowded.end_orders().await;
    assert_eq!(given(asking.await.unwrap()), text("at-rt-3", false));
    assert_eq!(crowded.presented(), ["rt-1", "rt-2", "rt-3"]);
}

/// A request whose first look failed does not know what is new.
async fn who_could_not_look_gets_only_what_is_valid_for_long_enough(db: Db) {
    let mut crowded = Crowded::start(&db).await;
    let shop = crowded.shop.clone();
    let (here, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(given(vend(&shop, &here, MARGIN).await), text("at-rt-1", false));
    // At first it is valid for 239 s, and then for 39 s.
    for (later, expected) in [(LATER, text("at-rt-1", true)), (200, text("at-rt-2", false))] {
        db.advance(later);
        db.execute("ALTER TABLE cached_tokens RENAME TO hidden_tokens").await;
        let asking = crowded.asking(MARGIN).await;
        db.execute("ALTER TABLE hidden_tokens RENAME TO cached_tokens").await;
        crowded.end_orders().await;
        assert_eq!(given(asking.await.unwrap()), expected);
    }
    assert_eq!(crowded.presented(), ["rt-1", "rt-2"]);
}

async fn who_stops_waiting_gets_the_access_token_at_the_next_request(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let asking = {
        let (shop, vault) = (shop.clone(), vault.clone());
        tokio::spawn(async move { vend(&shop, &vault, MARGIN).await })
    };
    klarna.endpoint.reached(1).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(vault.in_flight(), 1);
    klarna.answer_one();
    vault.wait_until_durable().await;
    assert_eq!(given(vend(&shop, &vault, MARGIN).await), text("at-rt-1", true));
    assert_eq!(klarna.endpoint.presented(), ["rt-1"]);
}

async fn a_token_endpoint_that_is_down_is_left_alone_and_the_wait_is_told(db: Db) {
    let endpoint = Endpoint::start(|_| async { (503, json!({})) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    // Five failures in a row open the circuit breaker, which lets no further request through.
    for _ in 0..7 {
        let failed = vend_within(&shop, &vault, MARGIN, Duration::from_secs(1)).await.unwrap_err();
        let NotVended::ComeBack(wait) = failed else { panic!("{failed:?}") };
        assert!(wait > Duration::ZERO);
    }
    assert_eq!(endpoint.presented(), ["rt-1"; 5]);
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(1), vec!["refused".to_owned(); 5]));
}

async fn a_stop_ends_the_waiting(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let order = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    let asking = {
        let (shop, vault) = (shop.clone(), vault.clone());
        tokio::spawn(async move { vend(&shop, &vault, MARGIN).await })
    };
    vault.stop_waiting();
    assert!(matches!(asking.await.unwrap().unwrap_err(), NotVended::ComeBack(_)));
    klarna.answer_one();
    assert_eq!(describe(&order.await.unwrap()), "at-rt-1", "the exchange goes on");
}

/// The API may read a request while the process stops.
async fn nothing_begins_after_a_stop(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    vault.close();
    vault.wait_until_idle().await;
    assert!(matches!(vend(&shop, &vault, MARGIN).await.unwrap_err(), NotVended::ComeBack(_)));
    assert_eq!(klarna.endpoint.presented(), [""; 0]);
}
