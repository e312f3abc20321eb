//! Merchants whose sweeps or exchanges an operator has paused.

use klarna_order_worker::clock::since_boot;
use klarna_order_worker::keeper::Summary;
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::NewPause;

use super::{DAY, Process, sign_in};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};
use crate::vault::Shop;

both_engines!(the_tokens_of_a_paused_merchant_stay_due_until_it_is_resumed);

async fn the_tokens_of_a_paused_merchant_stay_due_until_it_is_resumed(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", 41 * DAY).await;
    sign_in(&shop, "v", "rt-2", 41 * DAY).await;
    let process = Process::start(&shop).await;
    for kind in [PauseKind::Keeper, PauseKind::Exchanges] {
        let (reason, paused_by) = ("a test".to_owned(), "local".to_owned());
        let pause = NewPause { merchant: Some("shop".into()), kind, reason, paused_by, lasts: None };
        db.store.pause(&pause).await.unwrap();
        shop.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
        let summary = process.sweep().await;
        assert_eq!(summary, Summary { paused: 2, ..Summary::default() });
        assert!(summary.all_well(), "an operator wanted it so");
        assert_eq!(db.store.count_due(db.clock.now()).await.unwrap(), 2);
        db.store.resume(Some(&"shop".into()), kind).await.unwrap();
    }
    assert_eq!(endpoint.presented(), [""; 0]);
    shop.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(process.sweep().await, Summary { refreshed: 2, ..Summary::default() });
}
