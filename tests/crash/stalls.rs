//! A process that is stopped (SIGSTOP) during an order and continues later, at each point.

use std::time::Duration;

use test_support::engine::{Database, both_engines, on_postgres};
use test_support::program::until;
use test_support::service::Served;
use test_support::shop::{Shop, order};
use tokio::task::JoinHandle;

use crate::setup::{PATIENCE, hurry, open, sign_in};

both_engines![
    what_stalls_between_intent_and_request_sends_nothing,
    an_answer_that_came_during_a_stall_is_read,
    a_stall_anywhere_else_costs_nothing_but_time,
    a_caller_that_hangs_up_after_the_insert_takes_nothing_along,
];

/// The shortest times that the settings allow. A stall must be longer, and shorter than the
/// heartbeat's age at which a process sends no order.
const BRIEF: [(&str, &str); 3] = [
    (r#"exchange_timeout = "5s""#, r#"exchange_timeout = "2s""#),
    (r#"send_within = "2s""#, r#"send_within = "500ms""#),
    (r#"replay_after = "2500ms""#, r#"replay_after = "1s""#),
];
/// Longer than `send_within` and `exchange_timeout`.
const AWAY: Duration = Duration::from_millis(2200);

fn open_brief(database: Database) -> Shop {
    let shop = open(database, "strict");
    shorten(&shop, "a");
    shop
}

/// Sets the times of [`BRIEF`] in `NAME.toml`.
fn shorten(shop: &Shop, name: &str) {
    for (long, brief) in BRIEF {
        shop.change_settings(name, long, brief);
    }
}

fn is_stopped(served: &Served) -> bool {
    let status = format!("/proc/{}/status", served.program.id());
    std::fs::read_to_string(status).unwrap().contains("State:\tT")
}

async fn stopped_itself(served: &Served) {
    until("a process that stopped itself", PATIENCE, async || is_stopped(served)).await;
}

/// Starts a process that stalls at `point` of the next order. Returns it with the shopper.
async fn stalling(shop: &Shop, point: &str) -> (Served, String) {
    let served = shop.serve_with("a", &[("KLARNA_WORKER_STALL_AT", point)]);
    let user = sign_in(shop, &served).await;
    (served, user)
}

/// Submits an order. The answer may arrive only after the process continues.
fn posting(served: &Served, user: &str, key: &str) -> JoinHandle<String> {
    let (client, user, key) = (served.client(), user.to_owned(), key.to_owned());
    tokio::spawn(async move { client.post(&user, &key).await })
}

/// Lets an order's process stall at `point` for a while, and checks how the order ends.
async fn stalled(shop: &Shop, point: &str) {
    let (served, user) = stalling(shop, point).await;
    let posting = posting(&served, &user, point);
    stopped_itself(&served).await;
    tokio::time::sleep(AWAY).await;
    served.program.signal("CONT");
    let order = served.client().ended(&posting.await.unwrap(), PATIENCE).await;
    assert_eq!(order["status"], "submitted", "{point}: {order}");
    // On a busy machine, the stall may be so long that the order is sent in a second attempt.
    assert!(["fresh", "cached"].map(Into::into).contains(&order["token"]), "{point}: {order}");
    assert!(served.program.terminate().await.success());
}

async fn what_stalls_between_intent_and_request_sends_nothing(database: Database) {
    let shop = open_brief(database);
    stalled(&shop, "intended").await;
    let log = std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
    assert!(log.contains("the process was suspended between intent and request"), "it was sent after all");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.orders.total), (1, 1), "{stats:?}");
    shop.close().await;
}

async fn an_answer_that_came_during_a_stall_is_read(database: Database) {
    let shop = open_brief(database);
    stalled(&shop, "token_sent").await;
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.orders.total), (1, 1), "{stats:?}");
    shop.close().await;
}

async fn a_stall_anywhere_else_costs_nothing_but_time(database: Database) {
    let shop = open_brief(database);
    let points = ["claimed", "token_answered", "token_stored", "submitting", "order_sent", "order_answered"];
    for point in points {
        stalled(&shop, point).await;
    }
    let (stats, orders) = (shop.stats().await, points.len() as u64);
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (orders, 0), "{stats:?}");
    assert_eq!((stats.orders.total, stats.orders.duplicates), (orders, 0), "{stats:?}");
    shop.close().await;
}

async fn a_caller_that_hangs_up_after_the_insert_takes_nothing_along(database: Database) {
    let shop = open_brief(database);
    let (served, mut user) = stalling(&shop, "order_inserted").await;
    let mut key = 1;
    // Once a second the queue polls. An order that comes at that moment does not start with its
    // insert.
    let posting = loop {
        let posting = posting(&served, &user, &format!("cart-{key}"));
        let seen = async || posting.is_finished() || is_stopped(&served);
        until("an answer, or a process that stopped itself", PATIENCE, seen).await;
        if !posting.is_finished() {
            break posting;
        }
        served.client().ended(&posting.await.unwrap(), PATIENCE).await;
        user = sign_in(&shop, &served).await;
        key += 1;
    };
    posting.abort();
    assert!(posting.await.unwrap_err().is_cancelled());
    served.program.signal("CONT");
    let (_, known) = served.client().try_post(&user, &format!("cart-{key}"), &order()).await.unwrap();
    let order = served.client().ended(known["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!((&order["status"], &order["token"]), (&"submitted".into(), &"fresh".into()), "{order}");
    let claims = "(SELECT max(claim_number) || '/' || max(lost_workers) FROM {schema}orders)";
    assert_eq!(shop.database.value(shop.folder.path(), claims).await, "1/0", "it was claimed again");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// Starts two processes. The first one stalls at `point`. Returns both with the order's id, after
/// the second one has reclaimed the order.
async fn taken_over(shop: &Shop, point: &str) -> (Served, Served, String, String) {
    shop.write_settings("b", "");
    hurry(shop, "b");
    shorten(shop, "b");
    let (stalling, user) = stalling(shop, point).await;
    drop(posting(&stalling, &user, "cart-1"));
    stopped_itself(&stalling).await;
    let other = shop.serve_on_new_machine("b");
    let (_, known) = other.client().try_post(&user, "cart-1", &order()).await.unwrap();
    let id = known["id"].as_str().unwrap().to_owned();
    let lost = "(SELECT max(lost_workers) FROM {schema}orders)";
    let taken = async || shop.database.value(shop.folder.path(), lost).await == "1";
    until("the order's new worker", PATIENCE, taken).await;
    (stalling, other, id, user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_thought_lost_comes_back_and_writes_nothing() {
    on_postgres(|database| async {
        let shop = open_brief(database);
        let (lost, other, id, _) = taken_over(&shop, "order_answered").await;
        let order = other.client().ended(&id, PATIENCE).await;
        assert_eq!((&order["status"], &order["token"]), (&"submitted".into(), &"cached".into()), "{order}");
        lost.program.signal("CONT");
        // After it has stopped, it has tried to write its result.
        assert!(lost.program.terminate().await.success());
        assert_eq!(other.client().order(&id, "0s").await, order, "the result changed");
        let log = std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
        assert!(log.contains("Another worker has reclaimed this order"), "it never tried to write");
        let stats = shop.stats().await;
        assert_eq!((stats.exchanges.total, stats.orders.total), (1, 2), "{stats:?}");
        assert!(other.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_worker_keeps_its_successor_while_another_has_its_order() {
    on_postgres(|database| async {
        let shop = open_brief(database);
        let (lost, other, id, user) = taken_over(&shop, "token_answered").await;
        // The other process waits, because the token may be in the stalled one's memory.
        tokio::time::sleep(AWAY).await;
        assert_eq!(shop.stats().await.exchanges.total, 1);
        lost.program.signal("CONT");
        let order = other.client().ended(&id, PATIENCE).await;
        assert_eq!((&order["status"], &order["token"]), (&"submitted".into(), &"cached".into()), "{order}");
        let token = other.client().token(&user).await;
        assert_eq!((&token["state"], &token["generation"]), (&"active".into(), &2.into()), "{token}");
        let stats = shop.stats().await;
        assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (1, 0), "{stats:?}");
        assert!(lost.program.terminate().await.success() && other.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}
