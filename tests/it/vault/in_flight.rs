//! During an exchange: callers that wait or stop waiting, and changes of the token.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::{Purpose, PurposeKind, TokenState};
use klarna_order_worker::vault::{Access, Vault};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{ACTIVE, Shop, an_order, describe, ready};
use crate::support::klarna::{Endpoint, next, rotated};
use crate::support::stores::{Db, MAX_IN_FLIGHT, both_engines, postgres_alone};

both_engines![
    who_stops_waiting_stops_no_exchange,
    what_was_fetched_for_an_order_is_kept_for_it_while_it_stays_good,
    a_sweep_keeps_no_access_token,
    one_process_asks_once_for_a_user,
    two_processes_never_present_a_token_twice,
    a_sign_in_meanwhile_wins_whatever_the_answer,
    forgetting_meanwhile_wins_whatever_the_answer,
    another_process_waits_for_the_exchange_of_a_living_one,
    a_user_without_a_token_waits_for_no_exchange_of_others,
    a_provider_that_a_reload_names_is_tried_with_one_token_at_a_time,
];
postgres_alone![a_successor_outlives_the_connection_of_its_claim,];

/// A token endpoint that answers only when the test says so.
pub struct Gated {
    pub endpoint: Endpoint,
    gate: Arc<Semaphore>,
}

impl Gated {
    pub async fn start(answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let (closed, answer) = (Arc::clone(&gate), Arc::new(answer));
        let endpoint = Endpoint::start(move |token| {
            let (gate, answer) = (Arc::clone(&closed), Arc::clone(&answer));
            async move {
                gate.acquire().await.unwrap().forget();
                answer(&token)
            }
        });
        Self { endpoint: endpoint.await, gate }
    }

    pub fn answer_one(&self) {
        self.gate.add_permits(1);
    }
}

/// Starts a task that waits for an access token.
pub(super) fn waiting(
    shop: &Shop,
    vault: &Vault,
    user: &'static str,
    purpose: Purpose,
) -> JoinHandle<Access> {
    let (shop, vault) = (shop.clone(), vault.clone());
    tokio::spawn(async move { shop.access_for(&vault, user, purpose).await })
}

async fn who_stops_waiting_stops_no_exchange(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let order = an_order();
    let waiting = waiting(&shop, &vault, "u", order);
    klarna.endpoint.reached(1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(vault.in_flight(), 1);
    klarna.answer_one();
    vault.wait_until_durable().await;
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    let access = ready(shop.access_for(&vault, "u", order).await);
    assert!(access.cached);
    assert_eq!(klarna.endpoint.presented(), ["rt-1"]);
}

async fn what_was_fetched_for_an_order_is_kept_for_it_while_it_stays_good(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let order = an_order();
    let fetched = ready(shop.access_for(&vault, "u", order).await);
    assert!(!fetched.cached);
    // The token is valid for 299 s and needed for 60 s, so it is used for 239 s, less the duration
    // of the exchange.
    db.advance(239);
    for vault in [&vault, &elsewhere] {
        let cached = ready(shop.access_for(vault, "u", order).await);
        assert_eq!((cached.cached, describe(&Access::Ready(cached.clone()))), (true, "at-rt-1".into()));
        assert_eq!(cached.good_until.timestamp_micros(), fetched.good_until.timestamp_micros());
    }
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2", "another order's");
    db.advance(2);
    let anew = ready(shop.access_for(&vault, "u", order).await);
    assert_eq!((anew.cached, describe(&Access::Ready(anew))), (false, "at-rt-3".into()));
    assert_eq!(endpoint.presented(), ["rt-1", "rt-2", "rt-3"]);
    let (cached, later) = (db.count("cached_tokens").await, 300);
    assert_eq!(cached, 2);
    vault.tidy().await.unwrap();
    assert_eq!(db.count("cached_tokens").await, cached, "still good");
    db.advance(later);
    vault.tidy().await.unwrap();
    assert_eq!(db.count("cached_tokens").await, 0);
}

async fn a_sweep_keeps_no_access_token(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let sweep = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
    ready(shop.access_for(&vault, "u", sweep).await);
    assert_eq!(db.count("cached_tokens").await, 0);
    assert_eq!(db.value("purpose FROM exchanges").await.as_deref(), Some("keeper"));
}

async fn one_process_asks_once_for_a_user(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    shop.register("v", "rt-7").await;
    let first = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    for _ in 0..20 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "200ms");
    }
    let other = waiting(&shop, &vault, "v", an_order());
    klarna.endpoint.reached(2).await;
    assert_eq!(vault.in_flight(), 2);
    klarna.answer_one();
    klarna.answer_one();
    ready(first.await.unwrap());
    ready(other.await.unwrap());
    assert_eq!(klarna.endpoint.presented(), ["rt-1", "rt-7"]);
}

async fn another_process_waits_for_the_exchange_of_a_living_one(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let first = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    db.advance(24 * 60 * 60);
    // An exchange of any length is not orphaned while its process sends heartbeats.
    let holders = db.raw().await.column("count(*) FROM workers WHERE ended_at IS NULL").await;
    assert_eq!(holders, [Some("2".to_owned())]);
    assert_eq!(describe(&shop.access(&elsewhere, "u").await), "200ms");
    klarna.answer_one();
    ready(first.await.unwrap());
    let second = waiting(&shop, &elsewhere, "u", an_order());
    klarna.endpoint.reached(2).await;
    klarna.answer_one();
    assert_eq!(describe(&second.await.unwrap()), "at-rt-2");
}

/// A provider that records forbidden presentations.
#[derive(Default)]
struct StrictProvider {
    in_flight: BTreeSet<String>,
    /// The valid tokens, by user.
    current: BTreeMap<String, String>,
    breaches: Vec<String>,
}

async fn two_processes_never_present_a_token_twice(db: Db) {
    let strict = Arc::new(Mutex::new(StrictProvider::default()));
    let provider = Arc::clone(&strict);
    let endpoint = Endpoint::start(move |token: String| {
        let provider = Arc::clone(&provider);
        async move {
            let user = (token.strip_prefix("rt-").unwrap().parse::<u32>().unwrap() / 1000).to_string();
            {
                let mut strict = provider.lock().unwrap();
                if !strict.in_flight.insert(user.clone()) {
                    strict.breaches.push(format!("{token}: two at once"));
                }
                if *strict.current.entry(user.clone()).or_insert_with(|| format!("rt-{user}000")) != token {
                    strict.breaches.push(format!("{token}: spent"));
                }
            }
            // Long enough for the other callers to try.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let mut strict = provider.lock().unwrap();
            strict.in_flight.remove(&user);
            strict.current.insert(user, next(&token));
            rotated(&token)
        }
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    let vaults = [shop.process().await.0, shop.process().await.0];
    let users = ["1", "2", "3"];
    for user in users {
        shop.register(user, &format!("rt-{user}000")).await;
    }
    let orders = (0..30).map(|n| {
        let (shop, vault, order) = (&shop, &vaults[n % 2], an_order());
        async move {
            loop {
                match shop.access_for(vault, users[n % 3], order).await {
                    Access::Ready(access) => break describe(&Access::Ready(access)),
                    Access::ComeBack(_) => tokio::time::sleep(Duration::from_millis(3)).await,
                    Access::Unusable(why) => panic!("{why:?}"),
                }
            }
        }
    });
    let fetched: BTreeSet<_> = join_all(orders).await.into_iter().collect();
    assert_eq!(strict.lock().unwrap().breaches, Vec::<String>::new());
    assert_eq!((fetched.len(), endpoint.presented().len()), (30, 30));
    for user in users {
        assert_eq!(shop.row(user).await, ACTIVE(11));
    }
}

/// Returns answers of Klarna that end an exchange without a rotation.
pub(super) fn answers() -> Vec<(u16, Value)> {
    vec![
        rotated("rt-1"),
        (200, json!({"access_token": "at-unchanged"})),
        (400, json!({"error": "invalid_grant"})),
        (504, json!({})),
    ]
}

async fn a_sign_in_meanwhile_wins_whatever_the_answer(db: Db) {
    for answer in answers() {
        let meanwhile = answer.clone();
        let klarna =
            Gated::start(move |token| if token == "rt-1" { meanwhile.clone() } else { rotated(token) }).await;
        let shop = Shop::new(&db, &klarna.endpoint.url);
        let (vault, _) = shop.process().await;
        shop.register("u", "rt-1").await;
        let order = an_order();
        let waiting = waiting(&shop, &vault, "u", order);
        klarna.endpoint.reached(1).await;
        shop.register("u", "rt-50").await;
        let registered = shop.row("u").await;
        klarna.answer_one();
        assert_eq!(describe(&waiting.await.unwrap()), "200ms", "{answer:?}");
        assert_eq!(shop.row("u").await, registered, "{answer:?}");
        klarna.answer_one();
        assert_eq!(describe(&shop.access_for(&vault, "u", order).await), "at-rt-50", "{answer:?}");
        db.execute(
            "DELETE FROM exchanges; DELETE FROM tokens; DELETE FROM known_tokens; DELETE FROM cached_tokens",
        )
        .await;
    }
}

async fn forgetting_meanwhile_wins_whatever_the_answer(db: Db) {
    for answer in answers() {
        let meanwhile = answer.clone();
        let klarna = Gated::start(move |_| meanwhile.clone()).await;
        let shop = Shop::new(&db, &klarna.endpoint.url);
        let (vault, _) = shop.process().await;
        shop.register("u", "rt-1").await;
        let order = an_order();
        let waiting = waiting(&shop, &vault, "u", order);
        klarna.endpoint.reached(1).await;
        assert!(shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap());
        klarna.answer_one();
        assert_eq!(describe(&waiting.await.unwrap()), "200ms", "{answer:?}");
        assert_eq!(describe(&shop.access_for(&vault, "u", order).await), "NotRegistered");
        assert_eq!(shop.row("u").await, (TokenState::Forgotten, None, 2));
        assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await + db.count("cached_tokens").await, 0);
        db.execute("DELETE FROM exchanges; DELETE FROM tokens; DELETE FROM known_tokens").await;
    }
}

async fn a_successor_outlives_the_connection_of_its_claim(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let waiting = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    crate::conformance::pg::kill_claims(&db).await;
    // The claim is free, but the open intent still prevents other exchanges.
    assert_eq!(describe(&shop.access(&elsewhere, "u").await), "200ms");
    klarna.answer_one();
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    // The spool had the successor before the database.
    vault.wait_until_idle().await;
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
}

async fn a_user_without_a_token_waits_for_no_exchange_of_others(db: Db) {
    let klarna = Gated::start(rotated).await;
    let mut shop = Shop::new(&db, &klarna.endpoint.url);
    let users = ["u-1", "u-2", "u-3", "u-4", "u-5"];
    for (number, user) in users.iter().enumerate() {
        shop.register(user, &format!("rt-{}", 100 * (number + 1))).await;
    }
    // Until the provider has granted a token one exchange at a time, afterwards as many as allowed.
    for (proven, in_flight) in [(false, 1), (true, MAX_IN_FLIGHT as usize)] {
        shop.proven = proven;
        let (vault, _) = shop.process().await;
        let before = klarna.endpoint.presented().len();
        let mut asked: Vec<_> = users.iter().map(|user| waiting(&shop, &vault, user, an_order())).collect();
        klarna.endpoint.reached(before + in_flight).await;
        assert_eq!(describe(&shop.access(&vault, "guest").await), "NotRegistered");
        assert_eq!(asked.iter().filter(|asked| asked.is_finished()).count(), 0);
        // A stop sends away those whose exchanges have not begun.
        vault.stop_waiting();
        let mut sent_away = 0;
        while sent_away < users.len() - in_flight {
            let (access, _, left) = futures::future::select_all(asked).await;
            assert_eq!(describe(&access.unwrap()), "200ms");
            (asked, sent_away) = (left, sent_away + 1);
        }
        for _ in &asked {
            klarna.answer_one();
        }
        for access in join_all(asked).await {
            ready(access.unwrap());
        }
        assert_eq!(klarna.endpoint.presented().len(), before + in_flight);
    }
}

async fn a_provider_that_a_reload_names_is_tried_with_one_token_at_a_time(db: Db) {
    let klarna = Gated::start(rotated).await;
    let mut shop = Shop { proven: false, ..Shop::new(&db, &klarna.endpoint.url) };
    shop.register("u-1", "rt-100").await;
    let (vault, _) = shop.process().await;
    klarna.answer_one();
    ready(shop.access(&vault, "u-1").await);
    "another-client".clone_into(&mut Arc::make_mut(&mut shop.merchant).client_id);
    let mut asked = Vec::new();
    for (user, token) in [("u-2", "rt-200"), ("u-3", "rt-300"), ("u-4", "rt-400")] {
        shop.register(user, token).await;
        asked.push(waiting(&shop, &vault, user, an_order()));
    }
    klarna.endpoint.reached(2).await;
    vault.stop_waiting();
    while asked.len() > 1 {
        let (access, _, left) = futures::future::select_all(asked).await;
        assert_eq!(describe(&access.unwrap()), "200ms");
        asked = left;
    }
    klarna.answer_one();
    ready(asked.remove(0).await.unwrap());
    assert_eq!(klarna.endpoint.presented().len(), 2);
}
