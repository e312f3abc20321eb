//! PostgreSQL only: many processes, and connections that are killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::config::Database;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::{self, ClaimAttempt, Signal, Store, StoreError, TokenClaim};
use klarna_order_worker::token::{Intended, Settled};
use test_support::postgres::{ODD_DEFAULTS, errors_in};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::orders::{claim as claim_orders, insert, order};
use super::settling::submitted;
use super::tokens::{claim, end, intended, intent, new_token, outcome, provider, register, row, successor};
use crate::support::stores::{CLAIM_SESSIONS, Db, MAX_IN_FLIGHT, postgres_alone};

postgres_alone![
    a_claim_keeps_others_away_until_it_is_over,
    a_claim_dies_with_its_connection_and_the_successor_does_not,
    a_claim_dropped_without_a_word_frees_the_token,
    a_claim_blocks_neither_sign_in_nor_forgetting,
    of_two_who_think_they_hold_the_claim_one_may_send,
    claims_that_wait_for_klarna_keep_nobody_else_waiting,
    a_new_process_is_announced_to_the_others,
    a_listener_hears_of_each_order_that_a_commit_ends,
    a_listener_whose_connection_dies_says_so,
    a_listener_whose_packets_are_dropped_says_so,
    other_defaults_change_nothing,
    an_encoding_that_cannot_hold_every_text_is_refused,
    pools_recover_from_connections_that_died,
    a_burst_finds_connections_open_but_never_all_of_a_pool,
    unique_texts_are_compared_byte_by_byte,
];

/// A time limit that is long enough for a busy machine.
const AMPLE: Duration = Duration::from_mins(1);

pub(super) async fn attempt(store: &dyn Store, user: &str) -> Option<Box<dyn TokenClaim>> {
    match store.claim_token(&UserKey::new("shop", user), provider()).await.unwrap() {
        ClaimAttempt::Claimed(claim) => Some(claim),
        ClaimAttempt::Busy => None,
        ClaimAttempt::Missing => panic!("no token of {user}"),
    }
}

/// Claims the token as soon as its holder is gone.
async fn claim_soon(store: &dyn Store, user: &str) -> Box<dyn TokenClaim> {
    let claimed = async {
        loop {
            if let Some(claim) = attempt(store, user).await {
                return claim;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(AMPLE, claimed).await.expect("the lock was never freed")
}

/// Kills the only connection that holds claims.
pub async fn kill_claims(db: &Db) {
    let kill = "count(pg_terminate_backend(pid, 5000)) FROM (SELECT DISTINCT pid FROM pg_locks \
                WHERE locktype = 'advisory' \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS session";
    assert_eq!(db.value(kill).await.as_deref(), Some("1"));
}

pub async fn a_claim_keeps_others_away_until_it_is_over(db: Db) {
    let other = db.open().await;
    register(&db, "u", 1).await;
    register(&db, "v", 1).await;
    let held = claim(&*db.store, "u").await;
    assert!(attempt(&*other, "u").await.is_none());
    assert!(attempt(&*db.store, "u").await.is_none());
    claim(&*other, "v").await.release().await;
    held.release().await;
    claim(&*other, "u").await.release().await;
    let holder = db.begin_worker().await;
    let (held, intent) = intended(&db, "u", holder).await;
    assert!(attempt(&*other, "u").await.is_none());
    held.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap();
    let next = claim(&*other, "u").await;
    assert_eq!(next.token().version.generation, 2);
    next.release().await;
}

async fn a_claim_dies_with_its_connection_and_the_successor_does_not(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (held, sent) = intended(&db, "u", holder).await;
    kill_claims(&db).await;
    let next = claim(&*db.open().await, "u").await;
    assert_eq!(next.token().presentations[0].outcome, None, "the intent went with the claim");
    next.release().await;
    let came = end(&db, &sent, successor(&db, 2));
    let error = held.settle(&came).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(db.store.settle_exchange(&came).await.unwrap(), Settled::Written);
    assert_eq!((row(&db, "u").await.2, outcome(&db, &sent).await.as_deref()), (2, Some("rotated")));
}

pub async fn a_claim_dropped_without_a_word_frees_the_token(db: Db) {
    register(&db, "u", 1).await;
    drop(claim(&*db.store, "u").await);
    claim_soon(&*db.store, "u").await.release().await;
}

async fn a_claim_blocks_neither_sign_in_nor_forgetting(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (held, sent) = intended(&db, "u", holder).await;
    timeout(AMPLE, register(&db, "u", 2)).await.expect("sign-in waited for a claim");
    timeout(AMPLE, db.store.forget_token(&UserKey::new("shop", "u")))
        .await
        .expect("forgetting waited for a claim")
        .unwrap();
    let late = end(&db, &sent, successor(&db, 3));
    assert_eq!(held.settle(&late).await.unwrap(), Settled::Superseded);
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 0);
}

async fn of_two_who_think_they_hold_the_claim_one_may_send(db: Db) {
    let other = db.open().await;
    let holders = [db.begin_worker().await, db.begin_worker().await];
    for byte in 1..=10 {
        register(&db, "u", byte).await;
        let mut first = claim(&*db.store, "u").await;
        kill_claims(&db).await;
        let mut second = claim(&*other, "u").await;
        let intents = [intent(&*first, holders[0]), intent(&*second, holders[1])];
        let (one, two) = tokio::join!(first.intend(&intents[0]), second.intend(&intents[1]));
        let recorded =
            [one.unwrap(), two.unwrap()].into_iter().filter(|one| *one == Intended::Recorded).count();
        assert_eq!(recorded, 1);
        second.release().await;
    }
}

pub async fn claims_that_wait_for_klarna_keep_nobody_else_waiting(db: Db) {
    let holder = db.begin_worker().await;
    let mut claims = Vec::new();
    for n in 0..MAX_IN_FLIGHT {
        let user = format!("u{n}");
        register(&db, &user, 1).await;
        claims.push(claim(&*db.store, &user).await);
    }
    let rest = async {
        insert(&db, order(&db, "u")).await;
        register(&db, "other", 1).await;
        assert!(db.store.heartbeat(holder).await.unwrap().is_some());
        for claim in &mut claims {
            let intent = intent(&**claim, holder);
            assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
        }
    };
    // A wait for a connection ends with an error after five seconds.
    timeout(AMPLE, rest).await.expect("somebody waited for a claim's connection");
    join_all(claims.into_iter().map(TokenClaim::release)).await;
}

async fn a_new_process_is_announced_to_the_others(db: Db) {
    let mut signals = db.store.listen().await.unwrap();
    db.begin_worker().await;
    let told = timeout(AMPLE, signals.next()).await.expect("no notification came");
    assert_eq!(told.unwrap(), Signal::Workers);
}

/// A commit ends more of them than one message can name.
async fn a_listener_hears_of_each_order_that_a_commit_ends(db: Db) {
    const ORDERS: usize = 300;
    let rows: Vec<_> = (0..ORDERS).map(|n| order(&db, &format!("u{n}"))).collect();
    db.store.insert_orders(&rows).await.unwrap();
    let worker = db.begin_worker().await;
    let claimed = claim_orders(&db, worker, ORDERS).await;
    let mut signals = db.store.listen().await.unwrap();
    let end = submitted();
    let ends = join_all(claimed.iter().map(|order| db.store.settle_order(&order.claim, &end))).await;
    assert!(ends.into_iter().all(|stored| stored.unwrap().is_some()));
    let mut told = BTreeSet::new();
    while told.len() < ORDERS {
        if let Signal::Settled(id) = timeout(AMPLE, signals.next()).await.unwrap().unwrap() {
            assert!(told.insert(id), "told twice");
        }
    }
    assert_eq!(told, rows.iter().map(|row| row.id).collect());
}

async fn a_listener_whose_connection_dies_says_so(db: Db) {
    let mut signals = db.store.listen().await.unwrap();
    let kill = "count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(db.value(kill).await.as_deref(), Some("1"));
    let lost = timeout(AMPLE, signals.next()).await.expect("the loss went unnoticed");
    assert!(lost.unwrap_err().is_transient());
}

/// A connection of which nothing arrives any more, and nothing says so: the proxy reads on.
async fn a_listener_whose_packets_are_dropped_says_so(db: Db) {
    let (proxy, dropping) = proxy_to(db.direct_url()).await;
    let url = url_at(db.direct_url(), proxy);
    let database = Database { url: url.into(), listen_url: None, ..db.database().clone() };
    let store = store::open(&database, CLAIM_SESSIONS, &db.clock).await.unwrap();
    let mut signals = store.listen().await.unwrap();
    insert(&db, order(&db, "u")).await;
    let told = timeout(AMPLE, signals.next()).await.expect("no notification came through");
    assert_eq!(told.unwrap(), Signal::Due);
    dropping.store(true, Ordering::SeqCst);
    let lost = timeout(AMPLE, signals.next()).await.expect("the silence went unnoticed");
    assert!(lost.unwrap_err().is_transient());
    dropping.store(false, Ordering::SeqCst);
    let mut signals = store.listen().await.unwrap();
    insert(&db, order(&db, "v")).await;
    assert_eq!(timeout(AMPLE, signals.next()).await.unwrap().unwrap(), Signal::Due);
    drop(signals);
    store.close().await;
}

/// Passes on what arrives, unless it is told to drop it.
async fn proxy_to(url: &str) -> (u16, Arc<AtomicBool>) {
    let server = url::Url::parse(url).unwrap();
    let server = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dropping = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&dropping);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(pass(from_client, to_server, Arc::clone(&told)));
            tokio::spawn(pass(from_server, to_client, Arc::clone(&told)));
        }
    });
    (port, dropping)
}

/// What was dropped once is lost: from then on the connection stays silent.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, dropping: Arc<AtomicBool>) {
    let (mut buffer, mut lost) = (vec![0; 16 * 1024], false);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        lost |= dropping.load(Ordering::SeqCst);
        if !lost && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

fn url_at(url: &str, port: u16) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_port(Some(port)).unwrap();
    url.into()
}

/// Defaults of the database, and of the role in this database, which come before them. A
/// transaction must see what others commit while it waits for a row.
async fn other_defaults_change_nothing(db: Db) {
    register(&db, "u", 1).await;
    let mut direct = db.raw().await;
    let name = direct.column("current_database()").await.remove(0).unwrap();
    let database = Database { url: db.direct_url().into(), listen_url: None, ..db.database().clone() };
    for (whose, isolation) in
        [("DATABASE", "repeatable read"), ("ROLE CURRENT_USER IN DATABASE", "serializable")]
    {
        for default in ODD_DEFAULTS {
            direct.execute(&format!("ALTER {whose} {name} SET {default}")).await;
        }
        direct
            .execute(&format!("ALTER {whose} {name} SET default_transaction_isolation = '{isolation}'"))
            .await;
        for statement_cache in [100, 0] {
            let database = Database { statement_cache, ..database.clone() };
            let store = store::open(&database, CLAIM_SESSIONS, &db.clock).await.unwrap();
            let holder = db.begin_worker().await;
            let mut claim = claim(&*store, "u").await;
            let intent = intent(&*claim, holder);
            assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
            let byte = u8::try_from(intent.version.generation + 1).unwrap();
            claim.settle(&end(&db, &intent, successor(&db, byte))).await.unwrap();
            assert_eq!(
                outcome(&db, &intent).await.as_deref(),
                Some("rotated"),
                "{isolation}, {statement_cache}"
            );
            // Sign-ins of one user at once: in another isolation, whoever waited for the row would
            // fail.
            let sign_ins = (0..20).map(|number| new_token(&db, "v", byte * 20 + number)).collect::<Vec<_>>();
            let registered = join_all(sign_ins.iter().map(|token| store.register_token(token))).await;
            for registered in registered {
                registered.unwrap_or_else(|error| panic!("{isolation}, {statement_cache}: {error}"));
            }
            store.close().await;
        }
    }
    assert_eq!(db.errors().await, [""; 0]);
}

async fn an_encoding_that_cannot_hold_every_text_is_refused(db: Db) {
    for encoding in ["LATIN1", "WIN1252", "SQL_ASCII"] {
        let name = format!("encoded_{}", uuid::Uuid::new_v4().simple());
        db.execute(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ))
        .await;
        let mut url = url::Url::parse(db.direct_url()).unwrap();
        url.set_path(&name);
        let database =
            Database { url: String::from(url.clone()).into(), listen_url: None, ..db.database().clone() };
        let refused = store::open(&database, CLAIM_SESSIONS, &db.clock).await.err();
        assert_eq!(errors_in(url.as_str()).await, [""; 0], "{encoding}");
        db.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        let refused = refused.unwrap_or_else(|| panic!("{encoding} was taken"));
        assert!(matches!(refused, StoreError::Location(_)), "{refused:?}");
        assert!(
            refused.to_string().contains(encoding) && refused.to_string().contains("ENCODING 'UTF8'"),
            "{refused}"
        );
    }
}

async fn pools_recover_from_connections_that_died(db: Db) {
    join_all((0..4).map(|_| db.store.health())).await;
    let kill = "count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_ne!(db.value(kill).await.as_deref(), Some("0"));
    let mut failures = 0;
    while let Err(error) = db.store.health().await {
        assert!(error.is_transient(), "{error}");
        failures += 1;
        assert!(failures <= 4, "more failures than there were connections");
    }
    insert(&db, order(&db, "u")).await;
}

async fn a_burst_finds_connections_open_but_never_all_of_a_pool(db: Db) {
    for user in ["u", "v"] {
        register(&db, user, 1).await;
    }
    let store = db.open().await;
    let idle = |pool| store.pools().iter().find(|used| used.pool == pool).unwrap().idle;
    let open = || (idle("queue"), idle("claims"));
    store.keep_ready().await.unwrap();
    // Half of each pool, so that the other half stays free for callers.
    assert_eq!(open(), (2, CLAIM_SESSIONS / 2));
    store.keep_ready().await.unwrap();
    let ready = db.value("clock_timestamp()::text").await.unwrap();
    let burst = join_all(["u", "v"].map(|user| claim(&*store, user))).await;
    join_all(burst.into_iter().map(TokenClaim::release)).await;
    assert_eq!(open(), (2, CLAIM_SESSIONS / 2));
    // Sessions that end meanwhile do not count.
    let opened = format!(
        "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND backend_start > '{ready}'"
    );
    assert_eq!(db.count(&opened).await, 0, "a burst opens none");
}

/// Another collation may change with the system's C library, and then a unique index finds no
/// longer what it holds.
async fn unique_texts_are_compared_byte_by_byte(db: Db) {
    let texts =
        "FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid, unnest(i.indcollation::oid[]) AS used (id)
        JOIN pg_collation c ON c.oid = used.id
        WHERE i.indisunique AND t.relnamespace = 'klarna_worker'::regnamespace";
    let other = format!(
        "string_agg(i.indexrelid::regclass || ' ' || c.collname, ', ') {texts} AND c.collname <> 'C'"
    );
    assert_eq!(db.value(&other).await, None);
    let bytes = format!("(count(*) >= 6)::text {texts} AND c.collname = 'C'");
    assert_eq!(db.value(&bytes).await.as_deref(), Some("true"));
}
