//! TLS of a process: new files, and what `doctor` says of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use klarna_order_worker::clock::Clock;
use reqwest::{Certificate, Client};
use serde_json::Value;
use test_support::certificates::{Authority, Owner};
use test_support::program::{Program, until};

use super::program::Home;

const PATIENCE: Duration = Duration::from_mins(1);

const FILES: [(&str, &str); 2] =
    [("KLARNA_WORKER__SERVER__TLS_CERT", "server.pem"), ("KLARNA_WORKER__SERVER__TLS_KEY", "server.key")];

fn now() -> DateTime<Utc> {
    Clock::system().now()
}

fn trusting(authority: &Authority) -> Client {
    let certificate = Certificate::from_pem(authority.pem.as_bytes()).unwrap();
    Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test]
async fn serve_uses_new_files_and_tells_of_those_that_do_not_fit() {
    let home = Home::new();
    let authority = Authority::new("Servers");
    let issued = authority.certify(&Owner::localhost(now()));
    home.write("server.pem", &issued.pem);
    home.write("server.key", &issued.key);
    let program = Program::start_with(&home.path(""), "serve", &["serve"], &FILES);
    let url = program.ready["api"].as_str().unwrap().replace("127.0.0.1", "localhost") + "/livez";
    assert!(url.starts_with("https://"), "{url}");
    assert_eq!(trusting(&authority).get(&url).send().await.unwrap().status(), 200);

    let other = Authority::new("Other servers");
    let renewed = other.certify(&Owner::localhost(now()));
    home.write("server.pem", &renewed.pem);
    let told = async || {
        let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
        log.contains("The new TLS files cannot be used")
            && log.contains("the key does not belong to the certificate")
    };
    until("an error in the log", PATIENCE, told).await;
    assert_eq!(trusting(&authority).get(&url).send().await.unwrap().status(), 200);
    home.write("server.key", &renewed.key);
    let client = trusting(&other);
    until("the new certificate", PATIENCE, async || client.get(&url).send().await.is_ok()).await;
    program.terminate().await;
}

#[test]
fn doctor_checks_the_files() {
    let (mut home, servers, clients) = (Home::new(), Authority::new("Servers"), Authority::new("Clients"));
    for (variable, file) in FILES {
        home = home.with(variable, file);
    }
    let home = home.with("KLARNA_WORKER__SERVER__CLIENT_CA", "clients.pem");
    home.write("clients.pem", &clients.pem);
    let findings = || -> Vec<Value> {
        let found = home.run(&["doctor", "--format", "json"]).json();
        found
            .into_iter()
            .filter(|finding| finding["check"].as_str().unwrap().starts_with("server."))
            .collect()
    };
    let failed = |text: &str| {
        let found = findings();
        let failed =
            found.iter().find(|finding| finding["status"] == "failed").unwrap_or_else(|| panic!("{found:?}"));
        assert!(failed["found"].as_str().unwrap().contains(text), "{failed}");
    };
    failed("server.tls_cert: the file server.pem cannot be read");
    let days = |from: i64, to: i64| {
        let (not_before, not_after) = (now() + TimeDelta::days(from), now() + TimeDelta::days(to));
        servers.certify(&Owner { not_before, not_after, ..Owner::localhost(now()) })
    };
    let statuses = |from: i64, to: i64| {
        let issued = days(from, to);
        home.write("server.pem", &issued.pem);
        home.write("server.key", &issued.key);
        let status = |finding: &Value| (finding["check"].clone(), finding["status"].clone());
        findings().iter().map(status).filter(|(check, _)| check != "server.tls_key").collect::<Vec<_>>()
    };
    let expected = |status: &str| {
        vec![("server.tls_cert".into(), status.into()), ("server.client_ca".into(), Value::from("ok"))]
    };
    assert_eq!(statuses(-1, 90), expected("ok"));
    assert_eq!(statuses(-1, 20), expected("warning"));
    assert_eq!(statuses(-20, -1), expected("failed"));
    assert_eq!(statuses(1, 20), expected("failed"));
    home.write("server.key", &days(0, 1).key);
    failed("the key does not belong to the certificate");
    home.write("server.pem", "no PEM");
    failed("has no certificate in PEM");
}
