//! `keys api`

use klarna_order_worker::config::{Credential, Scope, Settings};
use sha2::{Digest, Sha256};

use crate::program::{Home, SETTINGS};

#[test]
fn an_api_key_is_printed_with_the_section_that_lets_it_in() {
    let arguments =
        ["keys", "api", "generate", "--name", "shop-2026", "--scopes", "orders,ops", "--merchants", "shop"];
    let made = Home::empty().run(&[&arguments[..], &["--format", "json"]].concat()).exits(0).json();
    let (key, section) = (made[0]["key"].as_str().unwrap(), made[0]["settings"].as_str().unwrap());
    assert!(key.starts_with("kow_") && key.len() == 47 && !section.contains(key), "{section}");
    let settings = Settings::parse("test", &format!("{SETTINGS}{section}"), std::iter::empty()).unwrap();
    let [known] = &settings.server.api_keys[..] else { panic!("{section}") };
    assert_eq!(known.name, "shop-2026");
    assert!(known.credential == Credential::Key(Sha256::digest(key).into()));
    assert_eq!(known.scopes, [Scope::OrdersRead, Scope::OrdersWrite, Scope::OpsRead, Scope::Ops].into());
    assert_eq!(known.merchants, Some(["shop".to_owned()].into()));
}

#[test]
fn for_people_the_key_stands_alone_on_the_first_line() {
    let home = Home::empty();
    let (one, other) =
        (home.run(&["keys", "api", "generate"]).exits(0), home.run(&["keys", "api", "generate"]).exits(0));
    assert!(one.stdout.lines().next().unwrap().starts_with("kow_"), "{}", one.stdout);
    assert_ne!(one.stdout, other.stdout);
    home.run(&["keys", "api", "generate", "--scopes", "root"]).exits(2);
}
