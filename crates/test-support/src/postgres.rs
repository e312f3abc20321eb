//! PostgreSQL for tests: the server that `KLARNA_WORKER_TEST_POSTGRES` names (a superuser's URL;
//! `test.sh` sets it), or one that this process starts. A test that finds none fails.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::{Database, Engine};
use klarna_order_worker::store;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// An empty database for one test.
pub struct TestDatabase {
    name: String,
    url: String,
    /// Whether it has a role of its own, with the same name.
    has_role: bool,
}

/// Defaults that no installation has. A role may have them, or a database.
pub const ODD_DEFAULTS: [&str; 8] = [
    "default_transaction_isolation = 'serializable'",
    "search_path = 'pg_temp'",
    "timezone = 'Asia/Tokyo'",
    "standard_conforming_strings = off",
    "client_encoding = 'LATIN1'",
    "datestyle = 'German, DMY'",
    "intervalstyle = 'iso_8601'",
    "bytea_output = 'escape'",
];

impl TestDatabase {
    /// Creates the database.
    pub async fn create() -> Self {
        Self::copy_of("template0").await.unwrap()
    }

    /// Creates the database with everything that this program's migrations make: as a copy of a
    /// database of the server, which is quicker than to run them. The first test makes that one.
    pub async fn create_migrated() -> Self {
        let template = template();
        if let Ok(copy) = Self::copy_of(&template).await {
            return copy;
        }
        make_template(&template).await;
        Self::copy_of(&template).await.unwrap()
    }

    async fn copy_of(template: &str) -> sqlx::Result<Self> {
        let name = format!("klarna_worker_test_{}", Uuid::new_v4().simple());
        let mut connection = connect().await;
        // Since version 15 a server copies page by page if it is not asked for files, which takes
        // it twice as long.
        let strategy = connection.server_version_num().filter(|version| *version >= 150_000);
        let strategy = strategy.map_or("", |_| "STRATEGY FILE_COPY");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"));
        sqlx::raw_sql(create).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Self { url: url_of(&name), name, has_role: false })
    }

    /// Creates a superuser whose sessions have [`ODD_DEFAULTS`]. Returns the URL with this user.
    pub async fn odd_role(&mut self) -> String {
        let name = &self.name;
        server(&format!("CREATE ROLE {name} LOGIN SUPERUSER")).await;
        self.has_role = true;
        for default in ODD_DEFAULTS {
            server(&format!("ALTER ROLE {name} SET {default}")).await;
        }
        let mut url: url::Url = self.url.parse().unwrap();
        url.set_username(name).unwrap();
        url.into()
    }

    /// Returns its URL, with a superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes it, and ends the sessions that still use it.
    pub async fn remove(self) {
        server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        if self.has_role {
            server(&format!("DROP ROLE {}", self.name)).await;
        }
    }
}

/// Returns the lines of the server's log that tell of errors in the database of this superuser's
/// URL.
///
/// # Panics
/// If the log cannot be read: the server has to be one that the tests have started.
pub async fn errors_in(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let ask = "SELECT current_database()::text, current_setting('data_directory')";
    let (name, data): (String, String) = sqlx::query_as(ask).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let log = PathBuf::from(data).with_file_name("log");
    let log = std::fs::read(&log).unwrap_or_else(|error| panic!("{}: {error}; run ./test.sh", log.display()));
    let log = String::from_utf8_lossy(&log);
    // The start of each line is the setting log_line_prefix.
    let levels = ["ERROR", "FATAL", "PANIC"].map(|level| format!(" {name} {level}: "));
    log.lines().filter(|line| levels.iter().any(|level| line.contains(level))).map(str::to_owned).collect()
}

/// The name of the database that [`TestDatabase::create_migrated`] copies. Other migrations have
/// another.
fn template() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        hash.write(file.file_name().unwrap().as_encoded_bytes());
        hash.write(&std::fs::read(file).unwrap());
    }
    format!("klarna_worker_migrated_{:016x}", hash.finish())
}

/// Makes the database that [`TestDatabase::create_migrated`] copies, unless another process has
/// made it meanwhile. It has its name as soon as it is complete.
async fn make_template(template: &str) {
    let mut server = connect().await;
    sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(template).execute(&mut server).await.unwrap();
    let made = sqlx::query("SELECT FROM pg_database WHERE datname = $1").bind(template);
    if made.fetch_optional(&mut server).await.unwrap().is_none() {
        let unfinished = format!("{template}_unfinished");
        for statement in [
            format!("DROP DATABASE IF EXISTS {unfinished}"),
            format!("CREATE DATABASE {unfinished} TEMPLATE template0"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await.unwrap();
        }
        let database = Database {
            engine: Engine::Postgres,
            url: url_of(&unfinished).into(),
            listen_url: None,
            read_url: None,
            statement_cache: 100,
            max_connections: 4,
        };
        let store = store::open(&database, 1, &Clock::system()).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        // A connection that is closed may not have ended yet.
        let end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1";
        sqlx::query(end).bind(&unfinished).execute(&mut server).await.unwrap();
        let rename = AssertSqlSafe(format!("ALTER DATABASE {unfinished} RENAME TO {template}"));
        sqlx::raw_sql(rename).execute(&mut server).await.unwrap();
    }
    server.close().await.unwrap();
}

fn url_of(database: &str) -> String {
    let mut url: url::Url = SERVER.get_or_init(Server::find).url.parse().unwrap();
    url.set_path(database);
    url.into()
}

async fn connect() -> PgConnection {
    let url = &SERVER.get_or_init(Server::find).url;
    PgConnection::connect(url).await.expect("the test's PostgreSQL does not answer")
}

async fn server(statement: &str) {
    let mut connection = connect().await;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

static SERVER: OnceLock<Server> = OnceLock::new();

struct Server {
    url: String,
    /// Stops the server and removes its folder when its standard input ends, which happens when
    /// this process ends in any way.
    _keeper: Option<Child>,
}

/// `$1` is the folder of PostgreSQL's programs, `$2` the port.
const KEEPER: &str = r#"
set -eu
exec 2>&1
trap '' HUP INT TERM
cd /
folder=$(mktemp -d "${TMPDIR:-/tmp}/klarna-worker-test.XXXXXX")
trap '"$1/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C -N >"$folder/log" || { cat "$folder/log"; exit 1; }
options="-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories='$folder' -c fsync=off -c max_connections=300"
options="$options -c log_line_prefix='%m [%p] %d '"
"$1/pg_ctl" -D "$folder/data" -l "$folder/log" -w -o "$options" start >"$folder/start" || { cat "$folder/log"; exit 1; }
echo ready
cat
"#;

impl Server {
    fn find() -> Self {
        match std::env::var("KLARNA_WORKER_TEST_POSTGRES") {
            Ok(url) => Self { url, _keeper: None },
            Err(_) => Self::start(),
        }
    }

    fn start() -> Self {
        let programs = programs();
        let port = crate::ports::free().to_string();
        // PostgreSQL refuses to run as root.
        let mut shell = if is_root() {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--", "sh"]);
            runuser
        } else {
            Command::new("sh")
        };
        let mut keeper = shell
            .args(["-c", KEEPER, "keeper"])
            .arg(programs)
            .arg(&port)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let mut said = BufReader::new(keeper.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line != "ready\n" {
            said.read_to_string(&mut line).unwrap();
            panic!("PostgreSQL did not start: {line}");
        }
        Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), _keeper: Some(keeper) }
    }
}

/// Whether the tests run as root, as which PostgreSQL does not.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// Returns the folder of `initdb`. Debian does not have it on `PATH`, but in one folder for each
/// version.
pub fn programs() -> PathBuf {
    let named = std::env::var_os("KLARNA_WORKER_TEST_PG_BIN").map(PathBuf::from);
    // A program, and asked only where nothing is named.
    let asked = std::iter::once_with(|| Command::new("pg_config").arg("--bindir").output().ok()).flatten();
    let asked = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders =
        named.into_iter().chain(asked).chain(versions.map(|version| version.path().join("bin")));
    folders.find(|folder| folder.join("initdb").is_file()).expect(
        "no PostgreSQL to test with: run ./test.sh, or set KLARNA_WORKER_TEST_PG_BIN to the folder of initdb",
    )
}
