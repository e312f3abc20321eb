//! Secrets in the settings: their sources, and that no error shows them.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;

use super::reference::every_key;
use super::{LEAST, env, faults, faulty_keys, with};
use crate::config::{Engine, Settings};

const CANARY: &str = "c4n4ry-value-of-a-long-key";

#[test]
fn a_secret_stands_in_the_file_in_a_variable_or_in_a_file_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "  from a file ").unwrap();
    let path = file.path().to_str().unwrap();
    let password = |variables: &[(&str, &str)]| {
        with(variables).unwrap().merchants["shop"].api_credentials.secret().clone()
    };
    assert_eq!(password(&[]).expose_secret(), "password");
    let from_variable =
        [("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_ENV", "OTHER"), ("OTHER", "from a variable")];
    assert_eq!(password(&from_variable).expose_secret(), "from a variable");
    let from_file = [("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_FILE", path)];
    assert_eq!(password(&from_file).expose_secret(), "from a file");
}

#[test]
fn the_urls_of_the_database_can_be_in_files() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "postgres://u:{CANARY}@db/shop").unwrap();
    let path = file.path().to_str().unwrap();
    let names = ["URL_FILE", "LISTEN_URL_FILE", "READ_URL_FILE"]
        .map(|name| format!("KLARNA_WORKER__DATABASE__{name}"));
    let key = [("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "KEY"), ("KEY", "k")];
    let variables = names.iter().map(|name| (name.as_str(), path)).chain(key).collect::<Vec<_>>();
    let settings = with(&variables).unwrap();
    let database = &settings.database;
    assert_eq!(database.engine, Engine::Postgres);
    for url in [Some(&database.url), database.listen_url.as_ref(), database.read_url.as_ref()] {
        assert_eq!(url.unwrap().expose_secret(), format!("postgres://u:{CANARY}@db/shop"));
    }
    assert!(!format!("{settings:?}").contains(CANARY));
    let keys = ["database.listen_url_file", "database.read_url_file", "database.url_file"];
    assert_eq!(settings.secret_files.keys().collect::<Vec<_>>(), keys);
    // A variable replaces the form in the file; two variables contradict each other.
    let text = format!("{LEAST}[database]\nurl = \"sqlite://a.db\"\n");
    let settings = Settings::parse("test", &text, env(&variables)).unwrap();
    assert_eq!(settings.database.engine, Engine::Postgres);
    let both = [("KLARNA_WORKER__DATABASE__URL", "postgres://db/shop"), (&names[0], path)];
    assert_eq!(faulty_keys(LEAST, &both), ["database.url_file"]);
    // One fault for one mistake, under the key that has it.
    let listen = ("KLARNA_WORKER__DATABASE__LISTEN_URL", "postgres://db/shop");
    assert_eq!(faulty_keys(LEAST, &[(&names[0], "/no/such/file"), listen]), ["database.url_file"]);
    let mut wrong = tempfile::NamedTempFile::new().unwrap();
    writeln!(wrong, "mysql://u:{CANARY}@db/shop").unwrap();
    let faults = faults(LEAST, &[(&names[0], wrong.path().to_str().unwrap())]);
    assert!(faults.len() == 1 && faults[0].starts_with("database.url_file"), "{faults:?}");
    assert!(!faults[0].contains(CANARY), "{faults:?}");
}

#[test]
fn a_settings_file_with_secrets_that_others_can_read_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = |text: &str, mode| {
        std::fs::write(file.path(), format!("{text}[vault.keys.k1]\nenv = \"PASSWORD\"\n")).unwrap();
        std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let settings = Settings::load(Some(file.path()), env(&[("PASSWORD", "p")])).unwrap();
        let exposed = settings.exposed_files();
        assert!(exposed.iter().all(|exposed| exposed.path == file.path() && exposed.mode == mode));
        exposed.into_iter().map(|exposed| exposed.key).collect::<Vec<_>>()
    };
    let without =
        LEAST.replace("api_password =", "api_password_env =").replace("\"password\"", "\"PASSWORD\"");
    let webhook = format!("whsec_{}", STANDARD.encode([7; 24]));
    let webhook = format!("webhook_url = \"https://shop.example\"\nwebhook_secrets = [\"{webhook}\"]\n");
    for (text, key) in [
        (LEAST.to_owned(), "merchants.shop.api_password"),
        (format!("{without}client_secret = \"s\"\n"), "merchants.shop.client_secret"),
        (format!("{without}push_secret = \"4f0eXw9sLq2ZbT7uVc1KpR3m\"\n"), "merchants.shop.push_secret"),
        (format!("{without}http_proxy = \"http://u:p@proxy.example\"\n"), "merchants.shop.http_proxy"),
        (format!("{without}{webhook}"), "merchants.shop.webhook_secrets"),
        (format!("{without}[database]\nurl = \"postgres://u:p@db/shop\"\n"), "database.url"),
        (format!("{without}[database]\nurl = \"postgres://db/shop?password=p\"\n"), "database.url"),
    ] {
        assert_eq!(told(&text, 0o644), [key], "{text}");
        assert_eq!(told(&text, 0o640), [""; 0], "{text}");
    }
    // Neither without a secret, nor with that of a sandbox on this machine.
    let sandbox = "token_url = \"http://127.0.0.1:1/token\"\ncheckout_url = \"http://127.0.0.1:1\"\n\
        payments_url = \"http://127.0.0.1:1\"\n";
    for text in [
        without.clone(),
        format!("{without}[database]\nurl = \"postgres://u@db/shop\"\n"),
        format!("{LEAST}{sandbox}"),
    ] {
        assert_eq!(told(&text, 0o666), [""; 0], "{text}");
    }
}

#[test]
fn two_forms_of_one_secret_are_refused() {
    let text = format!("{LEAST}api_password_env = \"HOME\"\n");
    assert_eq!(
        faults(&text, &[("HOME", "/")]),
        [
            "merchants.shop.api_password_env: given together with merchants.shop.api_password; leave one of them \
            out"
        ]
    );
    let both = [
        ("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "a"),
        ("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "B"),
        ("B", "key"),
    ];
    assert_eq!(faulty_keys(LEAST, &both), ["vault.keys.k1.env"]);
}

#[test]
fn a_secret_that_is_not_there_is_refused() {
    for (form, named) in [("ENV", "NOT_SET"), ("ENV", "EMPTY"), ("FILE", "/no/such/file")] {
        let variable = format!("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_{form}");
        let key = format!("merchants.shop.api_password_{}", form.to_lowercase());
        assert_eq!(faulty_keys(LEAST, &[(&variable, named), ("EMPTY", "")]), [key]);
    }
    assert_eq!(
        faulty_keys(LEAST, &[("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "NOT_SET")]),
        ["vault.keys.k1.env"]
    );
}

#[test]
fn debug_shows_no_secret() {
    let webhook_secret = format!("whsec_{}", STANDARD.encode(CANARY));
    let address = format!("https://klarna.example/token?key={CANARY}");
    let settings = with(&[
        ("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", &address),
        ("KLARNA_WORKER__MERCHANTS__SHOP__REVOKE_URL", &address),
        ("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", &address),
        ("KLARNA_WORKER__MERCHANTS__SHOP__PAYMENTS_URL", &address),
        ("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", &address),
        ("KLARNA_WORKER__DATABASE__URL", &format!("postgres://u:{CANARY}@db/shop")),
        ("KLARNA_WORKER__DATABASE__LISTEN_URL", &format!("postgres://u:{CANARY}@db/shop")),
        ("KLARNA_WORKER__DATABASE__READ_URL", &format!("postgres://u:{CANARY}@db/shop")),
        (
            "KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_URL",
            &format!("https://shop.example/{CANARY}?key={CANARY}"),
        ),
        ("KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_SECRETS", &format!(r#"["{webhook_secret}"]"#)),
        ("KLARNA_WORKER__MERCHANTS__SHOP__HTTP_PROXY", &format!("http://u:{CANARY}@proxy.example:3128")),
        ("KLARNA_WORKER__MERCHANTS__SHOP__PUSH_SECRET", CANARY),
        ("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "KEY"),
        ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", CANARY),
        ("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_SECRET", CANARY),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__NAME", "shop"),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__SCOPES", r#"["orders"]"#),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__KEY_ENV", "KEY"),
        ("KEY", CANARY),
    ]);
    let shown = format!("{:?}", settings.unwrap());
    assert!(shown.contains("client_secret") && shown.contains("shop.example"), "{shown}");
    assert_eq!(shown.matches("https://klarna.example/token").count(), 5, "{shown}");
    assert!(!shown.contains(CANARY) && !shown.contains(&webhook_secret), "{shown}");
}

/// No error shows a secret, whatever key it was put in by mistake.
#[test]
fn errors_show_no_value() {
    let values =
        [CANARY.to_owned(), format!("http://u:{CANARY}@example.com"), format!("postgres://u:{CANARY}@[/x")];
    let mut refused = 0;
    for key in every_key().into_iter().chain(["no.such.key".to_owned()]) {
        let variable = format!("KLARNA_WORKER__{}", key.replace('.', "__"));
        for error in values.iter().filter_map(|value| with(&[(&variable, value)]).err()) {
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn broken_toml_shows_no_value() {
    for line in [
        format!("api_password = {CANARY}"),
        format!("api_password = \"{CANARY}"),
        format!("api_password = '{CANARY}\" x = '"),
        format!("api_password = \"{CANARY}\" {CANARY}"),
        format!("api_password = \"{CANARY}\"\napi_password = \"{CANARY}\""),
    ] {
        let error = Settings::parse("config.toml", &line, env(&[])).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    }
}
