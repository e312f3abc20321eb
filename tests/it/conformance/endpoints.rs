//! Webhook endpoints that fail: they are left alone, disabled, and enabled again.

use std::time::Duration;

use klarna_order_worker::store::{
    Answer, Delivery, DisabledWhy, EventKind, KEPT_ANSWERS, OrderFilter, WebhookAnswer, WebhookFilter,
    WebhookSettled, WebhookStatus,
};

use super::orders::claim as claim_orders;
use super::settling::{failed, submitted};
use super::webhooks::{claim, end_order, list, open_endpoint, retry};
use crate::support::stores::{Db, both_engines};

both_engines![
    an_endpoint_that_is_gone_gets_no_more_until_its_settings_change,
    an_endpoint_that_fails_for_days_is_disabled_and_a_resend_enables_it,
    one_success_clears_the_endpoint,
    the_last_answers_are_kept_of_each_endpoint,
    a_test_event_is_sent_once_and_enables_the_endpoint,
    a_later_event_about_an_order_has_a_larger_number,
];

async fn an_endpoint_that_is_gone_gets_no_more_until_its_settings_change(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let first = claim(&db, 1).await.remove(0);
    let gone = Delivery::Retry { after: Duration::from_secs(5), error: "HTTP 410".into(), gone: true };
    let noted = db.store.settle_webhook(first.claim, &gone, Answer::default()).await.unwrap().unwrap();
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
        let noted = db
            .store
            .settle_webhook(claimed.claim, &retry(Duration::from_hours(48)), Answer::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(noted, WebhookSettled::default());
    }
    assert_eq!(db.store.endpoints().await.unwrap()[0].failing_since, Some(since));
    db.advance(48 * 3600);
    // The first event's time is over, and none was delivered for two days.
    let mut noted = Vec::new();
    for claimed in claim(&db, 2).await {
        let retry = retry(Duration::from_hours(12));
        noted.push(db.store.settle_webhook(claimed.claim, &retry, Answer::default()).await.unwrap().unwrap());
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
    db.store.settle_webhook(claimed[0].claim, &Delivery::Delivered, Answer::default()).await.unwrap();
    assert_eq!(db.store.endpoints().await.unwrap()[0].disabled, None);
}

async fn one_success_clears_the_endpoint(db: Db) {
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    end_order(&db, "v", &submitted()).await;
    let claimed = claim(&db, 2).await;
    db.store
        .settle_webhook(claimed[0].claim, &retry(Duration::from_hours(72)), Answer::default())
        .await
        .unwrap();
    db.advance(3600);
    db.store.settle_webhook(claimed[1].claim, &Delivery::Delivered, Answer::default()).await.unwrap();
    assert_eq!(db.store.endpoints().await.unwrap()[0].failing_since, None);
    db.advance(71 * 3600);
    let last = claim(&db, 1).await.remove(0);
    let noted = db
        .store
        .settle_webhook(last.claim, &retry(Duration::from_hours(12)), Answer::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((noted.given_up, noted.disabled), (true, None), "it took another event meanwhile");
}

async fn the_last_answers_are_kept_of_each_endpoint(db: Db) {
    open_endpoint(&db, 1).await;
    let told = async || db.store.webhook_answers(&"shop".into()).await.unwrap();
    assert_eq!(told().await, []);
    end_order(&db, "u", &submitted()).await;
    let most = u16::try_from(KEPT_ANSWERS).unwrap();
    for number in 0..=most {
        db.advance(60);
        let claimed = claim(&db, 1).await.remove(0);
        let answer = Answer { status: (number > 0).then_some(500 + number), took: Duration::from_millis(7) };
        db.store.settle_webhook(claimed.claim, &retry(Duration::from_secs(1)), answer).await.unwrap();
    }
    let answers = told().await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, (1..=most).rev().map(|number| Some(500 + number)).collect::<Vec<_>>());
    let newest = WebhookAnswer {
        webhook: list(&db).await.remove(0).id,
        kind: EventKind::OrderSubmitted,
        at: db.clock.now(),
        status: Some(500 + most),
        took: Duration::from_millis(7),
        error: Some("HTTP 500".into()),
    };
    assert_eq!(answers[0], newest);
    db.advance(60);
    let claimed = claim(&db, 1).await.remove(0);
    // An attempt whose claim is gone tells nothing.
    db.store.give_back_webhooks(&[claimed.claim]).await.unwrap();
    let again = claim(&db, 1).await.remove(0);
    let answer = Answer { status: Some(204), took: Duration::ZERO };
    db.store.settle_webhook(claimed.claim, &Delivery::Delivered, answer).await.unwrap();
    assert_eq!(told().await[0], newest);
    db.store.settle_webhook(again.claim, &Delivery::Delivered, answer).await.unwrap();
    let answers = told().await;
    assert_eq!(
        (answers.len(), answers[0].status, answers[0].error.as_deref()),
        (usize::from(most), Some(204), None)
    );
    assert_eq!(db.store.webhook_answers(&"other".into()).await.unwrap(), []);
    db.store.remove_endpoint(&"shop".into()).await.unwrap();
    assert_eq!(told().await, []);
}

async fn a_test_event_is_sent_once_and_enables_the_endpoint(db: Db) {
    assert_eq!(db.store.test_webhook(&"shop".into()).await.unwrap(), None, "there is no endpoint");
    open_endpoint(&db, 1).await;
    end_order(&db, "u", &submitted()).await;
    let first = claim(&db, 1).await.remove(0);
    let gone = Delivery::Retry { after: Duration::from_secs(5), error: "HTTP 410".into(), gone: true };
    db.store.settle_webhook(first.claim, &gone, Answer::default()).await.unwrap();
    db.advance(1);
    let id = db.store.test_webhook(&"shop".into()).await.unwrap().unwrap();
    assert_eq!(db.store.endpoints().await.unwrap()[0].disabled, None);
    let [event] = &claim(&db, 9).await[..] else { panic!("the other one is not due yet") };
    assert_eq!(
        (event.claim.id, event.kind, event.data.as_str()),
        (id, EventKind::Test, r#"{"merchant":"shop"}"#)
    );
    let settled = db
        .store
        .settle_webhook(event.claim, &retry(Duration::from_secs(5)), Answer::default())
        .await
        .unwrap();
    assert!(settled.unwrap().given_up);
    let filter = WebhookFilter { id: Some(id), limit: 1, ..WebhookFilter::default() };
    let view = db.store.webhooks(&filter).await.unwrap().remove(0);
    assert_eq!(
        (view.status, view.attempts, view.error.as_deref()),
        (WebhookStatus::Failed, 1, Some("HTTP 500"))
    );
    assert_eq!(db.store.endpoints().await.unwrap()[0].disabled, None, "one test disables nothing");

    assert_eq!(db.store.resend_webhooks(&filter).await.unwrap().webhooks.len(), 1);
    let again = claim(&db, 9).await.remove(0);
    let later = retry(Duration::from_secs(5));
    let settled = db.store.settle_webhook(again.claim, &later, Answer::default());
    assert!(settled.await.unwrap().unwrap().given_up, "sent again, it is sent once again");
}

async fn a_later_event_about_an_order_has_a_larger_number(db: Db) {
    open_endpoint(&db, 1).await;
    let order = end_order(&db, "u", &failed()).await;
    end_order(&db, "v", &submitted()).await;
    let all = OrderFilter { limit: 9, ..OrderFilter::default() };
    assert_eq!(db.store.retry_orders(&all, Duration::from_mins(10)).await.unwrap().orders, [order]);
    let worker = db.begin_worker().await;
    let retried = claim_orders(&db, worker, 1).await.remove(0).claim;
    db.store.settle_order(&retried, &submitted()).await.unwrap().unwrap();
    let mut claimed = claim(&db, 9).await;
    claimed.sort_by_key(|event| event.sequence);
    let of_order: Vec<_> =
        claimed.iter().filter(|event| event.order == Some(order)).map(|event| event.kind).collect();
    assert_eq!(of_order, [EventKind::OrderFailed, EventKind::OrderSubmitted]);
    // It stays the same when the event is sent again.
    db.advance(3600);
    let mut again = claim(&db, 9).await;
    again.sort_by_key(|event| event.sequence);
    assert_eq!(
        again.iter().map(|event| event.sequence).collect::<Vec<_>>(),
        claimed.iter().map(|event| event.sequence).collect::<Vec<_>>()
    );
}
