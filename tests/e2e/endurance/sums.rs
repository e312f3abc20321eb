//! The checks after each run, and its sums.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::{StreamExt as _, stream};
use klarna_sandbox::{Event, Outcome, Recognition, What};
use serde_json::Value;
use test_support::engine::Database;
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

use super::PATIENCE;
use super::crowd::Accepted;

/// How many users' last orders are submitted at the same time.
const TOGETHER: usize = 16;

/// The results of a run.
#[derive(Default)]
pub struct Sums {
    pub orders: usize,
    /// Whether orders may have missed their deadline.
    deadlines_pass: bool,
    /// The number of orders by status and token outcome, or error.
    ends: BTreeMap<String, usize>,
    /// Orders with `possible_duplicate`.
    pub possible_duplicates: usize,
    /// Those of them that the sandbox created once or not at all.
    false_alarms: usize,
    /// Orders that would say `possible_duplicate` if every order of a lost worker did, whether or
    /// not that worker was about to send it; and how many of them falsely.
    by_takeover: (usize, usize),
    /// Orders that the sandbox created more than once.
    pub created_twice: usize,
    pub rotated: usize,
    /// Sign-ins that the sandbox revoked, because a spent token was presented again after a lost
    /// answer.
    pub lost: usize,
    /// Sign-ins whose token works at the sandbox, and which the service has.
    pub live: usize,
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            orders, ends, possible_duplicates, false_alarms, created_twice, rotated, lost, live, ..
        } = self;
        write!(f, "{orders} orders accepted")?;
        ends.iter().try_for_each(|(end, orders)| write!(f, ", {orders} {end}"))?;
        write!(
            f,
            "; {created_twice} created twice, {possible_duplicates} say possible_duplicate ({} falsely",
            share(*false_alarms, *possible_duplicates)
        )?;
        let (told, falsely) = self.by_takeover;
        write!(f, "; {told} and {} if every takeover told so); {rotated} rotations, ", share(falsely, told))?;
        write!(f, "{live} tokens live and ours, {lost} lost with their answer")
    }
}

fn share(part: usize, whole: usize) -> String {
    format!("{part}, {} %", (100 * part).checked_div(whole).unwrap_or(0))
}

impl Sums {
    /// Returns the orders that were not submitted with the user's token, by their end.
    pub fn without_token(&self) -> BTreeMap<&str, usize> {
        let with = ["submitted fresh", "submitted cached"];
        let others = self.ends.iter().filter(|(end, _)| !with.contains(&end.as_str()));
        others.map(|(end, orders)| (end.as_str(), *orders)).collect()
    }

    /// Waits for every order's end, and compares the results with the sandbox's record.
    pub async fn draw(
        shop: &Shop,
        client: &Client,
        accepted: BTreeMap<String, Accepted>,
        users: &[String],
    ) -> Self {
        Self::default().drawn(shop, client, accepted, users).await
    }

    /// As [`Sums::draw`]; orders may have missed their deadline, because a clock was put forward.
    pub async fn draw_after_steps(
        shop: &Shop,
        client: &Client,
        accepted: BTreeMap<String, Accepted>,
        users: &[String],
    ) -> Self {
        Self { deadlines_pass: true, ..Self::default() }.drawn(shop, client, accepted, users).await
    }

    async fn drawn(
        self,
        shop: &Shop,
        client: &Client,
        accepted: BTreeMap<String, Accepted>,
        users: &[String],
    ) -> Self {
        let mut ends = BTreeMap::new();
        for (id, order) in accepted {
            let end = client.ended(&id, PATIENCE).await;
            // An order has one result: what a client saw before is unchanged.
            if let Some(seen) = order.seen {
                assert_eq!(seen, end, "an order's result changed");
            }
            assert_eq!(end["user"], Value::from(order.user));
            ends.insert(id, end);
        }
        let last = last_orders(client, users).await;
        let record = shop.sandbox_client().record().await;
        assert_eq!(
            shop.stats().await.exchanges.concurrent,
            0,
            "two requests for one token were in flight together"
        );
        let mut sums = Self { orders: ends.len(), ..self };
        sums.count_orders(&record, &ends, &last, &taken_over(shop).await);
        sums.count_tokens(&record, &last);
        for FinalOrder { user, token, .. } in &last {
            if token["state"] != "active" {
                assert_eq!(token["state"], "reauth_required", "{user}: {token}");
                assert_eq!(token["reason"], "answer_lost", "{user}: {token}");
            }
        }
        sums
    }

    fn count_orders(
        &mut self,
        record: &[Event],
        ends: &BTreeMap<String, Value>,
        last: &[FinalOrder],
        taken_over: &BTreeSet<String>,
    ) {
        let created = created(record);
        let known: BTreeSet<&str> = ends.keys().map(String::as_str).collect();
        let known =
            known.into_iter().chain(last.iter().flat_map(|last| last.tried.iter().map(String::as_str)));
        let strangers: Vec<_> =
            created.keys().copied().collect::<BTreeSet<_>>().difference(&known.collect()).copied().collect();
        assert!(strangers.is_empty(), "Klarna has orders that nobody handed in: {strangers:?}");
        for (id, order) in ends {
            let at_klarna = created.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            let end = match order["status"].as_str().unwrap() {
                "submitted" => {
                    let klarna_id = order["klarna_order_id"].as_str().unwrap();
                    assert!(at_klarna.contains(&klarna_id), "{order} is not among {at_klarna:?}");
                    format!("submitted {}", order["token"].as_str().unwrap())
                }
                // The order lost its worker five times.
                "failed" if order["error"]["code"] == "crashed_worker" => "failed crashed_worker".to_owned(),
                // A clock was put forward.
                "failed" if self.deadlines_pass && order["error"]["code"] == "deadline_exceeded" => {
                    "failed deadline_exceeded".to_owned()
                }
                _ => panic!("{order}"),
            };
            *self.ends.entry(end).or_default() += 1;
            let flagged = order["possible_duplicate"] == true;
            self.possible_duplicates += usize::from(flagged);
            self.false_alarms += usize::from(flagged && at_klarna.len() <= 1);
            self.created_twice += usize::from(at_klarna.len() > 1);
            if flagged || taken_over.contains(&id.replace('-', "")) {
                self.by_takeover.0 += 1;
                self.by_takeover.1 += usize::from(at_klarna.len() <= 1);
            }
            assert!(at_klarna.len() <= 1 || flagged, "{at_klarna:?}, but {order}");
        }
    }

    /// Checks that the service has every token that works at the sandbox: the last order was
    /// recognised by it. For every other sign-in, the row says that an answer was lost.
    fn count_tokens(&mut self, record: &[Event], last: &[FinalOrder]) {
        let mut families: BTreeMap<(&str, usize), bool> = BTreeMap::new();
        for event in record {
            let (Some(user), Some(family)) = (event.user.as_deref(), event.family) else { continue };
            match &event.what {
                What::SignedIn => assert!(families.insert((user, family), true).is_none()),
                What::Presented { outcome: Some(Outcome::Reused), .. } => {
                    families.insert((user, family), false);
                }
                What::Presented { outcome, .. } => {
                    self.rotated += usize::from(*outcome == Some(Outcome::Rotated));
                }
                What::Order { .. }
                | What::Revoked
                | What::Updated { .. }
                | What::Aborted { .. }
                | What::Placed { .. }
                | What::Acknowledged { .. }
                | What::Pushed { .. } => {}
            }
        }
        let recognised_by: BTreeMap<&str, usize> = record.iter().filter_map(recognised).collect();
        let by_user: BTreeMap<&str, &FinalOrder> =
            last.iter().map(|last| (last.user.as_str(), last)).collect();
        let mut live_users = BTreeSet::new();
        for ((user, family), live) in families {
            if !live {
                self.lost += 1;
                continue;
            }
            self.live += 1;
            assert!(live_users.insert(user), "{user} has two live tokens");
            let FinalOrder { order, token, .. } = by_user[user];
            assert_eq!(token["state"], "active", "{user} has a live token at the sandbox: {token}");
            let reference = order["id"].as_str().unwrap();
            assert_eq!(
                recognised_by.get(reference),
                Some(&family),
                "{user}'s live token is not ours: {order} {token}"
            );
        }
        for FinalOrder { user, token, .. } in last {
            assert_eq!(token["state"] == "active", live_users.contains(user.as_str()), "{user}: {token}");
        }
    }
}

/// The last order of a user.
struct FinalOrder {
    user: String,
    /// The orders that were needed until one had a token.
    tried: Vec<String>,
    /// The last of them.
    order: Value,
    /// The token after it.
    token: Value,
}

/// Submits one more order for each user. It uses the present token, and closes intents that are
/// still open.
async fn last_orders(client: &Client, users: &[String]) -> Vec<FinalOrder> {
    stream::iter(users).map(|user| last_order(client, user)).buffered(TOGETHER).collect().await
}

async fn last_order(client: &Client, user: &str) -> FinalOrder {
    let mut order = Value::Null;
    let mut tried = Vec::new();
    until("a last order with a token, or its loss", PATIENCE, async || {
        let id = client.post(user, &format!("last-{}-{user}", tried.len())).await;
        order = client.ended(&id, PATIENCE).await;
        tried.push(id);
        assert_eq!(order["status"], "submitted", "{order}");
        order["token"] != "unavailable"
    })
    .await;
    FinalOrder { user: user.to_owned(), tried, order, token: client.token(user).await }
}

/// Returns the ids of the orders that lost a worker, without their hyphens.
async fn taken_over(shop: &Shop) -> BTreeSet<String> {
    let list = match shop.database {
        Database::Sqlite => "group_concat(lower(hex(id)))",
        Database::Postgres { .. } => "string_agg(replace(id::text, '-', ''), ',')",
    };
    let query = format!("(SELECT coalesce({list}, '') FROM {{schema}}orders WHERE lost_workers > 0)");
    let ids = shop.database.value(shop.folder.path(), &query).await;
    ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// Returns Klarna's ids of the orders that it created, by our ids.
fn created(record: &[Event]) -> BTreeMap<&str, Vec<&str>> {
    let mut created: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in record {
        if let What::Order { order_id, reference, .. } = &event.what {
            created.entry(reference.as_deref().unwrap()).or_default().push(order_id);
        }
    }
    created
}

/// Returns our id of an order, and the sign-in whose token let Klarna recognise the shopper.
fn recognised(event: &Event) -> Option<(&str, usize)> {
    match &event.what {
        What::Order { reference: Some(reference), recognition: Recognition::Recognised, .. } => {
            Some((reference, event.family?))
        }
        _ => None,
    }
}
