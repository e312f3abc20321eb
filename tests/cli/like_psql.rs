//! The URL of a server is read as `psql` reads it: both connect to the same host, as the same user,
//! to the same database, with or without TLS, or both do not connect. What the program does not do
//! as `psql` does, it refuses in words.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use test_support::cluster::Cluster;
use test_support::postgres::programs;

use crate::program::Home;

const URL: &str = "KLARNA_WORKER__DATABASE__URL";

/// Whoever has a password needs it.
const ACCESS: &str = "
local all postgres trust
host  all postgres all trust
local all all scram-sha-256
host  all all all scram-sha-256
";

struct World {
    cluster: Cluster,
    /// The program's settings.
    home: Home,
    /// Password files and certificates.
    files: TempDir,
}

impl World {
    fn new() -> Self {
        let cluster = Cluster::start_with_files(&[
            ("pg_hba.conf", ACCESS),
            ("postgresql.auto.conf", "log_connections = on\nssl = on\n"),
            ("server.crt", include_str!("../data/tls/server.crt")),
            ("server.key", include_str!("../data/tls/server.key")),
        ]);
        let home = Home::new().with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
        home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
        let world = Self { cluster, home, files: tempfile::tempdir().unwrap() };
        symlink(world.cluster.socket_folder(), world.path("by+link")).unwrap();
        fs::create_dir(world.path(".postgresql")).unwrap();
        world.write("authority.crt", include_str!("../data/tls/authority.crt"), 0o644);
        world.write("other.crt", include_str!("../data/tls/other.crt"), 0o644);
        world.sql("CREATE ROLE wanda LOGIN PASSWORD 'a:b\\c d'");
        world.sql("CREATE DATABASE shop");
        world.sql("CREATE DATABASE wanda");
        world
    }

    fn path(&self, name: &str) -> String {
        self.files.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn sql(&self, statement: &str) {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.cluster.port());
        assert!(self.psql(&url, &[], statement), "{statement}");
    }

    /// Whether `psql` connects.
    fn psql(&self, url: &str, variables: &[(&str, &str)], statement: &str) -> bool {
        let mut psql = Command::new(programs().join("psql"));
        psql.args(["-X", "-w", "-q", "-c", statement, url]).current_dir("/");
        self.prepare(&mut psql, variables).output().unwrap().status.success()
    }

    /// Whether the program connects, and what it says.
    fn program(&self, url: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let mut program = self.home.command(&["migrate", "--check"]);
        let ran = self.prepare(&mut program, variables).env(URL, url).output().unwrap();
        // 3: it has connected, and migrations are missing.
        (matches!(ran.status.code(), Some(0 | 3)), String::from_utf8(ran.stderr).unwrap())
    }

    fn prepare<'c>(&self, command: &'c mut Command, variables: &[(&str, &str)]) -> &'c mut Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.env("HOME", self.files.path()).envs(variables.iter().copied())
    }

    /// The first connection that the server has let in since its log had so many lines: host, user
    /// and database, TLS.
    fn let_in_since(&self, lines: usize) -> Option<String> {
        let log = self.cluster.log().split_off(lines);
        let at = log.iter().position(|line| line.contains("connection authorized: "))?;
        let value = |line: &str, name: &str| {
            let value = line.split_once(name).unwrap_or_else(|| panic!("{name}: {line}")).1;
            value.split(' ').next().unwrap().to_owned()
        };
        let process = |line: &str| line.split_once('[').unwrap().1.split_once(']').unwrap().0.to_owned();
        let received =
            |line: &&String| line.contains("connection received: ") && process(line) == process(&log[at]);
        let host = value(log[..at].iter().find(received).unwrap(), "host=");
        let (user, database) = (value(&log[at], "user="), value(&log[at], "database="));
        Some(format!(
            "{host} {user} {database} {}",
            if log[at].contains("SSL enabled") { "TLS" } else { "plain" }
        ))
    }

    /// Checks that `psql` and the program do the same. `so` says what: `None` if they do not
    /// connect.
    fn same(&self, url: &str, variables: &[(&str, &str)], so: Option<&str>) {
        let before = self.cluster.log().len();
        let psql = self.psql(url, variables, "SELECT 1").then(|| self.let_in_since(before).unwrap());
        assert_eq!(psql.as_deref(), so, "psql: {url} {variables:?}");
        let before = self.cluster.log().len();
        let (connects, told) = self.program(url, variables);
        let program = connects.then(|| self.let_in_since(before).unwrap());
        assert_eq!(program.as_deref(), so, "the program: {url} {variables:?}: {told}");
    }
}

#[test]
fn a_url_is_read_as_psql_reads_it() {
    let world = World::new();
    hosts_and_sockets(&world);
    passwords(&world);
    what_is_refused(&world);
    certificates(&world);
}

fn hosts_and_sockets(world: &World) {
    let port = world.cluster.port();
    let (folder, link) = (world.cluster.socket_folder().to_str().unwrap(), world.path("by+link"));
    let escaped = folder.replace('/', "%2F");
    let number = port.to_string();
    let number = number.as_str();
    let by_address = Some("127.0.0.1 postgres shop TLS");
    let by_socket = Some("[local] postgres shop plain");
    world.same(&format!("postgres://postgres@127.0.0.1:{port}/shop"), &[], by_address);
    world.same(&format!("postgresql:///shop?host=127.0.0.1&port={port}&user=postgres"), &[], by_address);
    world.same(&format!("postgres://postgres@/shop?hostaddr=127.0.0.1&port={port}"), &[], by_address);
    world.same(
        &format!("postgres://:{port}/?user=postgres&dbname=shop"),
        &[("PGHOST", "127.0.0.1")],
        by_address,
    );
    for (name, host, so) in [("PGHOSTADDR", "127.0.0.1", by_address), ("PGHOST", folder, by_socket)] {
        let variables = [(name, host), ("PGPORT", number), ("PGUSER", "postgres"), ("PGDATABASE", "shop")];
        world.same("postgres:///", &variables, so);
    }
    for url in [
        format!("postgres://postgres@/shop?host={folder}&port={port}"),
        format!("postgres://postgres@:{port}/shop?host={folder}"),
        format!("postgresql://postgres@{escaped}:{port}/shop"),
        format!("postgresql://postgres@{}:{port}/shop", folder.replace('/', "%2f")),
        format!("postgres://postgres@ignored:{port}/shop?host={escaped}"),
        format!("postgres:///shop?user=postgres&port={port}&host={link}"),
        format!("postgres://postgres@/shop?host={folder}&port={port}&sslmode=verify-full"),
    ] {
        world.same(&url, &[], by_socket);
    }
    world.same("postgres:///shop?user=postgres", &[("PGHOST", folder), ("PGPORT", number)], by_socket);
    world.same(&format!("postgres://postgres@/shop?host={folder}/none&port={port}"), &[], None);
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let by_address = Some("::1 postgres shop TLS");
        world.same(&format!("postgres://postgres@[::1]:{port}/shop"), &[], by_address);
        world.same(&format!("postgres://postgres@/shop?host=::1&port={port}"), &[], by_address);
        world.same(&format!("postgres://postgres@%3A%3A1:{port}/shop"), &[], by_address);
    }
}

fn passwords(world: &World) {
    let port = world.cluster.port();
    let folder = world.cluster.socket_folder().to_str().unwrap();
    let by_address = format!("postgres://wanda@127.0.0.1:{port}/shop");
    let by_socket = format!("postgres://wanda@/shop?host={folder}&port={port}");
    let password = r"a\:b\\c d";
    let (in_shop, in_own) = (Some("127.0.0.1 wanda shop TLS"), Some("127.0.0.1 wanda wanda TLS"));
    world.same(&format!("postgres://wanda:a%3Ab%5Cc%20d@127.0.0.1:{port}/shop"), &[], in_shop);
    world.same(&format!("{by_address}?password=a:b%5Cc%20d"), &[], in_shop);
    world.same(&format!("{by_address}?password=a:b%5Cc+d"), &[], None);
    world.same(&by_address, &[("PGPASSWORD", r"a:b\c d")], in_shop);
    world.same(&by_address, &[], None);

    let home = |lines: &str| world.write(".pgpass", lines, 0o600);
    let named = world.path("named");
    let in_named = [("PGPASSFILE", named.as_str())];
    home(&format!("# ours\n127.0.0.1:{port}:shop:wanda:{password}\n"));
    world.same(&by_address, &[], in_shop);
    world.same(&by_address, &[("PGPASSWORD", "")], in_shop);
    world.same(&by_address, &[("PGPASSWORD", "wrong")], None);
    world.same(&format!("postgres://wanda@127.0.0.1:{port}"), &[], None);
    // A named file is the only one, also where it does not exist.
    world.same(&by_address, &in_named, None);
    world.write("named", "*:*:*:somebody:else\n", 0o600);
    world.same(&by_address, &in_named, None);
    // The first line that fits decides, also without a password.
    world.write("named", &format!("*:*:*:wanda:\n*:*:*:wanda:{password}\n"), 0o600);
    world.same(&by_address, &in_named, None);
    world.write("named", &format!("*:*:*:wanda:{password}:and more\n"), 0o600);
    world.same(&by_address, &in_named, in_shop);
    home(&format!("127.0.0.1:*:wanda:wanda:{password}\r\n"));
    world.same(&format!("postgres://wanda@127.0.0.1:{port}"), &[], in_own);
    // A socket in an unusual folder has the name of its folder.
    home(&format!("localhost:{port}:shop:wanda:{password}\n"));
    world.same(&by_socket, &[], None);
    home(&format!("{folder}:{port}:shop:wanda:{password}\n"));
    world.same(&by_socket, &[], Some("[local] wanda shop plain"));
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        home(&format!("\\:\\:1:{port}:*:wanda:{password}\n"));
        world.same(&format!("postgres://wanda@[::1]:{port}/shop"), &[], Some("::1 wanda shop TLS"));
    }
}

fn certificates(world: &World) {
    let port = world.cluster.port();
    let (authority, other) = (world.path("authority.crt"), world.path("other.crt"));
    let (right, wrong) = ([("PGSSLROOTCERT", authority.as_str())], [("PGSSLROOTCERT", other.as_str())]);
    let by_name = |mode: &str| format!("postgres://postgres@localhost:{port}/shop?sslmode={mode}");
    let by_address = |mode: &str| format!("postgres://postgres@127.0.0.1:{port}/shop?sslmode={mode}");
    let (tls, plain) = (Some("127.0.0.1 postgres shop TLS"), Some("127.0.0.1 postgres shop plain"));
    world.same(&by_address("disable"), &[], plain);
    for harmless in [("PGGSSENCMODE", "disable"), ("PGGSSENCMODE", "prefer"), ("PGTARGETSESSIONATTRS", "any")]
    {
        world.same(&by_address("require"), &[harmless], tls);
    }
    // Without a certificate, nobody looks at the key.
    world.write(".postgresql/postgresql.key", "no key\n", 0o600);
    world.same(&by_address("require"), &[], tls);
    fs::remove_file(world.path(".postgresql/postgresql.key")).unwrap();
    world.same(&by_address("require"), &[], tls);
    world.same(&by_address("verify-ca"), &right, tls);
    world.same(&by_address("verify-ca"), &wrong, None);
    world.same(&by_address("require"), &wrong, None);
    // The certificate names localhost.
    world.same(&by_address("verify-full"), &right, None);
    world.same(&by_name("verify-full"), &wrong, None);
    for (url, variables) in [
        (by_name("verify-full"), right.to_vec()),
        (format!("{}&sslrootcert={authority}", by_name("verify-full")), wrong.to_vec()),
        (
            format!("postgres://postgres@localhost:{port}/shop?sslrootcert={authority}"),
            vec![("PGSSLMODE", "verify-full")],
        ),
    ] {
        let before = world.cluster.log().len();
        assert!(world.psql(&url, &variables, "SELECT 1"), "{url}");
        let psql = world.let_in_since(before).unwrap();
        assert!(psql.ends_with(" postgres shop TLS"), "{psql}");
        world.same(&url, &variables, Some(&psql));
    }
    fs::copy(&authority, Path::new(&world.path(".postgresql")).join("root.crt")).unwrap();
    world.same(&by_address("verify-ca"), &[], tls);
    fs::copy(&other, Path::new(&world.path(".postgresql")).join("root.crt")).unwrap();
    world.same(&by_address("verify-ca"), &[], None);
}

/// What psql accepts, and the program does not.
fn what_is_refused(world: &World) {
    let port = world.cluster.port();
    let url = format!("postgres://postgres@127.0.0.1:{port}/shop");
    let (none, open) = (world.path("none.crt"), world.path("open"));
    world.write("open", "*:*:*:*:s3cret\n", 0o644);
    for (url, variables, says) in [
        (format!("{url}?connect_timeout=5"), vec![], "connect_timeout has no effect here"),
        (format!("{url}?hostaddr=127.0.0.1"), vec![], "leave hostaddr out"),
        (url.clone(), vec![("PGHOSTADDR", "127.0.0.1")], "leave hostaddr out"),
        (
            format!("postgres:///shop?user=postgres&port={port}&host=127.0.0.1,127.0.0.1"),
            vec![],
            "several hosts",
        ),
        (url.clone(), vec![("PGCHANNELBINDING", "prefer")], "PGCHANNELBINDING has no effect here"),
        (
            url.clone(),
            vec![("PGTARGETSESSIONATTRS", "read-write")],
            "PGTARGETSESSIONATTRS has no effect here",
        ),
        (url.clone(), vec![("PGSSLROOTCERT", none.as_str())], "cannot be read"),
        (url.clone(), vec![("PGPASSFILE", open.as_str())], "set its mode to 0600"),
    ] {
        assert!(world.psql(&url, &variables, "SELECT 1"), "psql: {url} {variables:?}");
        let (connects, told) = world.program(&url, &variables);
        assert!(!connects && told.contains(says) && told.lines().count() == 1, "{url} {variables:?}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}
