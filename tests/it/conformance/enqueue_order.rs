//! `klarna_worker.enqueue_order`: an order in the shop's own transaction, on PostgreSQL.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use klarna_order_worker::clock::Clock;
use klarna_order_worker::order::{Body, MAX_BODY, NewOrder, OrderId, Status, Summary, Target};
use klarna_order_worker::store::{Inserted, OrderRow, Published, Signal};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::orders::{claim, order};
use crate::support::stores::{Db, postgres_alone};

postgres_alone![
    an_order_exists_if_and_only_if_the_transaction_commits,
    an_order_is_as_its_caller_wrote_it,
    a_request_is_the_same_through_every_entry_point,
    what_an_order_is_found_by_is_read_from_its_body,
    equal_calls_at_once_make_one_order,
    a_key_whose_order_is_deleted_meanwhile_is_free,
    a_session_of_the_shop_with_other_defaults_makes_the_same_order,
    what_would_get_nowhere_is_refused_at_once,
    the_deadline_follows_the_settings,
    a_role_that_may_call_it_can_do_nothing_else,
];

/// Returns a shop's connection.
async fn shop(db: &Db) -> PgConnection {
    PgConnection::connect(db.direct_url()).await.unwrap()
}

async fn run(c: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(c).await.map(|_| ())
}

/// Calls the function with these arguments.
async fn enqueue(c: &mut PgConnection, arguments: &str) -> Result<OrderId, sqlx::Error> {
    let sql = AssertSqlSafe(format!("SELECT klarna_worker.enqueue_order({arguments})"));
    sqlx::query_scalar::<_, Uuid>(sql).fetch_one(c).await.map(OrderId::from)
}

/// Returns SQLSTATE and message of a refusal.
fn refusal(result: Result<OrderId, sqlx::Error>) -> (String, String) {
    let error = result.unwrap_err().into_database_error().unwrap();
    (error.code().unwrap().into_owned(), error.message().to_owned())
}

async fn an_order_exists_if_and_only_if_the_transaction_commits(db: Db) {
    let mut signals = db.store.listen().await.unwrap();
    let mut shop = shop(&db).await;
    run(&mut shop, "CREATE TABLE carts (id int)").await.unwrap();
    for (end, there) in [("ROLLBACK", false), ("COMMIT", true)] {
        run(&mut shop, "BEGIN; INSERT INTO carts VALUES (1)").await.unwrap();
        let id = enqueue(&mut shop, "'shop', 'u', '{}'").await.unwrap();
        assert!(db.store.order(id).await.unwrap().is_none(), "nobody sees it before");
        run(&mut shop, end).await.unwrap();
        assert_eq!(db.store.order(id).await.unwrap().is_some(), there, "{end}");
    }
    // Only the committed order notifies.
    let told = tokio::time::timeout(Duration::from_mins(1), signals.next()).await.unwrap().unwrap();
    assert_eq!(told, Signal::Due);
    assert!(tokio::time::timeout(Duration::from_millis(50), signals.next()).await.is_err());
}

async fn an_order_is_as_its_caller_wrote_it(db: Db) {
    let store = db.open_with(&Clock::system()).await;
    let mut shop = shop(&db).await;
    let body = "{ \"order_amount\": 1.0e2,\t\"b\":1,\"a\":\"\\u00e5 å €\" , \"b\": 12345678901234567890 }";
    let call = format!(
        "'shop', 'å \"u\"''; --', E' \\n{}\\n ', 'k', false, target => 'payments'",
        body.replace('\\', "\\\\")
    );
    let id = enqueue(&mut shop, &call).await.unwrap();
    assert_eq!(id.as_uuid().get_version_num(), 7);
    let view = store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.due_at), (Status::Queued, view.accepted_at));
    let (seconds, _) = id.as_uuid().get_timestamp().unwrap().to_unix();
    assert_eq!(i64::try_from(seconds).unwrap(), view.accepted_at.timestamp());
    let worker = db.begin_worker().await;
    let shares = BTreeMap::from([("shop".into(), 1)]);
    let claimed = store.claim_orders(worker, &shares, None).await.unwrap().remove(0);
    assert_eq!((claimed.claim.order, claimed.body.as_str(), claimed.prefill), (id, body, Some(false)));
    assert_eq!((claimed.user.as_str(), claimed.unchecked), ("å \"u\"'; --", true));
    assert_eq!(claimed.target, Some(Target::Payments));

    let later =
        "'shop', 'v', '{}', not_before => now() + interval '1 hour', deadline => now() + interval '2 hours'";
    let view = db.store.order(enqueue(&mut shop, later).await.unwrap()).await.unwrap().unwrap();
    assert!((view.due_at - view.accepted_at - TimeDelta::hours(1)).abs() < TimeDelta::seconds(30));
    assert_eq!(view.deadline_at - view.due_at, TimeDelta::hours(1));
    // An order that is submitted otherwise is checked before its insert, so it is not marked.
    super::orders::insert(&db, order(&db, "w")).await;
    assert!(!claim(&db, worker, 9).await.into_iter().any(|order| order.unchecked));
}

async fn a_request_is_the_same_through_every_entry_point(db: Db) {
    let mut shop = shop(&db).await;
    let order_text = lawful();
    let times = r#","not_before":"2027-01-02T03:04:05.678901Z","deadline":"2027-02-03T04:05:06Z","prefill":true,"target":"checkout""#;
    let sql_times = ", true, '2027-01-02T03:04:05.678901Z', '2027-02-03T04:05:06Z', 'checkout'";
    for (key, json, sql) in [("plain", "", ""), ("full", times, sql_times)] {
        let call = format!("'shop', 'å', '  {order_text}', '{key}'{sql}");
        let id = enqueue(&mut shop, &call).await.unwrap();
        assert_eq!(enqueue(&mut shop, &call).await.unwrap(), id);
        let envelope = format!(r#"{{"merchant":"shop","user":"å","order":{order_text}{json}}}"#);
        let digest = NewOrder::parse(&envelope, |_| Target::Checkout).unwrap().digest();
        let row = OrderRow { idempotency_key: Some(key.into()), digest, ..order(&db, "å") };
        assert_eq!(db.store.insert_orders(&[row]).await.unwrap(), [Inserted::Same(id)], "{key}");
        // A different request with the same key is refused.
        for other in [
            format!("'shop', 'v', '{order_text}', '{key}'{sql}"),
            format!("'shop', 'å', '{order_text} ', '{key}', false"),
            format!("'shop', 'å', '{{}}', '{key}'{sql}"),
        ] {
            let (code, message) = refusal(enqueue(&mut shop, &other).await);
            assert_eq!(code, "KW001", "{other}");
            assert_eq!(message, format!("the idempotency key {key} was used before, for another request"));
        }
        enqueue(&mut shop, &format!("'other', 'v', '{{}}', '{key}'")).await.unwrap();
    }
}

/// As [`Summary::of`] reads it. A body that PostgreSQL cannot read is accepted all the same.
async fn what_an_order_is_found_by_is_read_from_its_body(db: Db) {
    let mut shop = shop(&db).await;
    let long = format!(r#"{{"merchant_reference1":"{}","order_amount":1}}"#, "å".repeat(256));
    for body in [
        r#"{ "order_amount" : 50000, "purchase_currency":"SEK", "merchant_reference1":"A-\u00e5-1", "merchant_reference2" : "\ud83d\ude00" }"#,
        r#"{"merchant_reference1":17,"merchant_reference2":["x"],"purchase_currency":"crowns","order_amount":5e4}"#,
        r#"{"merchant_reference1":"","merchant_reference2":null,"order_amount":"500","purchase_currency":"sek"}"#,
        r#"{"order_amount":99999999999999999999}"#,
        &long,
        "{}",
    ] {
        let id = enqueue(&mut shop, &format!("'shop', 'u', $body${body}$body$")).await.unwrap();
        let found = db.store.order(id).await.unwrap().unwrap().summary;
        assert_eq!(found, Summary::of(&Body::parse(body).unwrap()), "{body}");
    }
    for body in [
        r#"{"merchant_reference1":"A\u0000"}"#,
        r#"{"merchant_reference1":"A-1","x":"\ud83d"}"#,
        r#"["A-1"]"#,
        r#""A-1""#,
    ] {
        let id = enqueue(&mut shop, &format!("'shop', 'u', $body${body}$body$")).await.unwrap();
        assert_eq!(db.store.order(id).await.unwrap().unwrap().summary, Summary::default(), "{body}");
    }
}

/// Returns an order that keeps the rules.
fn lawful() -> &'static str {
    r#"{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"name":"T-shirt å","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_tax_amount":4545}]}"#
}

async fn equal_calls_at_once_make_one_order(db: Db) {
    let calls = (0..20).map(|_| async {
        let mut shop = shop(&db).await;
        enqueue(&mut shop, "'shop', 'u', '{}', 'k'").await.unwrap()
    });
    let ids: std::collections::BTreeSet<_> = join_all(calls).await.into_iter().collect();
    assert_eq!((ids.len(), db.count("orders").await), (1, 1));
}

async fn a_key_whose_order_is_deleted_meanwhile_is_free(db: Db) {
    let mut shop = shop(&db).await;
    let first = enqueue(&mut shop, "'shop', 'u', '{}', 'k'").await.unwrap();
    run(&mut shop, "UPDATE klarna_worker.orders SET status = 'cancelled', ended_at = now(), body = NULL")
        .await
        .unwrap();
    // The call finds the order, and then waits for its row, which is gone after that.
    run(&mut shop, "BEGIN; SELECT id FROM klarna_worker.orders FOR UPDATE").await.unwrap();
    let mut other = PgConnection::connect(db.direct_url()).await.unwrap();
    let calling = tokio::spawn(async move { enqueue(&mut other, "'shop', 'u', '{}', 'k'").await });
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
        AND query LIKE '%enqueue_order%'";
    while db.count(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    run(&mut shop, "DELETE FROM klarna_worker.orders; COMMIT").await.unwrap();
    let second = calling.await.unwrap().unwrap();
    assert_ne!(second, first);
    assert_eq!((db.count("orders").await, db.store.order(second).await.unwrap().is_some()), (1, true));
}

/// The idempotency key is the same, so another digest would be refused.
async fn a_session_of_the_shop_with_other_defaults_makes_the_same_order(db: Db) {
    // Without a letter that is another one in another encoding.
    let call = "'shop', E'Zo\\u00eb', E'{\"name\": \"Zo\\u00eb\\\\tb\"}', 'key', true, '2026-12-01 10:00+00', \
                '2026-12-02 10:00+00', 'payments'";
    let mut usual = shop(&db).await;
    let id = enqueue(&mut usual, call).await.unwrap();
    for other in [
        "SET standard_conforming_strings = off; SET escape_string_warning = off",
        "SET client_encoding = 'LATIN1'; SET bytea_output = 'escape'",
        "SET client_encoding = 'WIN1252'; SET lc_messages = 'C'",
        "SET client_encoding = 'SQL_ASCII'; SET backslash_quote = 'off'",
        "SET search_path = pg_temp; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German, DMY'",
        "SET default_transaction_isolation = 'serializable'; SET extra_float_digits = -15",
        "SET IntervalStyle = 'iso_8601'; SET xmlbinary = 'hex'; SET quote_all_identifiers = on",
    ] {
        let mut session = shop(&db).await;
        run(&mut session, other).await.unwrap();
        assert_eq!(enqueue(&mut session, call).await.unwrap(), id, "{other}");
    }
    assert_eq!(db.errors().await, [""; 0]);
}

async fn what_would_get_nowhere_is_refused_at_once(db: Db) {
    let mut shop = shop(&db).await;
    for (call, code, message) in [
        ("'shop', 'u', NULL", "22004", "enqueue_order needs merchant, user_id and body"),
        ("NULL, 'u', '{}'", "22004", "enqueue_order needs merchant, user_id and body"),
        ("'shop', 'u', '{', 'k'", "22P02", "invalid input syntax for type json"),
        (
            "'shop', 'u', '{}', 'two words'",
            "22023",
            "idempotency_key is none: write 1 to 255 visible ASCII characters without spaces",
        ),
        (
            "'shop', 'u', '{}', target => 'it''s'",
            "22023",
            "target is 'it''s': write checkout or payments, or leave it out",
        ),
        (
            "'shop', 'u', '{}', ''",
            "22023",
            "idempotency_key is none: write 1 to 255 visible ASCII characters without spaces",
        ),
    ] {
        assert_eq!(refusal(enqueue(&mut shop, call).await), (code.to_owned(), message.to_owned()), "{call}");
    }
    let long = "x".repeat(256);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY - 7));
    for (call, code) in [
        (format!("'{long}', 'u', '{{}}'"), "22001"),
        (format!("'shop', '{long}', '{{}}'"), "22001"),
        ("'', 'u', '{}'".to_owned(), "22001"),
        ("'shop', E'u\\n', '{}'".to_owned(), "22023"),
        ("E'shop\\u0085', 'u', '{}'".to_owned(), "22023"),
        (format!("'shop', 'u', '{large}'"), "54000"),
        ("'shop', 'u', '{}', not_before => 'infinity'".to_owned(), "22008"),
        ("'shop', 'u', '{}', not_before => '-infinity'".to_owned(), "22008"),
        ("'shop', 'u', '{}', not_before => '9999-01-01'".to_owned(), "22008"),
        ("'shop', 'u', '{}', deadline => '290000-01-01'".to_owned(), "22008"),
        ("'shop', 'u', '{}', deadline => '0001-12-31 BC'".to_owned(), "22008"),
        ("'shop', 'u', '{}', not_before => '2027-01-02', deadline => '2027-01-02'".to_owned(), "22023"),
    ] {
        assert_eq!(refusal(enqueue(&mut shop, &call).await).0, code, "{}", &call[..call.len().min(80)]);
    }
    assert_eq!(db.count("orders").await, 0);
    // The largest allowed values are accepted, and can be read back.
    let (name, body) = (&long[1..], &large.replacen('x', "", 1));
    let latest =
        format!("'{name}', '{name}', '{body}', not_before => '9998-12-31', deadline => '9999-12-31'");
    let id = enqueue(&mut shop, &latest).await.unwrap();
    assert_eq!(db.store.order(id).await.unwrap().unwrap().merchant.as_str(), name);
}

async fn the_deadline_follows_the_settings(db: Db) {
    let mut shop = shop(&db).await;
    let deadline = |id| {
        let db = db.clone();
        async move {
            let view = db.store.order(id).await.unwrap().unwrap();
            view.deadline_at - view.accepted_at
        }
    };
    let before = enqueue(&mut shop, "'shop', 'u', '{}'").await.unwrap();
    assert_eq!(deadline(before).await, TimeDelta::minutes(10));
    db.execute(
        "INSERT INTO installation (name, minimum_program, hash_key, created_at) VALUES ('t', 1, '', now())",
    )
    .await;
    let settings = Published { order_deadline: Duration::from_hours(3), webhooks: BTreeMap::new() };
    db.store.publish(&settings).await.unwrap();
    let after = enqueue(&mut shop, "'shop', 'u', '{}'").await.unwrap();
    assert_eq!(deadline(after).await, TimeDelta::hours(3));
}

async fn a_role_that_may_call_it_can_do_nothing_else(db: Db) {
    let mut shop = shop(&db).await;
    let role = format!("shop_{}", Uuid::new_v4().simple());
    run(&mut shop, &format!("CREATE ROLE {role}")).await.unwrap();
    let denied = |result: Result<(), sqlx::Error>, what: &str| {
        let error = result.err().unwrap_or_else(|| panic!("allowed: {what}")).into_database_error().unwrap();
        assert_eq!(error.code().as_deref(), Some("42501"), "{what}: {error}");
    };
    let call = "SELECT klarna_worker.enqueue_order('shop', 'u', '{}')";
    // Each privilege alone is not enough.
    for grant in ["USAGE ON SCHEMA klarna_worker", "EXECUTE ON FUNCTION klarna_worker.enqueue_order"] {
        run(&mut shop, &format!("SET ROLE {role}")).await.unwrap();
        denied(run(&mut shop, call).await, "a call without the right");
        run(&mut shop, &format!("RESET ROLE; GRANT {grant} TO {role}")).await.unwrap();
    }
    run(&mut shop, &format!("SET ROLE {role}")).await.unwrap();
    run(&mut shop, call).await.unwrap();
    // Tables, operators and functions of the caller are not used by mistake.
    run(&mut shop, "CREATE TEMP TABLE orders (id int); CREATE TEMP TABLE installation (id int)")
        .await
        .unwrap();
    run(&mut shop, "SET search_path = pg_temp, klarna_worker").await.unwrap();
    run(&mut shop, call).await.unwrap();
    let tables = db.raw().await.column("tablename FROM pg_tables WHERE schemaname = 'klarna_worker'").await;
    assert!(tables.len() >= 10, "{tables:?}");
    for table in tables.into_iter().flatten() {
        for statement in [
            format!("SELECT 1 FROM klarna_worker.{table}"),
            format!("DELETE FROM klarna_worker.{table}"),
            format!("INSERT INTO klarna_worker.{table} DEFAULT VALUES"),
            format!("TRUNCATE klarna_worker.{table}"),
        ] {
            denied(run(&mut shop, &statement).await, &statement);
        }
    }
    let functions = "oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'klarna_worker'::regnamespace \
                     AND has_function_privilege('ROLE', oid, 'EXECUTE')";
    let functions = db.raw().await.column(&functions.replace("ROLE", &role)).await;
    assert_eq!(functions.len(), 1, "{functions:?}");
    denied(
        run(&mut shop, "CREATE TABLE klarna_worker.mine (id int)").await,
        "a table of its own in the schema",
    );
    let sequences = "SELECT nextval('klarna_worker.webhooks_seq_seq')";
    denied(run(&mut shop, sequences).await, sequences);
    run(&mut shop, &format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    assert_eq!(db.count("orders").await, 2);
}
