//! Locks and long transactions of other sessions, and a PostgreSQL server that has no connection
//! left.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _};
use test_support::cluster::Cluster;
use test_support::engine::{Database, on_postgres, on_sqlite};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::{Shop, order};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::refused_starts::refused;

const PATIENCE: Duration = Duration::from_mins(1);
const GUESTS: usize = 7;
/// The promise for most guests of a test, and a limit for each. Both grow by what orders need on
/// the machine without a fault.
const PROMISED: Duration = Duration::from_secs(1);
const EACH: Duration = Duration::from_secs(3);

const REFUSED: &str = "The database refuses more connections; raise its limit, or lower database.max_connections \
                       and vault.claim_sessions";
const NOT_STORED: &str = "The result of an exchange could not be stored; the service keeps trying";

/// A session beside the service.
struct Session(PgConnection);

impl Session {
    async fn open(url: &str) -> Self {
        Self(PgConnection::connect(url).await.unwrap())
    }

    /// Begins a transaction.
    async fn begin(url: &str, statements: &str) -> Self {
        let mut session = Self::open(url).await;
        session.execute(&format!("BEGIN; {statements}")).await;
        session
    }

    async fn execute(&mut self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.0).await.unwrap();
    }

    async fn end(mut self) {
        self.execute("ROLLBACK").await;
        self.0.close().await.unwrap();
    }

    /// Returns the number that `SELECT {query}` returns.
    async fn count(&mut self, query: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT ({query})::bigint"));
        sqlx::raw_sql(query).fetch_one(&mut self.0).await.unwrap().get(0)
    }

    /// Waits for two heartbeats of the service.
    async fn two_heartbeats(&mut self) {
        let heartbeats = "SELECT heartbeats FROM klarna_worker.workers";
        let before = self.count(heartbeats).await;
        until("two heartbeats", PATIENCE, async || self.count(heartbeats).await >= before + 2).await;
    }
}

/// One guest after the other orders. Returns how long each order took, the shortest first.
async fn guests(client: &Client, name: &str) -> Vec<Duration> {
    let mut took = Vec::new();
    for number in 0..GUESTS {
        let guest = format!("{name}-{number}");
        let begun = Instant::now();
        let ended = client.ended(&client.post(&guest, &guest).await, PATIENCE).await;
        took.push(begun.elapsed());
        assert_eq!(
            (&ended["status"], &ended["token"]),
            (&json!("submitted"), &json!("not_registered")),
            "{ended}"
        );
    }
    took.sort();
    took
}

/// The time that most orders need without a fault.
async fn usual(client: &Client) -> Duration {
    guests(client, "usual").await[GUESTS / 2]
}

/// As [`guests`]. Most orders must end as promised.
async fn undelayed_guests(client: &Client, name: &str, usual: Duration) {
    let took = guests(client, name).await;
    let most = took[GUESTS / 2] < PROMISED + 3 * usual;
    assert!(most && took[GUESTS - 1] < EACH + 10 * usual, "{name}: {took:?}, usually {usual:?}");
}

/// The lines of the log with this message.
fn lines(shop: &Shop, message: &str) -> Vec<Value> {
    shop.log_with("a", message).into_iter().filter(|line| line["message"] == message).collect()
}

fn no_heartbeat_failed(shop: &Shop) {
    let failed = lines(shop, "This worker's heartbeat failed; it keeps trying");
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_tokens_and_long_transactions_delay_no_guest() {
    on_postgres(async |database: Database| {
        let url = database.url().to_owned();
        let shop = Shop::open(database, &[], "");
        let served = shop.serve("a");
        let client = served.client();
        let users = shop.sign_in(13).await;
        client.register_all(&users).await;
        client.all_submitted_fresh(&[client.post("u-1", "first").await], PATIENCE).await;
        let usual = usual(&client).await;

        let long = "SELECT count(*) FROM klarna_worker.orders; \
                    UPDATE klarna_worker.tokens SET updated_at = updated_at WHERE user_id = 'u-1'";
        let long = Session::begin(&url, long).await;
        // Each of these waits for the row.
        let mut sign_ins = JoinSet::new();
        for _ in 0..40 {
            let (client, token) = (client.clone(), users[0].1.clone());
            sign_ins.spawn(async move { client.try_register("u-1", &token).await });
        }
        let mut ids = vec![client.post("u-1", "locked").await];
        undelayed_guests(&client, "row", usual).await;
        client.all_submitted_fresh(&ids, PATIENCE).await;
        long.end().await;

        let lock = Session::begin(&url, "LOCK TABLE klarna_worker.tokens IN SHARE MODE").await;
        for (user, _) in &users[1..] {
            ids.push(client.post(user, &format!("table-of-{user}")).await);
        }
        until("a store that waits", PATIENCE, async || lines(&shop, NOT_STORED).len() >= 9).await;
        undelayed_guests(&client, "table", usual).await;
        lock.end().await;
        client.all_submitted_fresh(&ids, PATIENCE).await;
        no_heartbeat_failed(&shop);
        let stats = shop.stats().await;
        assert_eq!((stats.orders.duplicates, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
        sign_ins.shutdown().await;
        until("every successor stored", PATIENCE, async || {
            let mut stored = 0;
            for (user, _) in &users[1..] {
                stored += usize::from(client.token(user).await["generation"] == 2);
            }
            stored == users.len() - 1
        })
        .await;
        assert!(served.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

/// A trigger that keeps results of orders out of the database.
const REFUSE: &str = "
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no' USING ERRCODE = '55000'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON klarna_worker.orders FOR EACH ROW
        WHEN (NEW.status = 'submitted') EXECUTE FUNCTION public.refuse()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_stores_results_although_tokens_are_locked() {
    on_postgres(async |database: Database| {
        // More than a start waits for one after the other.
        const LOCKED: usize = 8;
        let url = database.url().to_owned();
        let shop = Shop::open(database, &[], "");
        let served = shop.serve("a");
        let client = served.client();
        let users = shop.sign_in(1 + LOCKED).await;
        client.register_all(&users).await;
        // Until a first exchange has succeeded, tokens are exchanged one at a time.
        client.all_submitted_fresh(&[client.post("u-1", "first").await], PATIENCE).await;
        let mut admin = Session::open(&url).await;
        admin.execute(REFUSE).await;
        let lock = Session::begin(&url, "LOCK TABLE klarna_worker.tokens IN SHARE MODE").await;
        for (user, _) in &users[1..] {
            client.post(user, &format!("order-of-{user}")).await;
        }
        let spooled = |ending: &str| {
            let files = std::fs::read_dir(shop.folder.path().join("data/instance-a/spool")).unwrap();
            let paths = files.map(|file| file.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|found| found == ending)).count()
        };
        until("everything in the spool", PATIENCE, async || {
            (spooled("successor"), spooled("result")) == (LOCKED, LOCKED)
        })
        .await;
        served.program.kill();
        admin.execute("DROP FUNCTION public.refuse() CASCADE").await;

        refused(shop.folder.path(), "a.toml", 1, "another session of the database is in the way");
        assert_eq!((spooled("successor"), spooled("result")), (LOCKED, 0));
        let submitted = "SELECT count(*) FROM klarna_worker.orders WHERE status = 'submitted'";
        assert_eq!(usize::try_from(admin.count(submitted).await).unwrap(), 1 + LOCKED);

        lock.end().await;
        let served = shop.serve("a");
        assert_eq!(spooled("successor"), 0);
        for (user, _) in &users[1..] {
            assert_eq!(served.client().token(user).await["generation"], 2);
        }
        assert!(served.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

/// On SQLite a writer would stop all others; a reader stops nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reader_of_the_file_delays_no_guest() {
    on_sqlite(async |database: Database| {
        let shop = Shop::open(database, &[], "");
        let served = shop.serve("a");
        let usual = usual(&served.client()).await;
        let file = SqliteConnectOptions::new().filename(shop.folder.path().join("data/worker.db"));
        let mut reader = file.connect().await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT count(*) FROM orders").execute(&mut reader).await.unwrap();
        undelayed_guests(&served.client(), "guest", usual).await;
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&mut reader).await.unwrap();
        assert_eq!(seen, i64::try_from(GUESTS).unwrap(), "the reader's transaction was still the old one");
        reader.close().await.unwrap();
        assert!(served.program.terminate().await.success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_go_on_at_once_when_their_table_is_free_again() {
    on_postgres(async |database: Database| {
        let url = database.url().to_owned();
        let shop = Shop::open(database, &["--checkout-latency", "1s"], "");
        let served = shop.serve("a");
        let client = served.client();
        let begun = Instant::now();
        let on_its_way = client.post("guest", "on-its-way").await;
        let usual = begun.elapsed();
        until("an order at Klarna", PATIENCE, async || shop.stats().await.orders.total == 1).await;

        let lock = Session::begin(&url, "LOCK TABLE klarna_worker.orders IN SHARE MODE").await;
        let begun = Instant::now();
        let (status, problem) = client.try_post("guest", "locked", &order()).await.unwrap();
        assert_eq!(status, 503, "{problem}");
        assert!(begun.elapsed() < EACH + 10 * usual, "{:?}, usually {usual:?}", begun.elapsed());
        Session::open(&url).await.two_heartbeats().await;
        lock.end().await;

        let begun = Instant::now();
        let later = client.post("guest", "later").await;
        for id in [on_its_way, later] {
            let ended = client.ended(&id, PATIENCE).await;
            assert_eq!(
                (&ended["status"], &ended["possible_duplicate"]),
                (&json!("submitted"), &json!(false)),
                "{ended}"
            );
        }
        // The create call alone takes a second.
        let took = begun.elapsed();
        assert!(took < PROMISED + EACH + 20 * usual, "{took:?}, an insert usually {usual:?}");
        assert_eq!(shop.stats().await.orders.total, 2);
        no_heartbeat_failed(&shop);
        assert!(served.program.terminate().await.success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_delays_no_guest() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let url = database.url().to_owned();
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(4).await;
    client.register_all(&users).await;
    let mut watch = Session::open(&url).await;
    let own = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    until("the service's connections", PATIENCE, async || watch.count(own).await >= 6).await;
    let usual = usual(&client).await;
    let (mut others, filled) = (Vec::new(), Instant::now());
    while let Ok(other) = PgConnection::connect(&url).await {
        others.push(other);
    }
    assert!(others.len() > 150, "{}", others.len());

    undelayed_guests(&client, "guest", usual).await;
    watch.two_heartbeats().await;
    let ids = client.post_all(&users, 8).await;
    client.all_submitted_fresh(&ids, PATIENCE).await;
    drop(others);
    until("the end of the others", PATIENCE, async || watch.count(own).await < 100).await;
    no_heartbeat_failed(&shop);
    // At most one line in a minute.
    let minutes = filled.elapsed().as_secs() / 60;
    assert!(lines(&shop, REFUSED).len() as u64 <= 1 + minutes, "{:?}", lines(&shop, REFUSED));
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_with_six_connections_submits_every_order() {
    on_postgres(async |database: Database| {
        let url = database.url().to_owned();
        let shop = Shop::open(database, &[], "");
        let mut admin = Session::open(&url).await;
        let role = format!("six_{}", Uuid::new_v4().simple());
        admin
            .execute(&format!(
                "CREATE ROLE {role} LOGIN PASSWORD 'six' CONNECTION LIMIT 6;
                 GRANT USAGE ON SCHEMA klarna_worker TO {role};
                 GRANT ALL ON ALL TABLES IN SCHEMA klarna_worker TO {role}"
            ))
            .await;
        let mut limited = url::Url::parse(&url).unwrap();
        limited.set_username(&role).unwrap();
        limited.set_password(Some("six")).unwrap();
        shop.change_settings("a", &url, limited.as_str());

        let begun = Instant::now();
        let served = shop.serve("a");
        let client = served.client();
        let users = shop.sign_in(4).await;
        client.register_all(&users).await;
        let guests = (0..24).map(|number| (format!("guest-{number}"), String::new()));
        let everybody: Vec<_> = guests.chain(users).collect();
        let ids = client.post_all(&everybody, everybody.len()).await;
        client.all_submitted(&ids, &["not_registered", "fresh"], PATIENCE).await;
        let stats = shop.stats().await;
        assert_eq!((stats.orders.total, stats.orders.recognised), (28, 4), "{stats:?}");
        admin.two_heartbeats().await;

        // At most one line in a minute.
        let told = lines(&shop, REFUSED);
        let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
        assert!((1..=1 + minutes).contains(&told.len()), "{told:?}");
        assert!(told[0]["error"].as_str().is_some_and(|error| error.contains(&role)), "{told:?}");
        let log = shop.log("a");
        let loud: Vec<_> =
            log.iter().filter(|line| line["level"] == "ERROR" || line["level"] == "WARN").collect();
        assert!(loud.len() <= 3 + told.len(), "{loud:#?}");
        assert!(served.program.terminate().await.success());
        admin.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
        shop.close().await;
    })
    .await;
}
