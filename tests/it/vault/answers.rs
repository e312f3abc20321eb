//! Every row of the table of answers: its effects on the token row, the ledger and the caller.

use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::DeadReason;
use test_support::faults::{FaultyServer, Step, deflate, gzip, http, http_bytes, refusing_url};
use test_support::mockito::Server;
use test_support::program::until;

use super::{ACTIVE, Shop, dead, describe};
use crate::support::stores::{Db, both_engines};

both_engines![
    every_answer_ends_in_its_row_its_ledger_and_its_access,
    a_wait_of_nothing_counts_as_none,
    a_successor_is_kept_from_whatever_can_be_read,
    an_order_of_a_user_without_a_usable_token_is_noted,
    what_never_left_leaves_the_token_alone,
    what_was_cut_off_may_be_travelling,
    a_token_past_its_time_is_presented_once_more,
    a_process_held_up_after_its_intent_sends_nothing,
    a_user_without_a_token_needs_no_endpoint,
];

const REPLAY: &str = "10s";

async fn every_answer_ends_in_its_row_its_ledger_and_its_access(db: Db) {
    let mut server = Server::new_async().await;
    let shop = Shop::new(&db, &server.url());
    let rejected = dead(DeadReason::Rejected, 1);
    let table = [
        (200, r#"{"access_token":"at","refresh_token":"rt-2"}"#, "at", ACTIVE(2), "rotated"),
        (200, r#"{"access_token":"at"}"#, "at", ACTIVE(1), "unchanged"),
        (200, r#"{"access_token":"at","refresh_token":"rt-1"}"#, "at", ACTIVE(1), "unchanged"),
        (400, r#"{"error":"invalid_grant"}"#, "ReauthRequired", rejected, "rejected"),
        (401, r#"{"error":"invalid_grant"}"#, "ReauthRequired", rejected, "rejected"),
        (401, r#"{"error":"token_inactive"}"#, "ReauthRequired", rejected, "rejected"),
        (403, r#"{"error":"invalid_grant"}"#, "ReauthRequired", rejected, "rejected"),
        (400, r#"{"error":{"code":"invalid_grant"}}"#, "ReauthRequired", rejected, "rejected"),
        (400, "\u{feff}{\"error\":\"invalid_grant\"}", "ReauthRequired", rejected, "rejected"),
        (400, r#"{"error":"invalid_request"}"#, "7s", ACTIVE(1), "refused"),
        (401, r#"{"error":"invalid_client"}"#, "7s", ACTIVE(1), "refused"),
        (400, r#"{"error":"unauthorized_client"}"#, "7s", ACTIVE(1), "refused"),
        (404, "<html>", "7s", ACTIVE(1), "refused"),
        (429, "", "7s", ACTIVE(1), "refused"),
        (503, "", "7s", ACTIVE(1), "refused"),
        (500, "", "1s", ACTIVE(1), "no_answer"),
        (501, "", "1s", ACTIVE(1), "no_answer"),
        (200, "<html>", "1s", ACTIVE(1), "no_answer"),
        (502, "", REPLAY, ACTIVE(1), "no_answer"),
        (504, "", REPLAY, ACTIVE(1), "no_answer"),
    ];
    for (n, (status, body, access, row, outcome)) in table.into_iter().enumerate() {
        // Other tests check what happens after rejections in a row.
        db.execute("UPDATE exchanges SET outcome = 'superseded' WHERE outcome = 'rejected'").await;
        // A new process for each answer. Other tests check the circuit breaker.
        let (vault, _) = shop.process().await;
        let (user, case) = (format!("u{n:02}"), format!("{status} {body}"));
        let token = if body.contains("rt-1") { "rt-1".to_owned() } else { format!("rt-of-{user}") };
        shop.register(&user, &token).await;
        let mock = server
            .mock("POST", "/oauth2/token")
            .with_status(status)
            .with_header("retry-after", "7")
            .with_body(body)
            .expect(1)
            .create_async()
            .await;
        assert_eq!(describe(&shop.access(&vault, &user).await), access, "{case}");
        assert_eq!(shop.row(&user).await, row, "{case}");
        assert_eq!(shop.ledger().await.pop().unwrap(), outcome, "{case}");
        let told = db.value("cause FROM exchanges ORDER BY id DESC LIMIT 1").await;
        let status = format!("HTTP {status}");
        match outcome {
            "refused" | "no_answer" => {
                assert!(told.is_some_and(|cause| cause.starts_with(&status)), "{case}");
            }
            _ => assert_eq!(told, None, "{case}"),
        }
        mock.assert_async().await;
        mock.remove_async().await;
        let travelling = db.count("exchanges WHERE travelling").await;
        assert_eq!(travelling, (n as u64).saturating_sub(17), "{case}");
    }
}

/// Otherwise the order would be due at once, and present the token again and again.
async fn a_wait_of_nothing_counts_as_none(db: Db) {
    let mut server = Server::new_async().await;
    let shop = Shop::new(&db, &server.url());
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    for (header, value) in [("x-ratelimit-reset", "0"), ("retry-after", "0"), ("retry-after", past)] {
        for status in [429, 503] {
            let (vault, _) = shop.process().await;
            let user = format!("u-{header}-{}-{status}", value.len());
            shop.register(&user, &format!("rt-of-{user}")).await;
            let mock = server.mock("POST", "/oauth2/token").with_status(status).with_header(header, value);
            let mock = mock.expect(1).create_async().await;
            assert_eq!(describe(&shop.access(&vault, &user).await), "2s", "{user}");
            mock.assert_async().await;
            mock.remove_async().await;
        }
    }
}

/// Each answer names `rt-2` as the successor. Nothing is presented twice, and the next exchange
/// presents the successor.
async fn a_successor_is_kept_from_whatever_can_be_read(db: Db) {
    let grant = r#"{"access_token":"at","refresh_token":"rt-2","expires_in":299}"#;
    let marked = format!("\u{feff}{grant}");
    let odd_life = r#"{"access_token":"at","refresh_token":"rt-2","expires_in":{"seconds":1e999}}"#;
    let repeated =
        r#"{"access_token":"a0","refresh_token":"rt-0","access_token":"at","refresh_token":"rt-2"}"#;
    let unpaired = r#"{"access_token":"at","refresh_token":"rt-2","scope":"\ud800\u0000"}"#;
    let (none, odd) = (r#"{"refresh_token":"rt-2"}"#, r#"{"access_token":7,"refresh_token":"rt-2"}"#);
    let table = [
        ("", marked.into_bytes(), "at"),
        ("content-encoding: gzip\r\n", gzip(grant), "at"),
        ("", gzip(grant), "at"),
        ("content-encoding: deflate\r\n", deflate(grant), "at"),
        ("", odd_life.into(), "at"),
        ("", repeated.into(), "at"),
        ("", unpaired.into(), "at"),
        ("", none.into(), "Unavailable"),
        ("", odd.into(), "Unavailable"),
    ];
    for (n, (headers, body, access)) in table.into_iter().enumerate() {
        let user = format!("u{n}");
        let next = http("200 OK", "", r#"{"access_token":"at-3","refresh_token":"rt-3"}"#);
        let server =
            FaultyServer::start([Step::answer(http_bytes("200 OK", headers, &body)), Step::answer(next)])
                .await;
        let shop = Shop::new(&db, &server.url());
        let (vault, _) = shop.process().await;
        shop.register(&user, &format!("rt-of-{user}")).await;
        assert_eq!(describe(&shop.access(&vault, &user).await), access, "{n}");
        assert_eq!((shop.row(&user).await, server.requests()), (ACTIVE(2), 1), "{n}");
        assert_eq!(describe(&shop.access(&vault, &user).await), "at-3", "{n}");
        assert_eq!((shop.row(&user).await, server.requests()), (ACTIVE(3), 2), "{n}");
        let seen = server.seen();
        assert!(
            seen.contains("refresh_token=rt-2&") && seen.contains("accept-encoding: identity"),
            "{n}: {seen}"
        );
    }
    assert_eq!(db.count("exchanges WHERE outcome <> 'rotated'").await, 0);
}

/// Otherwise the user would count as idle (`keeper.forget_after_idle`) in spite of the order.
async fn an_order_of_a_user_without_a_usable_token_is_noted(db: Db) {
    let mut server = Server::new_async().await;
    let shop = Shop::new(&db, &server.url());
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let dead_grant =
        server.mock("POST", "/oauth2/token").with_status(400).with_body(r#"{"error":"invalid_grant"}"#);
    let _dead_grant = dead_grant.create_async().await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "ReauthRequired");
    db.advance(100);
    let mut raw = db.raw().await;
    raw.execute(if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; SELECT id FROM tokens FOR UPDATE" })
        .await;
    // The second one does not find the user's lock taken by a note that has to wait.
    for _ in 0..2 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "ReauthRequired");
    }
    raw.execute("COMMIT").await;
    // It is noted after the order has its answer.
    until("the note", Duration::from_mins(1), async || {
        let view = db.store.token(&UserKey::new("shop", "u")).await.unwrap().unwrap();
        view.last_seen_at == Some(db.clock.now())
    })
    .await;
}

async fn what_never_left_leaves_the_token_alone(db: Db) {
    let shop = Shop::new(&db, &refusing_url());
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    for presentations in 1..=3 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "2s");
        assert_eq!(
            (shop.row("u").await, shop.ledger().await),
            (ACTIVE(1), vec!["not_sent".to_owned(); presentations])
        );
    }
}

async fn what_was_cut_off_may_be_travelling(db: Db) {
    let steps = [
        Step::reset(),
        Step::close_after("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
        Step::hang_after(""),
    ];
    for (n, step) in steps.into_iter().enumerate() {
        let server = FaultyServer::start([step]).await;
        let mut shop = Shop::new(&db, &server.url());
        shop.settings.exchange_timeout = Duration::from_secs(5);
        let (vault, _) = shop.process().await;
        let user = format!("u{n}");
        shop.register(&user, &format!("rt-of-{user}")).await;
        assert_eq!(describe(&shop.access(&vault, &user).await), REPLAY);
        assert_eq!((shop.row(&user).await, server.requests()), (ACTIVE(1), 1));
        assert_eq!(db.count("exchanges WHERE travelling AND outcome = 'no_answer'").await, n as u64 + 1);
    }
}

async fn a_token_past_its_time_is_presented_once_more(db: Db) {
    let mut server = Server::new_async().await;
    let shop = Shop::new(&db, &server.url());
    let (vault, _) = shop.process().await;
    for user in ["a", "b"] {
        shop.register(user, &format!("rt-of-{user}")).await;
    }
    db.advance(61 * 24 * 60 * 60);
    let good =
        server.mock("POST", "/oauth2/token").with_body(r#"{"access_token":"at","refresh_token":"rt-2"}"#);
    let good = good.expect(1).create_async().await;
    assert_eq!(describe(&shop.access(&vault, "a").await), "at");
    good.remove_async().await;
    let dead_grant =
        server.mock("POST", "/oauth2/token").with_status(400).with_body(r#"{"error":"invalid_grant"}"#);
    let dead_grant = dead_grant.expect(1).create_async().await;
    assert_eq!(describe(&shop.access(&vault, "b").await), "ReauthRequired");
    assert_eq!((shop.row("a").await, shop.row("b").await), (ACTIVE(2), dead(DeadReason::Expired, 1)));
    // A token that no longer works is not presented again.
    assert_eq!(describe(&shop.access(&vault, "b").await), "ReauthRequired");
    dead_grant.assert_async().await;
}

async fn a_process_held_up_after_its_intent_sends_nothing(db: Db) {
    let server = FaultyServer::start([]).await;
    let mut shop = Shop::new(&db, &server.url());
    shop.settings.send_within = Duration::ZERO;
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "2s");
    assert_eq!((shop.ledger().await, server.connections()), (vec!["not_sent".to_owned()], 0));
}

async fn a_user_without_a_token_needs_no_endpoint(db: Db) {
    let server = FaultyServer::start([]).await;
    let shop = Shop::new(&db, &server.url());
    let (vault, _) = shop.process().await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "NotRegistered");
    shop.register("u", "rt-1").await;
    assert!(shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap());
    assert_eq!(describe(&shop.access(&vault, "u").await), "NotRegistered");
    assert_eq!((shop.ledger().await.len(), server.connections()), (0, 0));
}
