//! Runs each measurement as a command, with the smallest possible input.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use test_support::postgres::TestDatabase;

/// Options of the smallest measurement.
const SMALL: &[&str] =
    &["--rate", "20", "--duration", "500ms", "--slow-concurrency", "2", "--slow-rounds", "4"];
const SMALLER: &[&str] = &[
    "--one-user-orders",
    "5",
    "--tokens",
    "5",
    "--waiting",
    "20",
    "--counted",
    "20",
    "--watch",
    "500ms",
    "--connections",
    "4",
    "--max-in-flight",
    "4",
];

/// Runs `bench` in a folder of its own, with the program that Cargo built for the tests.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    /// The folder that measurements write their files to.
    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.arg("--program").arg(test_support::program::built()).args(arguments);
        command.current_dir(self.folder.path()).env("TMPDIR", self.temporary()).stdin(Stdio::null());
        // Settings and databases in the environment must not be used.
        command.env("KLARNA_WORKER__DATABASE__URL", "postgres://127.0.0.1:1/production");
        command
    }

    /// Returns standard output and standard error, after success.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(0), "stdout: {stdout}\nstderr: {stderr}");
        (stdout, stderr)
    }
}

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, SMALLER, more].concat()
}

#[test]
fn everything_is_measured_on_sqlite_and_nothing_stays() {
    let bench = Bench::new();
    let (stdout, _) = bench.run(&arguments(&["--orders", "100", "--json", "--chart", "chart.svg"]));
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["engine"], &report["drain"]["orders"]), (&"sqlite".into(), &100.into()));
    for (figure, least) in [
        ("/drain/per_second", 1.0),
        ("/drain/written_bytes", 1.0),
        ("/steady/request_to_result/p50", 0.1),
        ("/steady/sandbox_ms", 0.01),
        ("/steady/cpu_ms", 0.01),
        ("/slow/share", 0.1),
        ("/one_user/during/p99", 0.1),
        ("/keeper/per_second", 1.0),
        // Insert, intent, stored token, result.
        ("/cost/statements", 4.0),
        ("/cost/ready_ms", 1.0),
        ("/cost/peak_memory_kb", 1000.0),
    ] {
        let found = report.pointer(figure).and_then(serde_json::Value::as_f64);
        assert!(found.is_some_and(|found| found >= least), "{figure}: {found:?}");
    }
    let service = report.pointer("/steady/service/p50").and_then(serde_json::Value::as_f64).unwrap();
    assert!(
        service
            < report.pointer("/steady/request_to_result/p50").and_then(serde_json::Value::as_f64).unwrap()
    );
    let chart = std::fs::read_to_string(bench.folder.path().join("chart.svg")).unwrap();
    assert!(
        chart.starts_with("<svg") && chart.contains("polyline") && chart.contains("Drain on sqlite"),
        "{chart}"
    );
    assert_eq!(std::fs::read_dir(bench.temporary()).unwrap().count(), 0);
}

#[test]
fn the_light_mock_serves_as_well_as_the_sandbox() {
    let bench = Bench::new();
    let few = &["drain,steady,slow,keeper", "--orders", "40", "--mock", "light", "--json"];
    let (stdout, _) = bench.run(&arguments(few));
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["mock"], &report["drain"]["orders"]), (&"light".into(), &40.into()));
    for (figure, least) in [
        ("/drain/per_second", 1.0),
        ("/steady/request_to_result/p50", 0.1),
        ("/slow/share", 0.1),
        ("/keeper/per_second", 1.0),
    ] {
        let found = report.pointer(figure).and_then(serde_json::Value::as_f64);
        assert!(found.is_some_and(|found| found >= least), "{figure}: {found:?}");
    }
    assert_eq!(std::fs::read_dir(bench.temporary()).unwrap().count(), 0);
}

#[test]
fn what_is_missing_for_the_comparison_is_named_before_anything_is_measured() {
    let bench = Bench::new();
    let (nobody, tools) = ("postgres://bench@127.0.0.1:1/any", bench.folder.path().join("tools"));
    std::fs::create_dir(&tools).unwrap();
    let refused = |arguments: &[&str]| {
        let output = bench.command(&self::arguments(arguments)).env("PATH", &tools).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        refused(&["drain,compare"]),
        "error: compare needs PostgreSQL: name a server with --database\n"
    );
    for missing in ["node", "npm"] {
        let said =
            format!("error: {missing} is not installed: compare needs Node 20.18.1 or later, and npm\n");
        assert_eq!(refused(&["drain,compare", "--database", nobody]), said);
        std::fs::write(tools.join(missing), "").unwrap();
    }
    assert!(refused(&["compare", "--database", nobody]).contains("measuring compare"));
    assert_eq!(std::fs::read_dir(bench.temporary()).unwrap().count(), 0);
}

#[test]
fn the_comparison_takes_a_turn_at_least() {
    let output = Bench::new().command(&["compare", "--turns", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// A user of a server who may create databases.
struct DatabaseCreator {
    database: TestDatabase,
    name: String,
    connection: PgConnection,
}

impl DatabaseCreator {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        let name = format!("maker_{}", uuid::Uuid::new_v4().simple());
        let role = AssertSqlSafe(format!("CREATE ROLE {name} LOGIN CREATEDB"));
        sqlx::raw_sql(role).execute(&mut connection).await.unwrap();
        Self { database, name, connection }
    }

    fn url(&self) -> String {
        let mut url: url::Url = self.database.url().parse().unwrap();
        url.set_username(&self.name).unwrap();
        url.into()
    }

    /// Returns how many databases belong to the user.
    async fn databases(&mut self) -> i64 {
        let count =
            "SELECT count(*) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = $1";
        sqlx::query_scalar(count).bind(&self.name).fetch_one(&mut self.connection).await.unwrap()
    }

    async fn remove(mut self) {
        let role = AssertSqlSafe(format!("DROP ROLE {}", self.name));
        sqlx::raw_sql(role).execute(&mut self.connection).await.unwrap();
        self.connection.close().await.unwrap();
        self.database.remove().await;
    }
}

#[tokio::test]
async fn postgres_gets_databases_of_its_own_and_loses_them_again() {
    let mut maker = DatabaseCreator::new().await;
    let (bench, url) = (Bench::new(), maker.url());
    let (stdout, stderr) =
        bench.run(&arguments(&["drain,cost", "--orders", "20", "--bound", "--database", &url]));
    for text in ["postgres, version", "WAL of an order", "drain divided by pgbench", "statements of an order"]
    {
        assert!(stdout.contains(text), "{text}: {stdout}");
    }
    assert!(stderr.contains("measuring drain"), "{stderr}");
    assert_eq!(maker.databases().await, 0);
    // The named database is still empty.
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'klarna_worker'";
    assert_eq!(sqlx::query_scalar::<_, i64>(schemas).fetch_one(&mut maker.connection).await.unwrap(), 0);
    maker.remove().await;
}

#[tokio::test]
async fn pages_are_measured_on_both_engines() {
    let mut maker = DatabaseCreator::new().await;
    let (bench, url) = (Bench::new(), maker.url());
    let small = ["pages", "--page-orders", "1000", "--page-tokens", "1000", "--json"];
    for database in [&[][..], &["--database", url.as_str()]] {
        let (stdout, _) = bench.run(&[&small, database].concat());
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let pages = report["pages"]["pages"].as_array().unwrap();
        assert!(pages.iter().any(|page| page["path"].as_str().unwrap().starts_with("/orders/")), "{report}");
        assert!(pages.iter().all(|page| page["p50"].as_f64().unwrap() > 0.0), "{report}");
    }
    assert_eq!(maker.databases().await, 0);
    maker.remove().await;
}

#[tokio::test]
async fn an_interrupted_measurement_leaves_no_database() {
    let mut maker = DatabaseCreator::new().await;
    let (bench, url) = (Bench::new(), maker.url());
    let mut child = bench.command(&["drain", "--orders", "100000", "--database", &url]).spawn().unwrap();
    while maker.databases().await == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(maker.databases().await, 0);
    maker.remove().await;
}
