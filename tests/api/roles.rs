//! Processes that do not have all roles.

use std::collections::BTreeSet;
use std::time::Duration;

use klarna_order_worker::app::{Role, Service};
use klarna_order_worker::order::Status;
use serde_json::Value;
use test_support::postgres::TestDatabase;

use super::{ORDER, envelope, json, open, settings};

/// Submits an order to a process that runs none. The next worker finds it.
async fn stays_queued(url: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let app = open(settings(url, folder.path(), "")).await;
    let service = Service::start(app.clone(), &BTreeSet::from([Role::Api])).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = http.post(format!("http://{}/v1/orders", service.address().unwrap()));
    let answer = json(request, envelope("shop", "u", ORDER)).send().await.unwrap();
    let order: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(order["status"], "queued");
    let id = order["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(app.store.due_merchants().await.unwrap(), ["shop"]);
    service.stop(Duration::from_secs(10)).await;
    let app = open(settings(url, folder.path(), "")).await;
    assert_eq!(app.store.order(id).await.unwrap().unwrap().status, Status::Queued);
    app.store.close().await;
}

#[tokio::test]
async fn a_process_without_the_role_worker_queues_orders() {
    stays_queued(None).await;
}

#[tokio::test]
async fn a_process_without_the_role_worker_queues_orders_on_postgresql() {
    let database = TestDatabase::create().await;
    stays_queued(Some(database.url())).await;
    database.remove().await;
}
