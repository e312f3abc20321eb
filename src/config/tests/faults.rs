//! Faults and their texts.

use std::time::Duration;

use super::{LEAST, env, faults, faulty_keys, with};
use crate::config::{ConfigError, Engine, Settings};

#[test]
fn the_environment_replaces_the_file_key_by_key() {
    let text = format!("{LEAST}prefill = true\n[queue]\nconcurrency = 8\norder_deadline = \"3m\"\n");
    let variables = env(&[
        ("KLARNA_WORKER__QUEUE__CONCURRENCY", "5"),
        ("klarna_worker__Merchants__Shop__Prefill", "false"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__REGION", "na"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__ENVIRONMENT", "production"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__CLIENT_ID", "12345"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__CHECKOUT_PROVIDER", "kustom"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__API_USERNAME", "u"),
        ("KLARNA_WORKER__MERCHANTS__OTHER__API_PASSWORD", "p"),
        ("KLARNA_WORKER_LOG", "debug"),
    ])
    .collect::<Vec<_>>();
    let settings = Settings::parse("test", &text, variables.into_iter()).unwrap();
    assert_eq!(settings.queue.concurrency, 5);
    assert_eq!(settings.queue.order_deadline, Duration::from_mins(3));
    assert!(!settings.merchants["shop"].prefill);
    assert_eq!(settings.merchants["other"].client_id, "12345");
}

#[test]
fn every_fault_is_told_at_once_with_place_and_remedy() {
    let text = r#"
        [database]
        max_connections = "20"
        [vault]
        exchange_timout = "5s"
        [queue]
        concurrency = 0
        replay_after = "5s"
        [keeper]
        schedule = "hourly"
        spread = "40d"
        stop_after_idle = "never"
        [merchants.shop]
        region = "europe"
        environment = "production"
        client_id = "c"
        api_username = "u"
    "#;
    let expected = [
        "database.max_connections: not a whole number; write a whole number",
        r#"installation: missing; write a name for it, such as "shop-production": the database is tied to it"#,
        r#"keeper.schedule: not a schedule; write six fields (second, minute, hour, day, month, weekday) such as "0 */10 * * * *", or "off""#,
        r#"keeper.stop_after_idle: not a duration; write a duration such as "400d", or "off""#,
        "merchants.shop.api_password: missing; write it, or api_password_env or api_password_file",
        r#"merchants.shop.checkout_provider: missing; write "kustom" or "klarna", whichever issued your Checkout credentials (or write checkout_url)"#,
        r#"merchants.shop.region: not one of the values allowed here; write "eu", "na" or "oc""#,
        "queue.concurrency: out of range; write 1 to 10000",
        "queue.replay_after: not a key of these settings; write vault.replay_after if you meant that, or leave it out",
        "vault.exchange_timout: not a key of these settings; write vault.exchange_timeout if you meant that, or leave it out",
    ];
    assert_eq!(faults(text, &[]), expected);
}

#[test]
fn a_wrong_variable_is_named() {
    let told =
        faults(LEAST, &[("KLARNA_WORKER__QUEUE__CONCURENCY", "5"), ("KLARNA_WORKER__SERVER__BIND", "here")]);
    assert_eq!(
        told,
        [
            "queue.concurency (from KLARNA_WORKER__QUEUE__CONCURENCY): not a key of these settings; \
             write queue.concurrency if you meant that, or leave it out",
            "server.bind (from KLARNA_WORKER__SERVER__BIND): not an IP address and a port; \
             write an IP address and a port, such as \"127.0.0.1:8080\"",
        ]
    );
}

#[test]
fn sections_and_values_are_not_mixed_up() {
    assert_eq!(faulty_keys(&format!("queue = 1\n{LEAST}"), &[]), ["queue"]);
    assert_eq!(faulty_keys(&format!("{LEAST}[server.bind]\nport = 1\n"), &[]), ["server.bind"]);
    assert_eq!(faulty_keys(&format!("{LEAST}[server]\napi_keys = 1\n"), &[]), ["server.api_keys"]);
    assert!(
        Settings::parse("test", &format!("{LEAST}[server]\napi_keys = []\n[vault]\n"), std::iter::empty())
            .is_ok()
    );
}

#[test]
fn without_a_merchant_it_says_what_to_write() {
    let told = faults("installation = \"test\"", &[]);
    assert!(told[0].starts_with("merchants: none given; write a [merchants.<name>] section"), "{told:?}");
}

#[test]
fn names_have_a_shape() {
    for bad in ["Shop", "my shop", "", &"x".repeat(65)] {
        let text = LEAST
            .replace("\"test\"", &format!("\"{bad}\""))
            .replace("merchants.shop", &format!("merchants.\"{bad}\""));
        assert_eq!(faulty_keys(&text, &[])[0], "installation", "{bad}");
        assert!(
            faults(&text, &[]).iter().any(|fault| fault.starts_with(&format!("merchants.{bad}: not a name"))),
            "{bad}"
        );
    }
}

#[test]
fn postgres_needs_its_keys_given() {
    let url = ("KLARNA_WORKER__DATABASE__URL", "postgres://db/shop");
    assert_eq!(faulty_keys(LEAST, &[url]), ["vault.keys"]);
    let key = ("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    assert_eq!(with(&[url, key]).unwrap().database.engine, Engine::Postgres);
    assert_eq!(
        faulty_keys(LEAST, &[url, key, ("KLARNA_WORKER__VAULT__ACTIVE_KEY", "k2")]),
        ["vault.active_key"]
    );
}

#[test]
fn durations_that_would_break_the_protocol_are_refused() {
    // Each minimum with the defaults of the other keys, and the text just below it.
    let bounds = [
        ("VAULT__REPLAY_AFTER", "5s", "4999ms"),
        ("VAULT__ORPHAN_AFTER", "48s", "47s"),
        ("QUEUE__WORKER_LOST_AFTER", "8s", "7s"),
        ("SERVER__SHUTDOWN_GRACE", "45s", "44s"),
        ("VAULT__ACCESS_TOKEN_MARGIN", "30s", "29s"),
    ];
    for (key, bound, below) in bounds {
        let variable = format!("KLARNA_WORKER__{key}");
        let path = key.to_lowercase().replace("__", ".");
        assert!(with(&[(&variable, bound)]).is_ok(), "{key}");
        assert_eq!(faulty_keys(LEAST, &[(&variable, below)]), [path], "{key}");
    }
}

#[test]
fn a_wrong_duration_is_told_once_and_not_measured_against_others() {
    let text = format!("{LEAST}[vault]\nexchange_timeout = \"soon\"\norphan_after = \"30s\"\n");
    assert_eq!(faulty_keys(&text, &[]), ["vault.exchange_timeout"]);
}

#[test]
fn no_time_at_all_is_refused_but_for_patience() {
    for key in ["VAULT__SEND_WITHIN", "VAULT__EXCHANGE_TIMEOUT", "CHECKOUT__TIMEOUT", "QUEUE__ORDER_DEADLINE"]
    {
        assert_eq!(faulty_keys(LEAST, &[(&format!("KLARNA_WORKER__{key}"), "0s")]).len(), 1, "{key}");
    }
    assert!(with(&[("KLARNA_WORKER__VAULT__TOKEN_PATIENCE", "0s")]).is_ok());
}

#[test]
fn broken_toml_is_told_by_line() {
    let error =
        Settings::parse("config.toml", "installation = \"a\"\n\n[queue\n", std::iter::empty()).unwrap_err();
    assert!(matches!(&error, ConfigError::Syntax { line: 3, .. }), "{error}");
}

#[test]
fn a_named_file_must_be_there() {
    let error = Settings::load(Some("no/such.toml".as_ref()), std::iter::empty()).unwrap_err();
    assert!(error.to_string().contains("no/such.toml"), "{error}");
}

#[test]
fn the_keeper_leaves_a_tokens_first_days_and_half_of_the_rate() {
    let with_keeper = |keeper: &str| {
        format!("{LEAST}refresh_token_lifetime = \"30d\"\ntoken_rate_per_second = 8\n[keeper]\n{keeper}")
    };
    assert_eq!(
        faults(&with_keeper(""), &[]),
        [
            "keeper.rate_per_second: more than half of merchants.shop.token_rate_per_second, which orders need too; write 4 \
             or less, or raise merchants.shop.token_rate_per_second",
            "keeper.refresh_before: together with keeper.spread not shorter than merchants.shop.refresh_token_lifetime; write less, so \
             that both together stay below merchants.shop.refresh_token_lifetime",
        ]
    );
    let settings = with_keeper(
        "refresh_before = \"10d\"\nspread = \"0s\"\nrate_per_second = 4\nforget_after_idle = \"400d\"",
    );
    let settings = Settings::parse("test", &settings, env(&[])).unwrap();
    assert!(settings.keeper.schedule.is_some() && settings.keeper.stop_after_idle.is_none());
    assert_eq!(settings.keeper.forget_after_idle, Some(Duration::from_hours(400 * 24)));
    assert!(
        Settings::parse("test", &format!("{LEAST}[keeper]\nschedule = \"off\"\n"), env(&[]))
            .unwrap()
            .keeper
            .schedule
            .is_none()
    );
}

#[test]
fn what_can_never_act_is_refused() {
    for (keys, faulty) in [
        ("[keeper]\nschedule = \"0 0 0 30 2 *\"", "keeper.schedule"),
        ("[keeper]\nschedule = \"0 0 3 * * * 2020\"", "keeper.schedule"),
        ("[keeper]\nschedule = \"0 0 3 1 1 *\"", "keeper.schedule"),
        ("[keeper]\nstop_after_idle = \"400d\"\nforget_after_idle = \"400d\"", "keeper.stop_after_idle"),
        ("[vault]\ntoken_patience = \"11m\"", "vault.token_patience"),
        ("[vault]\naccess_token_margin = \"5m\"", "vault.access_token_margin"),
    ] {
        assert_eq!(faulty_keys(&format!("{LEAST}{keys}\n"), &[]), [faulty], "{keys}");
    }
    let told = faults(&format!("{LEAST}[keeper]\nschedule = \"0 0 0 30 2 *\"\n"), &[]);
    assert_eq!(
        told,
        ["keeper.schedule: never fires; write a schedule that fires at least daily, or \"off\""]
    );
    let text = format!("{LEAST}[keeper]\nstop_after_idle = \"300d\"\nforget_after_idle = \"400d\"\n");
    assert!(Settings::parse("test", &text, env(&[])).is_ok());
}

#[test]
fn many_unknown_keys_are_not_all_told() {
    let unknown: Vec<String> = (0..20_000).map(|number| format!("x{number} = 1")).collect();
    assert_eq!(faults(&format!("{LEAST}{}", unknown.join("\n")), &[]).len(), 100);
    let long = format!("{LEAST}{} = 1", "x".repeat(1_000_000));
    assert!(faults(&long, &[])[0].ends_with("not a key of these settings; leave it out"));
}
