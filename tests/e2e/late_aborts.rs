//! Results of Klarna that arrive when nobody may pay their order any more.

use std::time::Duration;

use klarna_sandbox::What;
use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(an_order_that_was_erased_in_flight_is_aborted_at_klarna);

async fn an_order_that_was_erased_in_flight_is_aborted_at_klarna(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    shop.hold("checkout", true).await;
    let id = client.post("u-1", "cart-1").await;
    let sandbox = shop.sandbox_client();
    let created = async || {
        let record = sandbox.record().await;
        record.into_iter().find_map(|event| match event.what {
            What::Order { order_id, .. } => Some(order_id),
            _ => None,
        })
    };
    until("the order at Klarna", PATIENCE, async || created().await.is_some()).await;
    assert_eq!(client.send_delete("/v1/merchants/shop/users/u-1").await.status(), 204);
    let erased = client.order(&id, "0").await;
    assert_eq!(
        (&erased["status"], &erased["klarna_order_id"]),
        (&json!("cancelled"), &json!(null)),
        "{erased}"
    );

    // The first call fails, and is made again.
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "checkout", "failure": "500" })).await;
    let klarna_id = created().await.unwrap();
    shop.hold("checkout", false).await;
    until("an abort", PATIENCE, async || {
        let record = sandbox.record().await;
        record.iter().any(|event| matches!(&event.what, What::Aborted { klarna_id: id } if *id == klarna_id))
    })
    .await;
    let done = r#"klarna_worker_follow_ups_total{merchant="shop",kind="abort",result="done"} 1"#;
    until("the end of the call", PATIENCE, async || client.get_text("/metrics").await.contains(done)).await;
    assert_eq!(client.order(&id, "0").await["status"], "cancelled");
    assert!(served.program.terminate().await.success());
    let log = std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
    for line in [
        "Klarna created an order that has ended otherwise or was changed meanwhile; it is aborted there",
        "A call about a submitted order failed; the next try follows",
    ] {
        assert!(log.contains(line), "{line}");
    }
    shop.close().await;
}
