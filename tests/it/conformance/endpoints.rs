//! Webhook endpoints that fail: they are left alone, disabled, and enabled again.

use std::time::Duration;

use klarna_order_worker::store::{Delivery, DisabledWhy, WebhookFilter, WebhookSettled, WebhookStatus};

use super::settling::submitted;
use super::webhooks::{claim, end_order, list, open_endpoint, retry};
use crate::support::stores::{Db, both_engines};

both_engines![
    an_endpoint_that_is_gone_gets_no_more_until_its_settings_change,
    an_endpoint_that_fails_for_days_is_disabled_and_a_resend_enables_it,
    one_success_clears_the_endpoint,
];

async fn an_endpoint_that_is_gone_gets_no_more_until_its_settings_change(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let first = claim(&db, 1).await.remove(0);
    let gone = Delivery::Retry { after: Duration::from_secs(5), error: "HTTP 410".into(), gone: true };
    let noted = db.store.settle_webhook(first.claim, &gone).await.unwrap().unwrap();
    assert_eq!((noted.given_up, noted.disabled), (false, Some(DisabledWhy::Gone)));
    db.advance(3600);
    assert!(db.store.due_webhook_merchants().await.unwrap().is_empty());
    assert_eq!(db.store.next_webhook_due().await.unwrap(), None);
    let endpoint = db.store.endpoints().await.unwrap().remove(0);
    assert_eq!(endpoint.disabled.map(|(_, why)| why), Some(DisabledWhy::Gone));
    assert!(list(&db).await.iter().all(|view| view.endpoint_disabled_at.is_some()));
    // Events that happen meanwhile wait, for three days at most.
    end_order(&db, "w", &submitted()).await;
    open_endpoint(&db, 1).await;
    assert!(db.store.due_webhook_merchants().await.unwrap().is_empty(), "nothing has changed");
    open_endpoint(&db, 2).await;
    assert_eq!(claim(&db, 9).await.len(), 3);
    assert_eq!(db.store.endpoints().await.unwrap().remove(0).disabled, None);
}

async fn an_endpoint_that_fails_for_days_is_disabled_and_a_resend_enables_it(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    db.advance(24 * 3600);
    end_order(&db, "v", &submitted()).await;
    let since = db.clock.now();
    for claimed in claim(&db, 2).await {
        let noted =
            db.store.settle_webhook(claimed.claim, &retry(Duration::from_hours(48))).await.unwrap().unwrap();
        assert_eq!(noted, WebhookSettled::default());
    }
    assert_eq!(db.store.endpoints().await.unwrap()[0].failing_since, Some(since));
    db.advance(48 * 3600);
    // The first event's time is over, and none was delivered for two days.
    let mut noted = Vec::new();
    for claimed in claim(&db, 2).await {
        let retry = retry(Duration::from_hours(12));
        noted.push(db.store.settle_webhook(claimed.claim, &retry).await.unwrap().unwrap());
    }
    noted.sort_by_key(|noted| noted.given_up);
    assert_eq!(
        noted,
        [WebhookSettled::default(), WebhookSettled { given_up: true, disabled: Some(DisabledWhy::Failing) }]
    );
    db.advance(13 * 3600);
    assert!(db.store.due_webhook_merchants().await.unwrap().is_empty());
    // An event whose time ends while it cannot be sent is given up too.
    db.advance(24 * 3600);
    assert_eq!(db.store.expire_webhooks(&["shop".into()], 100).await.unwrap(), ["shop"]);
    assert!(list(&db).await.iter().all(|view| view.status == WebhookStatus::Failed));

    let filter = WebhookFilter {
        merchant: Some("shop".into()),
        status: Some(WebhookStatus::Failed),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(db.store.resend_webhooks(&filter).await.unwrap().webhooks.len(), 2);
    let claimed = claim(&db, 9).await;
    assert_eq!((claimed.len(), claimed[0].attempts), (2, 0));
    db.store.settle_webhook(claimed[0].claim, &Delivery::Delivered).await.unwrap();
    assert_eq!(db.store.endpoints().await.unwrap()[0].disabled, None);
}

async fn one_success_clears_the_endpoint(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let claimed = claim(&db, 2).await;
    db.store.settle_webhook(claimed[0].claim, &retry(Duration::from_hours(72))).await.unwrap();
    db.advance(3600);
    db.store.settle_webhook(claimed[1].claim, &Delivery::Delivered).await.unwrap();
    assert_eq!(db.store.endpoints().await.unwrap()[0].failing_since, None);
    db.advance(71 * 3600);
    let last = claim(&db, 1).await.remove(0);
    let noted = db.store.settle_webhook(last.claim, &retry(Duration::from_hours(12))).await.unwrap().unwrap();
    assert_eq!((noted.given_up, noted.disabled), (true, None), "it took another event meanwhile");
}
