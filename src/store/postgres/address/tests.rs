use sqlx::postgres::PgSslMode;

use super::*;

fn with(url: &str, variables: &[(&str, &str)]) -> Result<Address, String> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Address::read("database.url", url, variable).map_err(|error| error.to_string())
}

fn read(url: &str) -> Address {
    with(url, &[]).unwrap()
}

fn mode(address: &Address) -> String {
    format!("{:?}", address.options.get_ssl_mode())
}

#[test]
fn the_key_of_a_client_certificate_is_known() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".postgresql");
    std::fs::create_dir(&folder).unwrap();
    for name in ["postgresql.crt", "postgresql.key"] {
        std::fs::write(folder.join(name), "").unwrap();
    }
    let home = home.path().to_str().unwrap();
    let key = |url: &str, variables: &[(&str, &str)]| with(url, variables).unwrap().client_key;
    assert_eq!(key("postgres://db/shop", &[]), None);
    assert_eq!(key("postgres://db/shop?sslkey=/a.key", &[("HOME", home)]), Some("/a.key".into()));
    assert_eq!(key("postgres://db/shop", &[("PGSSLKEY", "/b.key"), ("HOME", home)]), Some("/b.key".into()));
    assert_eq!(key("postgres://db/shop", &[("HOME", home)]), Some(folder.join("postgresql.key")));
}

#[test]
fn another_machine_needs_a_certificate_for_its_name() {
    for url in
        ["postgres://u:p@db/shop", "postgres://u@10.0.0.1/shop", "postgresql://u@[2001:db8::1]:5433/shop"]
    {
        let address = read(url);
        assert_eq!(
            (mode(&address).as_str(), address.transport),
            ("VerifyFull", Transport::Verified),
            "{url}"
        );
    }
    for (named, transport) in [
        ("verify-full", Transport::Verified),
        ("verify-ca", Transport::AnyName),
        ("require", Transport::Unverified),
        ("prefer", Transport::Clear),
        ("allow", Transport::Clear),
        ("disable", Transport::Clear),
    ] {
        assert_eq!(read(&format!("postgres://u@db/shop?sslmode={named}")).transport, transport, "{named}");
        assert_eq!(
            with("postgres://u@db/shop", &[("PGSSLMODE", named)]).unwrap().transport,
            transport,
            "{named}"
        );
        assert_eq!(transport.weakness().is_some(), named != "verify-full");
    }
    // `allow` tries TLS too, and `require` with an authority verifies the certificate: as with
    // psql.
    assert_eq!(mode(&read("postgres://u@db/shop?sslmode=allow")), "Prefer");
    let authority = tempfile::NamedTempFile::new().unwrap();
    let path = authority.path().to_str().unwrap();
    let address = read(&format!("postgres://u@db/shop?sslmode=require&sslrootcert={path}"));
    assert_eq!((mode(&address).as_str(), address.transport), ("VerifyCa", Transport::AnyName));
    let address = with("postgres://u@db/shop?sslmode=require", &[("PGSSLROOTCERT", path)]).unwrap();
    assert_eq!(address.transport, Transport::AnyName);
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    std::fs::write(home.path().join(".postgresql/root.crt"), "").unwrap();
    let home = [("HOME", home.path().to_str().unwrap())];
    assert_eq!(with("postgres://u@db/shop?sslmode=require", &home).unwrap().transport, Transport::AnyName);
}

#[test]
fn this_machine_is_known_in_every_spelling() {
    for url in [
        "postgres://u@localhost/shop",
        "postgres://u@127.0.0.1:5433/shop",
        "postgres://u@[::1]:5433/shop",
        "postgres:///shop?host=::1",
        "postgres:///shop?hostaddr=127.0.0.2",
        "postgres://%3A%3A1/shop",
    ] {
        let address = read(url);
        assert_eq!((mode(&address).as_str(), address.transport), ("Prefer", Transport::Local), "{url}");
        assert!(!address.options.get_host().contains('['), "{url}");
    }
    assert_eq!(read("postgres://u@[::1]:5433/shop").options.get_host(), "::1");
    assert_eq!(read("postgres://u@[::1]:5433/shop").options.get_port(), 5433);
    assert_eq!(read("postgres://u@localhost/shop?sslmode=verify-full").transport, Transport::Local);
}

#[test]
fn a_socket_is_known_in_every_spelling() {
    let socket = |address: &Address| address.options.get_socket().map(|folder| folder.display().to_string());
    for url in [
        "postgres:///shop?host=/run/my-db",
        "postgres://u@/shop?host=/run/my-db",
        "postgres://u:p@:5432/shop?host=/run/my-db",
        "postgres://%2Frun%2Fmy-db/shop",
        "postgresql://u:p@%2Frun%2fmy-db:5432/shop",
        "postgres://ignored/shop?host=%2Frun%2Fmy-db",
        "postgres:///?host=/run/my-db&dbname=shop&user=u",
        "postgres://u@/shop?host=/run/my%2Ddb",
    ] {
        let address = read(url);
        assert_eq!(socket(&address).as_deref(), Some("/run/my-db"), "{url}");
        assert_eq!((mode(&address).as_str(), address.transport), ("Disable", Transport::Local), "{url}");
        assert_eq!(
            (address.options.get_database(), address.options.get_port()),
            (Some("shop"), 5432),
            "{url}"
        );
    }
    assert_eq!(socket(&read("postgres:///shop?host=/run/my+db")).as_deref(), Some("/run/my+db"));
    let address = with("postgres:///shop", &[("PGHOST", "/run/my-db"), ("PGPORT", "5433")]).unwrap();
    assert_eq!((socket(&address).as_deref(), address.options.get_port()), (Some("/run/my-db"), 5433));
    // Without a host, a socket that is not there is not used.
    let address = with("postgres:///shop", &[("PGPORT", "1")]).unwrap();
    assert_eq!((address.options.get_host(), address.transport), ("localhost", Transport::Local));
}

#[test]
fn user_password_and_database_are_read_as_they_are_written() {
    let address = read("postgres://us%40er:p%3Fa%26ss@db:6432/sh%20op?application_name=x&options=-c%20a%3Db");
    assert_eq!((address.options.get_username(), address.options.get_database()), ("us@er", Some("sh op")));
    assert_eq!((address.options.get_host(), address.options.get_port()), ("db", 6432));
    assert_eq!(address.options.get_options(), Some("-c a=b"));
    assert_eq!(address.options.get_application_name(), Some("x"));
    assert_eq!(read("postgres://u@db/shop").options.get_application_name(), Some("klarna-order-worker"));
    assert_eq!(password(&address), "p?a&ss");
}

fn password(address: &Address) -> String {
    let url = sqlx::ConnectOptions::to_url_lossy(&address.options);
    url.password().map(decoded).unwrap_or_default()
}

#[test]
fn a_password_is_looked_for_where_psql_looks() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, mode: u32, lines: &str| {
        std::fs::write(path(name), lines).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write(
        "named",
        0o600,
        "db:5432:shop:u:of-file\n/run/my-db:*:*:u:of-socket\nlocalhost:*:*:u:of-localhost\n",
    );
    write(".pgpass", 0o600, "*:*:u:u:of-home\n");
    write("open", 0o640, "*:*:*:*:s3cret\n");
    let (home, named, none) =
        (("HOME", path("")), ("PGPASSFILE", path("named")), ("PGPASSFILE", path("none")));
    let with = |url: &str, variables: &[&(&str, String)]| {
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        with(url, &variables)
    };
    let found = |url: &str, variables: &[&(&str, String)]| password(&with(url, variables).unwrap());
    let (given, empty) = (("PGPASSWORD", "given".to_owned()), ("PGPASSWORD", String::new()));
    assert_eq!(found("postgres://u:own@db/shop", &[&named, &given]), "own");
    assert_eq!(found("postgres://u@db/shop", &[&named, &given]), "given");
    assert_eq!(found("postgres://u@db/shop", &[&named, &empty]), "of-file");
    assert_eq!(found("postgres://u@db/other", &[&named, &home]), "", "one file is read");
    assert_eq!(found("postgres://u@db", &[&home]), "of-home", "the database has the user's name");
    assert_eq!(found("postgres://u@db", &[&home, &none]), "");
    assert_eq!(found("postgres://u@%2Frun%2Fmy-db/shop", &[&named]), "of-socket");
    assert_eq!(found("postgres://u@%2Frun%2Fpostgresql/shop", &[&named]), "of-localhost");
    assert_eq!(found("postgres://u@%2Frun%2Fother/shop", &[&named]), "");
    let refused = with("postgres://u@db/shop", &[&("PGPASSFILE", path("open"))]).err().unwrap();
    assert!(refused.contains("0600") && !refused.contains("s3cret"), "{refused}");
}

#[test]
fn what_would_have_no_effect_is_refused_without_its_value() {
    for (url, said) in [
        ("postgres://u@a,b/shop", "several hosts"),
        ("postgres:///shop?host=a,b", "several hosts"),
        ("postgres:///shop?host=@abstract", "abstract namespace"),
        ("postgres://u@db/shop?hostaddr=10.0.0.1", "leave hostaddr out"),
        ("postgres://u@db/shop?connect_timeout=5", "connect_timeout"),
        ("postgres://u@db/shop#s3cret", "%23"),
        ("postgres://u@db/shop?passfile=/x", "passfile"),
        ("postgres://u:12?s3cret@db/shop", "%3F"),
        ("postgres://u@db/shop?sslmode=s3cret", "verify-full"),
        ("postgres://u@db/shop?sslrootcert=system", "leave it out"),
        ("postgres://u@db/shop?sslrootcert=/no/s3cret", "cannot be read"),
        ("postgres://u:s3cret@db:port/shop", "cannot be read"),
        ("postgres://u:s3cret@db/shop?port=many", "cannot be read"),
    ] {
        let error = with(url, &[]).err().unwrap_or_else(|| panic!("{url} was read"));
        assert!(
            error.starts_with("database.url") && error.contains(said) && !error.contains("s3cret"),
            "{url}: {error}"
        );
    }
    assert!(with("postgres://u@db/shop", &[("PGHOSTADDR", "10.0.0.1")]).is_err());
    assert!(with("postgres:///shop", &[("PGHOSTADDR", "10.0.0.1"), ("PGHOST", "db")]).is_err());
    assert_eq!(
        with("postgres:///shop", &[("PGHOSTADDR", "10.0.0.1")]).unwrap().options.get_host(),
        "10.0.0.1"
    );
    let error = with("postgres://u@db/shop", &[("PGSERVICE", "s3cret")]).err().unwrap();
    assert!(error.contains("PGSERVICE") && !error.contains("s3cret"), "{error}");
    for (variable, is_read) in [
        (("PGGSSENCMODE", "require"), false),
        (("PGGSSENCMODE", "disable"), true),
        (("PGGSSENCMODE", "prefer"), true),
        (("PGTARGETSESSIONATTRS", "read-write"), false),
        (("PGTARGETSESSIONATTRS", "any"), true),
    ] {
        assert_eq!(with("postgres://u@db/shop", &[variable]).is_ok(), is_read, "{variable:?}");
    }
    assert!(with("postgres://u@db/shop", &[("PGSSLMODE", "tls")]).is_err());
    assert!(with("postgres://u@db/shop", &[("PGSSLROOTCERT", "system")]).is_err());
    assert!(with("postgres://u@db/shop", &[("PGSSLROOTCERT", ""), ("PGSSLMODE", "")]).is_ok());
    assert_eq!(PgSslMode::default() as u8, PgSslMode::Prefer as u8, "what sqlx itself would do");
}
