//! Sixteen clients that submit orders all the time, whatever happens to the service.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use test_support::program::until;
use test_support::sandbox::SandboxClient;
use test_support::service::{Client, Served};
use test_support::shop::{Shop, order};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{PATIENCE, by_length, seed};
use crate::is_long;

const CLIENTS: u64 = 16;
/// A client's pause after an order, in a short run: other tests need the processor as well.
const PAUSE: Duration = Duration::from_millis(400);

/// The wait before a client repeats a request without an answer.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(by_length(100, 20))).await;
}

/// The clients, and their results.
pub struct Crowd {
    services: watch::Sender<Vec<Client>>,
    closing: watch::Sender<bool>,
    clients: Vec<JoinHandle<()>>,
    told: Arc<ClientResults>,
}

/// The clients' results, by order id.
#[derive(Default)]
pub struct ClientResults {
    /// Accepted orders.
    pub accepted: Mutex<BTreeMap<String, Accepted>>,
    /// One shopper signs in at a time.
    signing_in: tokio::sync::Mutex<()>,
}

/// An accepted order.
#[derive(Clone)]
pub struct Accepted {
    pub user: String,
    /// Its end, if the client saw it.
    pub seen: Option<Value>,
}

impl Crowd {
    /// Creates clients for these users. They wait for a service.
    pub fn gather(shop: &Shop, users: &[String]) -> Self {
        let (services, closing) = (watch::Sender::default(), watch::Sender::new(false));
        let told = Arc::new(ClientResults::default());
        let clients = (0..CLIENTS).map(|number| {
            let shopper = Shopper {
                number,
                users: users.to_vec(),
                sandbox: shop.sandbox_client(),
                services: services.subscribe(),
                closing: closing.subscribe(),
                told: Arc::clone(&told),
            };
            tokio::spawn(shopper.go_shopping())
        });
        let clients = clients.collect();
        Self { services, closing, clients, told }
    }

    /// Sends requests to this service from now on.
    pub fn turn_to(&self, served: &Served) {
        self.turn_to_all([served]);
    }

    /// Sends requests to these processes from now on.
    pub fn turn_to_all<'a>(&self, served: impl IntoIterator<Item = &'a Served>) {
        self.services.send_replace(served.into_iter().map(Served::client).collect());
    }

    /// Returns how many orders were accepted so far.
    pub fn accepted(&self) -> usize {
        self.told.accepted.lock().unwrap().len()
    }

    /// Counts the orders whose end a client saw and for which `what` returns `true`.
    pub fn seen(&self, what: impl Fn(&Accepted, &Value) -> bool) -> usize {
        let accepted = self.told.accepted.lock().unwrap();
        accepted.values().filter(|order| order.seen.as_ref().is_some_and(|end| what(order, end))).count()
    }

    /// Waits until a round's number of orders is accepted.
    pub async fn goes_on(&self) {
        let before = self.accepted();
        until("more orders", PATIENCE, async || self.accepted() > before).await;
    }

    /// Begins no more orders, and waits until all begun ones are submitted. Returns all accepted
    /// orders.
    pub async fn go_home(self) -> BTreeMap<String, Accepted> {
        self.closing.send_replace(true);
        for client in self.clients {
            client.await.unwrap();
        }
        self.told.accepted.lock().unwrap().clone()
    }
}

struct Shopper {
    number: u64,
    users: Vec<String>,
    sandbox: SandboxClient,
    services: watch::Receiver<Vec<Client>>,
    closing: watch::Receiver<bool>,
    told: Arc<ClientResults>,
}

impl Shopper {
    async fn go_shopping(self) {
        let mut rng = StdRng::seed_from_u64(seed() ^ (self.number << 32));
        for cart in 0_u64.. {
            if *self.closing.borrow() {
                return;
            }
            if !is_long() {
                tokio::time::sleep(PAUSE).await;
            }
            let user = &self.users[rng.random_range(0..self.users.len())];
            let id = self.hand_in(user, &format!("cart-{}-{cart}", self.number)).await;
            let accepted = Accepted { user: user.clone(), seen: None };
            assert!(
                self.told.accepted.lock().unwrap().insert(id.clone(), accepted).is_none(),
                "{id} was told twice"
            );
            let Some(order) = self.service().await.try_order(&id, "1s").await else { continue };
            if !is_settled(&order) {
                continue;
            }
            let dead = order["token"] == "reauth_required";
            self.told.accepted.lock().unwrap().get_mut(&id).unwrap().seen = Some(order);
            if dead {
                self.sign_in(user).await;
            }
        }
    }

    /// Submits like a shop: again with the same key until there is an answer.
    async fn hand_in(&self, user: &str, key: &str) -> String {
        loop {
            match self.service().await.try_post(user, key, &order()).await {
                Some((202, answer)) => return answer["id"].as_str().unwrap().to_owned(),
                Some((503, _)) | None => a_moment().await,
                Some((status, answer)) => panic!("{status}: {answer}"),
            }
        }
    }

    /// Signs in the shopper of a token that no longer works, once.
    async fn sign_in(&self, user: &str) {
        let _alone = self.told.signing_in.lock().await;
        let state = loop {
            match self.service().await.try_token(user).await {
                Some(token) => break token["state"].clone(),
                None => a_moment().await,
            }
        };
        if state != "reauth_required" {
            return;
        }
        let token = self.sandbox.sign_in(user).await;
        while !self.service().await.try_register(user, &token).await {
            a_moment().await;
        }
    }

    /// Returns a client of any of the processes. A client without an answer may ask another one.
    async fn service(&self) -> Client {
        let mut services = self.services.clone();
        let services = services.wait_for(|services| !services.is_empty()).await.unwrap();
        services[rand::random_range(0..services.len())].clone()
    }
}

pub fn is_settled(order: &Value) -> bool {
    !["queued", "running"].contains(&order["status"].as_str().unwrap())
}
