//! API keys, and addresses without keys.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{LEAST, env, faulty_keys};
use crate::config::{ApiKey, Credential, KeyRefusal, Scope, Settings};

fn text(api_key: &str) -> String {
    format!("{LEAST}[[server.api_keys]]\n{api_key}\n")
}

const KEY: &str = "dE5sN3hQ8rT1vY6wZ2kL9mB4";

/// Its hash, as sha256sum prints it.
fn hash() -> String {
    hash_of(KEY)
}

fn hash_of(key: &str) -> String {
    let digits: Vec<String> = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[test]
fn a_key_is_kept_as_its_hash_alone() {
    let hash: [u8; 32] = Sha256::digest(KEY).into();
    for form in [
        format!("key_sha256 = \"{}\"", self::hash()),
        format!("key_sha256 = \"{}\"", self::hash().to_uppercase()),
        "key_env = \"KEY\"".to_owned(),
    ] {
        let text = text(&format!(
            "name = \"shop\"\nscopes = [\"tokens\", \"orders\"]\nmerchants = [\"shop\"]\n{form}"
        ));
        let settings = Settings::parse("test", &text, env(&[("KEY", &format!(" {KEY}\n"))])).unwrap();
        let key = &settings.server.api_keys[0];
        assert!(key.credential == Credential::Key(hash));
        assert_eq!(
            key.scopes,
            BTreeSet::from([Scope::OrdersRead, Scope::OrdersWrite, Scope::TokensRead, Scope::TokensWrite])
        );
        assert_eq!(key.merchants, Some(BTreeSet::from(["shop".to_owned()])));
    }
}

#[test]
fn a_key_is_whole_or_refused() {
    let cases = [
        ("scopes = [\"ops\"]\nkey_env = \"KEY\"", "server.api_keys.0.name"),
        ("name = \"a\"\nkey_env = \"KEY\"", "server.api_keys.0.scopes"),
        ("name = \"a\"\nkey_env = \"KEY\"\nscopes = []", "server.api_keys.0.scopes"),
        ("name = \"a\"\nkey_env = \"KEY\"\nscopes = [\"root\"]", "server.api_keys.0.scopes"),
        ("name = \"a\"\nscopes = [\"ops\"]", "server.api_keys.0"),
        ("name = \"a\"\nscopes = [\"orders:all\"]\nkey_env = \"KEY\"", "server.api_keys.0.scopes"),
        (
            "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nexpires_at = \"soon\"",
            "server.api_keys.0.expires_at",
        ),
        (
            "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nsources = [\"10.0.0.0/33\"]",
            "server.api_keys.0.sources",
        ),
        ("name = \"a\"\nscopes = [\"ops\"]\nkey_sha256 = \"00\"", "server.api_keys.0.key_sha256"),
        (
            "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nkey_file = \"f\"",
            "server.api_keys.0.key_file",
        ),
        (
            "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nmerchants = []",
            "server.api_keys.0.merchants",
        ),
        (
            "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nmerchants = [\"b\"]",
            "server.api_keys.0.merchants",
        ),
    ];
    for (api_key, path) in cases {
        assert_eq!(faulty_keys(&text(api_key), &[("KEY", KEY)]), [path], "{api_key}");
    }
}

#[test]
fn two_keys_are_told_apart_by_name_and_key() {
    let one = "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"";
    let other = "[[server.api_keys]]\nname = \"b\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"";
    assert_eq!(faulty_keys(&text(&format!("{one}\n{other}")), &[("KEY", KEY)]), ["server.api_keys.1"]);
}

#[test]
fn other_machines_come_in_with_a_key_only() {
    for (bind, open) in [
        ("127.0.0.1:1", true),
        ("[::1]:1", true),
        ("0.0.0.0:1", false),
        ("[::]:1", false),
        ("10.0.0.1:1", false),
    ] {
        let bind = ("KLARNA_WORKER__SERVER__BIND", bind);
        assert_eq!(Settings::parse("test", LEAST, env(&[bind])).is_ok(), open, "{bind:?}");
        let guarded = text("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"");
        assert!(Settings::parse("test", &guarded, env(&[bind, ("KEY", KEY)])).is_ok(), "{bind:?}");
    }
}

#[test]
fn a_key_that_can_be_guessed_is_refused() {
    let of = |form: &str| text(&format!("name = \"a\"\nscopes = [\"ops\"]\n{form}"));
    for weak in [
        "a",
        "secret",
        "23-characters-are-too-f",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abcdefghijklmnopqrstuvwxyz",
    ] {
        assert_eq!(
            faulty_keys(&of("key_env = \"K\""), &[("K", weak)]),
            ["server.api_keys.0.key_env"],
            "{weak}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), weak).unwrap();
        let form = format!("key_file = \"{}\"", file.path().display());
        assert_eq!(faulty_keys(&of(&form), &[]), ["server.api_keys.0.key_file"], "{weak}");
    }
    for guess in ["", "a", "foo", "secret", "change-me"] {
        let form = format!("key_sha256 = \"{}\"", hash_of(guess));
        assert_eq!(faulty_keys(&of(&form), &[]), ["server.api_keys.0.key_sha256"], "{guess}");
    }
    let example = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    let webhook = format!("{LEAST}webhook_url = \"https://shop.example\"\nwebhook_secrets = {example:?}\n");
    assert_eq!(faulty_keys(&webhook, &[]), ["merchants.shop.webhook_secrets"]);
}

#[test]
fn the_keys_of_the_trial_are_refused_elsewhere() {
    let trial = include_str!("../../../deploy/try/compose.yaml");
    let keys: Vec<&str> =
        trial.split_whitespace().filter(|word| word.starts_with("try-") && word.len() > 20).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        assert!(trial.contains(&hash_of(key)), "another hash than that of {key}");
        for (form, variables) in [
            (format!("key_sha256 = \"{}\"", hash_of(key)), vec![]),
            ("key_env = \"K\"".to_owned(), vec![("K", key)]),
        ] {
            let elsewhere = text(&format!("name = \"a\"\nscopes = [\"ops\"]\n{form}"));
            assert_eq!(faulty_keys(&elsewhere, &variables), ["server.api_keys"], "{key}");
            let there = elsewhere.replace("installation = \"test\"", "installation = \"try\"");
            Settings::parse("test", &there, env(&variables)).unwrap();
        }
    }
}

#[test]
fn a_key_has_a_time_and_a_place() {
    let key = |more: &str| {
        let text = text(&format!("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\n{more}"));
        Settings::parse("test", &text, env(&[("KEY", KEY)])).unwrap().server.api_keys.remove(0)
    };
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    for end in ["\"2027-01-01T01:00:00+01:00\"", "2027-01-01T00:00:00Z", "\"2027-01-01\"", "2027-01-01"] {
        let key = key(&format!("expires_at = {end}"));
        assert_eq!(key.admits(at("2026-12-31T23:59:59Z"), None), Ok(()), "{end}");
        assert_eq!(key.admits(at("2027-01-01T00:00:00Z"), None), Err(KeyRefusal::Expired), "{end}");
    }
    let key = key(r#"sources = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]"#);
    let from = |peer: &str| key.admits(at("2027-01-01T00:00:00Z"), Some(peer.parse().unwrap()));
    for inside in ["10.9.8.7", "192.0.2.7", "2001:db8:1::1", "::ffff:10.9.8.7"] {
        assert_eq!(from(inside), Ok(()), "{inside}");
    }
    for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1"] {
        assert_eq!(from(outside), Err(KeyRefusal::Source), "{outside}");
    }
    assert_eq!(key.admits(at("2027-01-01T00:00:00Z"), None), Err(KeyRefusal::Source));
}

#[test]
fn files_that_others_can_read_are_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), KEY).unwrap();
    let path = file.path().display();
    let text = text(&format!("name = \"a\"\nscopes = [\"ops\"]\nkey_file = \"{path}\""));
    let exposed = |mode| {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let settings = Settings::parse("test", &text, env(&[])).unwrap();
        settings.exposed_files().into_iter().map(|file| (file.key, file.mode)).collect::<Vec<_>>()
    };
    for private in [0o600, 0o400, 0o440, 0o640] {
        assert_eq!(exposed(private), [], "{private:o}");
    }
    for open in [0o644, 0o666, 0o660, 0o604] {
        assert_eq!(exposed(open), [("server.api_keys.0.key_file".to_owned(), open)], "{open:o}");
    }
}

#[test]
fn a_certificate_stands_for_a_key() {
    let tls = [("TLS_CERT", "c"), ("TLS_KEY", "k"), ("CLIENT_CA", "a")];
    let variables = tls.map(|(name, value)| (format!("KLARNA_WORKER__SERVER__{name}"), value.to_owned()));
    let section = text("name = \"a\"\nscopes = [\"ops\"]\ncertificate = \"shop.internal\"");
    let settings = Settings::parse("test", &section, variables.iter().cloned()).unwrap();
    let keys = &settings.server.api_keys;
    let found = |name: &str| ApiKey::find_by_certificate(keys, &[name.to_owned()]).is_some();
    assert_eq!([found("shop.internal"), found("SHOP.internal"), found("")], [true, false, false]);
    assert!(ApiKey::find(keys, b"shop.internal").is_none(), "the name is no key");

    // Without an authority nothing verifies it. Files go together.
    let faults = |given: &[usize], text: &str| {
        let given: Vec<_> =
            given.iter().map(|at| (variables[*at].0.as_str(), variables[*at].1.as_str())).collect();
        faulty_keys(text, &given)
    };
    assert_eq!(faults(&[0, 1], &section), ["server.api_keys.0.certificate"]);
    assert_eq!(faults(&[0], LEAST), ["server.tls_cert"]);
    assert_eq!(faults(&[1], LEAST), ["server.tls_key"]);
    assert_eq!(faults(&[2], LEAST), ["server.client_ca"]);
    let twice = format!(
        "{section}[[server.api_keys]]\nname = \"b\"\nscopes = [\"ops\"]\ncertificate = \"shop.internal\""
    );
    assert_eq!(faults(&[0, 1, 2], &twice), ["server.api_keys.1"]);
    let both = text("name = \"a\"\nscopes = [\"ops\"]\ncertificate = \"x\"\nkey_env = \"KEY\"");
    let both = Settings::parse("test", &both, variables.into_iter().chain(env(&[("KEY", KEY)])));
    assert!(both.is_err(), "one section has one way to be known");
}
