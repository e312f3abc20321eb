//! `keys api`, keys that everybody knows, and files that have no end.

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

#[test]
fn nobody_is_shut_out_of_the_pages_unwarned() {
    for (scopes, opens_pages) in [("orders,tokens", false), ("orders,ops:read", true)] {
        let home = Home::empty();
        let made = home.run(&["keys", "api", "generate", "--scopes", scopes]).exits(0).stdout;
        assert_eq!(made.contains("the operators' pages need one of the scope ops"), !opens_pages, "{made}");
        let section = &made[made.find("[[server").unwrap()..];
        let section = section.split("\n\n").next().unwrap();
        std::fs::write(home.path("config.toml"), format!("{SETTINGS}{section}")).unwrap();
        let told = home.run(&["doctor", "--format", "json"]).json();
        let warned =
            told.iter().any(|finding| finding["check"] == "api_keys" && finding["status"] == "warning");
        assert_eq!(warned, !opens_pages, "{told:?}");
    }
}

#[test]
fn the_encryption_key_of_the_trial_opens_no_other_installation() {
    let trial = include_str!("../../deploy/try/compose.yaml");
    let key = trial.lines().find_map(|line| line.trim().strip_prefix("KLARNA_WORKER_VAULT_KEY: ")).unwrap();
    for (installation, code) in [("shop", 1), ("try", 0)] {
        let home = Home::new()
            .with("KLARNA_WORKER__INSTALLATION", installation)
            .with("KLARNA_WORKER__VAULT__KEYS__K1__ENV", "KLARNA_WORKER_VAULT_KEY")
            .with("KLARNA_WORKER_VAULT_KEY", key);
        let ran = home.run(&["tokens", "import", "-"]).exits(code);
        assert_eq!(ran.stderr.contains("the key of the trial"), code == 1, "{}", ran.stderr);
        assert!(!ran.stderr.contains(key));
    }
}

#[test]
fn no_file_is_read_without_an_end() {
    let endless = "/dev/zero";
    let told = |home: &Home, arguments: &[&str], code| {
        let ran = home.run(arguments).exits(code);
        ran.stderr + &ran.stdout
    };
    assert!(told(&Home::new(), &["--config", endless, "doctor"], 2).contains("more than 8388608 bytes"));
    let secret = Home::new().with("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_FILE", endless);
    assert!(told(&secret, &["doctor"], 2).contains("file too large"));
    let key = Home::new().with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", endless);
    assert!(told(&key, &["tokens", "import", "-"], 1).contains("more than 16384 bytes"));
    let tls = Home::new()
        .with("KLARNA_WORKER__SERVER__TLS_CERT", endless)
        .with("KLARNA_WORKER__SERVER__TLS_KEY", endless);
    assert!(told(&tls, &["serve"], 1).contains("more than 1048576 bytes"));
    let update = ["orders", "update", "0190a6f0-0000-7000-8000-000000000000", endless, "--yes"];
    assert!(told(&Home::new(), &update, 1).contains("it has more than 1000000 bytes"));
}
