//! What a reload changes at once, and what waits for a restart.

use super::{LEAST, env, faults};
use crate::config::{Changes, ConfigError, Settings};

const KEY: &str = "[[server.api_keys]]\nname = \"shop\"\nscopes = [\"orders\"]\nkey_sha256 = \
    \"9d3f0e6a1c2b4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6\"\n";

fn settings(text: &str) -> Settings {
    Settings::parse("test", text, env(&[])).unwrap()
}

fn reloaded(before: &str, after: &str) -> Result<(Settings, Changes), ConfigError> {
    settings(before).reloaded(&settings(after))
}

fn lines(before: &str, after: &str) -> Vec<String> {
    reloaded(before, after).unwrap().1.lines()
}

#[test]
fn merchants_and_keys_change_at_once_and_other_settings_are_named() {
    let other =
        LEAST.replace("[merchants.shop]", "[merchants.outlet]").replace("installation = \"test\"", "");
    let rest =
        "[server]\nbind = \"127.0.0.1:9\"\n[keeper]\nrate_per_second = 1.0\n[queue]\nconcurrency = 9\n";
    let after = format!("{}{other}{rest}{KEY}", LEAST.replace("\"password\"", "\"another\""));
    assert_eq!(
        lines(LEAST, &after),
        [
            "merchants added: outlet",
            "merchants changed: shop",
            "API keys added: shop",
            "keeper.rate_per_second changed",
            "queue.concurrency changed: takes effect after a restart",
            "server.bind changed: takes effect after a restart",
        ]
    );
    let (next, _) = reloaded(LEAST, &after).unwrap();
    assert_eq!((next.merchants.len(), next.server.api_keys.len(), next.server.bind.port()), (2, 1, 8080));
    assert_eq!(next.keeper.rate_per_second.to_bits(), 1.0_f64.to_bits());
    // What waits for a restart is named again each time, and the rest is in force.
    let again = next.reloaded(&settings(&after)).unwrap().1;
    assert!(again.is_empty());
    assert_eq!(again.after_restart, ["queue.concurrency", "server.bind"]);
    let least = format!("{LEAST}{KEY}");
    assert!(next.reloaded(&settings(&least)).unwrap().1.after_restart.is_empty());
    assert_eq!(lines(&after, &least)[..2], ["merchants changed: shop", "merchants removed: outlet"]);
    assert!(lines(LEAST, LEAST).is_empty());
}

#[test]
fn a_secret_in_a_file_counts_with_its_content() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let text = LEAST.replace("api_password = \"password\"", &format!("api_password_file = \"{path}\""));
    std::fs::write(path, "the first password").unwrap();
    let before = settings(&text);
    std::fs::write(path, "the first password\n").unwrap();
    assert_eq!(settings(&text).fingerprint(), before.fingerprint(), "the same secret");
    std::fs::write(path, "the second password").unwrap();
    let after = settings(&text);
    assert_ne!(after.fingerprint(), before.fingerprint());
    let (_, changes) = before.reloaded(&after).unwrap();
    assert_eq!(changes.merchants.changed, ["shop"]);
    assert!(!format!("{before:?}").contains("first password"));
}

#[test]
fn what_stays_until_a_restart_must_fit_what_changes() {
    // Whoever reaches the service would need no key.
    let error = reloaded(&format!("{LEAST}{KEY}"), LEAST).unwrap_err().to_string();
    assert!(error.contains("server.api_keys: none left"), "{error}");
    let staging = LEAST.replace("installation = \"test\"", "installation = \"staging\"");
    let error = reloaded(LEAST, &staging).unwrap_err().to_string();
    assert!(error.contains("installation: not the one of the running service"), "{error}");
    // The keeper's dates stay, so tokens must still live longer.
    let short = format!(
        "{LEAST}refresh_token_lifetime = \"25d\"\n[keeper]\nrefresh_before = \"10d\"\nspread = \"1d\"\n"
    );
    let error = reloaded(LEAST, &short).unwrap_err().to_string();
    assert!(error.contains("keeper.refresh_before"), "{error}");
    assert!(faults(&format!("{LEAST}[telemetry]\nlog_level = \"loud\"\n"), &[])[0].contains("not a level"));
}
