//! Through `PgBouncer` in transaction mode, as a role with odd defaults: some of the cases, and
//! what is left in the server's sessions. `tests/pooler.sh` plays all others.

use futures::future::join_all;
use klarna_order_worker::store::{Inserted, OrderTx as _};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _, raw_sql};

use super::orders::order;
use super::service::an_order_and_its_token_go_their_way;
use crate::support::stores::{Db, on_pooler};

macro_rules! through_a_pooler {
    ($($case:ident of $module:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            on_pooler(super::$module::$case).await;
        })+
    };
}

through_a_pooler![
    a_claim_keeps_others_away_until_it_is_over of pg,
    a_claim_dropped_without_a_word_frees_the_token of pg,
    claims_that_wait_for_klarna_keep_nobody_else_waiting of pg,
    a_failed_claim_takes_no_claimed_order_back of locks,
    fifty_equal_inserts_at_once_make_one_order of inserting,
    concurrent_workers_never_claim_the_same_order of orders,
    many_ends_at_once_are_each_answered of settling,
    concurrent_senders_never_claim_the_same_event of webhooks,
    the_fifth_lost_worker_fails_the_order of workers,
    an_erased_user_leaves_no_trace of upkeep,
    processes_that_migrate_at_once_do_it_once of installation,
];

/// The pooler of the tests has so many sessions at most.
const SESSIONS: usize = 20;

/// Connects a client to the pooler.
async fn client(db: &Db) -> PgConnection {
    let url = secrecy::ExposeSecret::expose_secret(&db.database().url);
    url.parse::<PgConnectOptions>().unwrap().extra_float_digits(None).connect().await.unwrap()
}

#[tokio::test]
async fn nothing_is_left_in_the_sessions_of_a_pooler() {
    on_pooler(look_into_the_sessions).await;
}

/// Neither settings of a session, nor prepared statements, also not of a transaction of the shop.
async fn look_into_the_sessions(db: Db) {
    an_order_and_its_token_go_their_way(db.clone()).await;
    let mut shop = client(&db).await;
    shop.execute("BEGIN").await.unwrap();
    let inserted = shop.insert_order(&order(&db, "v")).await.unwrap();
    assert!(matches!(inserted, Inserted::New(_)));
    shop.execute("COMMIT").await.unwrap();
    shop.close().await.unwrap();

    // All sessions at the same time, by transactions that stay open.
    let mut clients = join_all((0..SESSIONS).map(|_| client(&db))).await;
    let mut sessions = Vec::new();
    for client in &mut clients {
        client.execute("BEGIN").await.unwrap();
        let left = "SELECT pg_backend_pid()::text, (SELECT count(*) FROM pg_prepared_statements)::text,
            (SELECT string_agg(name, ', ') FROM pg_settings WHERE source = 'session' AND name NOT IN
                ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'transaction_isolation',
                 'transaction_read_only', 'transaction_deferrable', 'standard_conforming_strings'))";
        let row = raw_sql(left).fetch_one(client).await.unwrap();
        assert_eq!(row.get::<&str, _>(1), "0", "prepared statements");
        assert_eq!(row.get::<Option<&str>, _>(2), None, "settings");
        sessions.push(row.get::<String, _>(0));
    }
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), SESSIONS, "a client for each session");
    assert_eq!(db.errors().await, [""; 0]);
}
