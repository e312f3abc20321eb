//! Each crash point in the protocol's table.

use test_support::engine::{Database, both_engines};

use crate::setup::{Seen, Writes, crash};

both_engines![
    an_order_that_its_insert_claimed_is_taken_over,
    before_the_intent_nothing_has_happened,
    before_the_request_the_answer_counts_as_lost,
    a_request_that_spent_the_token_unseen_is_told,
    a_request_that_never_arrived_costs_nothing,
    an_answer_in_memory_alone_is_lost_and_told,
    an_answer_in_the_spool_is_not_lost,
    what_is_stored_is_used_without_another_exchange,
    a_token_in_hand_is_used_without_another_exchange,
    an_announced_order_may_have_been_sent,
    a_result_in_the_spool_is_stored_and_doubles_nothing,
    a_create_without_its_answer_is_sent_again,
    a_create_whose_answer_was_not_recorded_is_sent_again,
    what_is_recorded_is_done,
    the_second_passing_of_a_point_is_one_too,
    a_provider_with_grace_gives_the_successor_back,
    a_provider_that_repeats_the_token_loses_nothing,
    a_provider_that_sends_no_successor_loses_nothing,
];

const STRICT: &str = "strict";
const LOST: (&str, (&str, i64), u64, u64) = ("reauth_required", ("reauth_required", 1), 2, 1);

/// Crashes at `point`. The order may have been sent before.
async fn crashed(database: Database, provider: &str, point: &str) -> Seen {
    let seen = crash(database, provider, point, None, Writes::Free).await;
    assert!(seen.possible_duplicate(), "{}", seen.order);
    seen
}

/// A crash before it was written down that the order is about to be sent.
async fn crashed_before(database: Database, provider: &str, point: &str) -> Seen {
    let seen = crash(database, provider, point, None, Writes::Free).await;
    assert!(!seen.possible_duplicate(), "{}", seen.order);
    seen
}

async fn an_order_that_its_insert_claimed_is_taken_over(database: Database) {
    let seen = crashed_before(database, STRICT, "order_inserted").await;
    assert_eq!(seen.sums(), ("fresh", ("active", 2), 1, 1));
}

async fn before_the_intent_nothing_has_happened(database: Database) {
    assert_eq!(crashed_before(database, STRICT, "claimed").await.sums(), ("fresh", ("active", 2), 1, 1));
}

async fn before_the_request_the_answer_counts_as_lost(database: Database) {
    assert_eq!(crashed_before(database, STRICT, "intended").await.sums(), ("fresh", ("active", 2), 1, 1));
}

async fn a_request_that_spent_the_token_unseen_is_told(database: Database) {
    let seen = crashed_before(database, STRICT, "token_sent").await;
    assert_eq!(seen.sums(), LOST);
    assert_eq!((&seen.token["reason"], seen.stats.orders.without_token), (&"answer_lost".into(), 1));
}

async fn a_request_that_never_arrived_costs_nothing(database: Database) {
    let seen = crash(database, STRICT, "token_sent", Some("cut"), Writes::Free).await;
    assert_eq!(seen.sums(), ("fresh", ("active", 2), 2, 1));
    assert!(!seen.possible_duplicate(), "{}", seen.order);
}

async fn an_answer_in_memory_alone_is_lost_and_told(database: Database) {
    let seen = crashed_before(database, STRICT, "token_answered").await;
    assert_eq!(seen.sums(), LOST);
    assert_eq!(seen.token["reason"], "answer_lost");
}

async fn an_answer_in_the_spool_is_not_lost(database: Database) {
    let seen = crash(database, STRICT, "spooled", None, Writes::Blocked).await;
    assert_eq!(seen.sums(), ("cached", ("active", 2), 1, 1));
    assert_eq!(seen.stats.orders.recognised, 1, "{:?}", seen.stats);
    assert!(!seen.possible_duplicate(), "{}", seen.order);
}

async fn what_is_stored_is_used_without_another_exchange(database: Database) {
    assert_eq!(crashed(database, STRICT, "token_stored").await.sums(), ("cached", ("active", 2), 1, 1));
}

async fn a_token_in_hand_is_used_without_another_exchange(database: Database) {
    assert_eq!(crashed(database, STRICT, "submitting").await.sums(), ("cached", ("active", 2), 1, 1));
}

async fn an_announced_order_may_have_been_sent(database: Database) {
    assert_eq!(crashed(database, STRICT, "announced").await.sums(), ("cached", ("active", 2), 1, 1));
}

async fn a_result_in_the_spool_is_stored_and_doubles_nothing(database: Database) {
    let seen = crash(database, STRICT, "result_spooled", None, Writes::BlockedOrders).await;
    assert_eq!(seen.sums(), ("fresh", ("active", 2), 1, 1));
    assert!(!seen.possible_duplicate(), "{}", seen.order);
}

async fn a_create_without_its_answer_is_sent_again(database: Database) {
    assert_eq!(crashed(database, STRICT, "order_sent").await.sums(), ("cached", ("active", 2), 1, 2));
}

async fn a_create_whose_answer_was_not_recorded_is_sent_again(database: Database) {
    assert_eq!(crashed(database, STRICT, "order_answered").await.sums(), ("cached", ("active", 2), 1, 2));
}

async fn what_is_recorded_is_done(database: Database) {
    let seen = crash(database, STRICT, "order_recorded", None, Writes::Free).await;
    assert_eq!(seen.sums(), ("fresh", ("active", 2), 1, 1));
    assert!(!seen.possible_duplicate(), "{}", seen.order);
}

/// The first presentation is refused without being processed. The process dies at the second one.
async fn the_second_passing_of_a_point_is_one_too(database: Database) {
    let seen = crash(database, STRICT, "token_answered:2", Some("503"), Writes::Free).await;
    assert_eq!(seen.sums(), ("reauth_required", ("reauth_required", 1), 3, 1));
    assert_eq!(seen.token["reason"], "answer_lost");
}

async fn a_provider_with_grace_gives_the_successor_back(database: Database) {
    let seen = crashed_before(database, "grace", "token_answered").await;
    assert_eq!(seen.sums(), ("fresh", ("active", 2), 2, 1));
    assert_eq!(seen.stats.orders.recognised, 1, "{:?}", seen.stats);
}

async fn a_provider_that_repeats_the_token_loses_nothing(database: Database) {
    assert_eq!(
        crashed_before(database, "idempotent", "token_answered").await.sums(),
        ("fresh", ("active", 1), 2, 1)
    );
}

async fn a_provider_that_sends_no_successor_loses_nothing(database: Database) {
    assert_eq!(
        crashed_before(database, "omitted", "token_answered").await.sums(),
        ("fresh", ("active", 1), 2, 1)
    );
}
