//! Secrets in the settings: their sources, and that no error shows them.

use std::io::Write;

use secrecy::ExposeSecret;

use super::reference::every_key;
use super::{LEAST, env, faults, faulty_keys, with};
use crate::config::Settings;

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
    let settings = with(&[
        ("KLARNA_WORKER__DATABASE__URL", &format!("postgres://u:{CANARY}@db/shop")),
        ("KLARNA_WORKER__DATABASE__LISTEN_URL", &format!("postgres://u:{CANARY}@db/shop")),
        ("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "KEY"),
        ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", CANARY),
        ("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_SECRET", CANARY),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__NAME", "shop"),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__SCOPES", r#"["orders"]"#),
        ("KLARNA_WORKER__SERVER__API_KEYS__0__KEY_ENV", "KEY"),
        ("KEY", CANARY),
    ]);
    let shown = format!("{:?}", settings.unwrap());
    assert!(shown.contains("client_secret"), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
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
