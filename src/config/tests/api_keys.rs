//! API keys, and addresses without keys.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{LEAST, env, faulty_keys};
use crate::config::{Scope, Settings};

fn text(api_key: &str) -> String {
    format!("{LEAST}[[server.api_keys]]\n{api_key}\n")
}

/// Of "secret", as sha256sum prints it.
const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

#[test]
fn a_key_is_kept_as_its_hash_alone() {
    let hash: [u8; 32] = Sha256::digest("secret").into();
    for form in [
        format!("key_sha256 = \"{HASH}\""),
        format!("key_sha256 = \"{}\"", HASH.to_uppercase()),
        "key_env = \"KEY\"".to_owned(),
    ] {
        let text = text(&format!("name = \"shop\"\nscopes = [\"tokens\", \"orders\"]\nmerchants = [\"shop\"]\n{form}"));
        let settings = Settings::parse("test", &text, env(&[("KEY", " secret\n")])).unwrap();
        let key = &settings.server.api_keys[0];
        assert_eq!(key.sha256, hash);
        assert_eq!(key.scopes, BTreeSet::from([Scope::Orders, Scope::Tokens]));
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
        ("name = \"a\"\nscopes = [\"ops\"]\nkey_sha256 = \"00\"", "server.api_keys.0.key_sha256"),
        ("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nkey_file = \"f\"", "server.api_keys.0.key_file"),
        ("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nmerchants = []", "server.api_keys.0.merchants"),
        ("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"\nmerchants = [\"b\"]", "server.api_keys.0.merchants"),
    ];
    for (api_key, path) in cases {
        assert_eq!(faulty_keys(&text(api_key), &[("KEY", "secret")]), [path], "{api_key}");
    }
}

#[test]
fn two_keys_are_told_apart_by_name_and_key() {
    let one = "name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"";
    let other = "[[server.api_keys]]\nname = \"b\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"";
    assert_eq!(faulty_keys(&text(&format!("{one}\n{other}")), &[("KEY", "secret")]), ["server.api_keys.1"]);
}

#[test]
fn other_machines_come_in_with_a_key_only() {
    for (bind, open) in
        [("127.0.0.1:1", true), ("[::1]:1", true), ("0.0.0.0:1", false), ("[::]:1", false), ("10.0.0.1:1", false)]
    {
        let bind = ("KLARNA_WORKER__SERVER__BIND", bind);
        assert_eq!(Settings::parse("test", LEAST, env(&[bind])).is_ok(), open, "{bind:?}");
        let guarded = text("name = \"a\"\nscopes = [\"ops\"]\nkey_env = \"KEY\"");
        assert!(Settings::parse("test", &guarded, env(&[bind, ("KEY", "secret")])).is_ok(), "{bind:?}");
    }
}
