use super::*;
use crate::ops::doctor::CheckStatus;

fn judged(change: impl FnOnce(&mut Server), settings: &str) -> Vec<(String, CheckStatus)> {
    let clock = Clock::system();
    let mut server = Server {
        version: "15.8".into(),
        now: clock.now(),
        standby: false,
        read_only: false,
        durable: true,
        asynchronous_standbys: 0,
        max_connections: 100,
        pooler: None,
    };
    change(&mut server);
    let text = format!("installation = \"test\"\n[database]\nurl = \"postgres://db/shop\"\n{settings}");
    let rest = r#"
        [vault.keys.k1]
        file = "k1.key"
        [merchants.shop]
        region = "eu"
        environment = "playground"
        client_id = "client"
        checkout_provider = "klarna"
        api_username = "user"
        api_password = "password"
    "#;
    let settings = Settings::parse("test", &format!("{text}{rest}"), std::iter::empty()).unwrap();
    let mut findings = Findings::default();
    check(&server, &settings, &clock, &mut findings);
    let bad = findings.0.into_iter().filter(|finding| finding.status != CheckStatus::Ok);
    bad.map(|finding| (finding.check, finding.status)).collect()
}

#[test]
fn what_a_server_may_lose_is_told() {
    let one = |check: &str, status| vec![(check.to_owned(), status)];
    assert_eq!(judged(|_| (), ""), []);
    let read_only = |standby| judged(|server| (server.standby, server.read_only) = (standby, true), "");
    assert_eq!(read_only(true), one("database.role", CheckStatus::Failed));
    assert_eq!(read_only(false), one("database.role", CheckStatus::Failed));
    assert_eq!(judged(|server| server.durable = false, ""), one("database.durability", CheckStatus::Failed));
    assert_eq!(
        judged(|server| server.asynchronous_standbys = 1, ""),
        one("database.standbys", CheckStatus::Warning)
    );
    assert_eq!(
        judged(|server| server.max_connections = 30, ""),
        one("database.connections", CheckStatus::Warning)
    );
    assert_eq!(judged(|server| server.now += TimeDelta::seconds(5), ""), one("clock", CheckStatus::Warning));
}

#[test]
fn a_pooler_needs_a_transaction_for_each_claim_session_and_one_more() {
    let pooler = |transactions| judged(|server| server.pooler = Some(transactions), "");
    assert_eq!(pooler(2), [("database.pooler".to_owned(), CheckStatus::Warning)]);
    assert_eq!(pooler(4), [("database.pooler".to_owned(), CheckStatus::Warning)]);
    assert_eq!(pooler(5), []);
}
