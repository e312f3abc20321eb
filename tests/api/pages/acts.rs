//! The actions of operators.

use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::{Answer, AuditFilter, Delivery, EventKind, WebhookFilter, WebhookStatus};
use sqlx::Connection as _;

use super::lists::listed;
use super::{Browser, OPS, failed, key, keys, value};
use crate::{Api, send};

#[tokio::test]
async fn a_form_of_another_page_does_nothing() {
    let api = Api::with_keys(&keys()).await;
    let order = api.ordered("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;
    api.has_token("u-1").await;
    let browser = Browser::signed_in(&api, OPS).await;
    let other = Browser::signed_in(&api, OPS).await;
    let foreign = value(&other.page("/").await, "form_token");
    let own = value(&browser.page("/").await, "form_token");
    assert_ne!(own, foreign, "each session has its own");
    let retry = format!("/orders/{order}/retry");
    let about = [("merchant", "shop"), ("user", "u-1")];
    for (path, fields) in [
        (retry.as_str(), &[][..]),
        ("/user/forget", &about[..]),
        ("/user/sign-out", &about[..]),
        ("/sign-out", &[][..]),
    ] {
        for token in [None, Some(""), Some("wrong"), Some(foreign.as_str())] {
            let token: Vec<_> = token.map(|token| ("form_token", token)).into_iter().collect();
            let answer = browser.post(path, &[&token, fields].concat()).await;
            assert_eq!(answer.status, 403, "{path} {token:?}");
        }
        let fields = [&[("form_token", own.as_str())], fields].concat();
        for (name, said) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "null")]
        {
            let answer = send(browser.form(path, &fields).header(name, said)).await;
            assert_eq!(answer.status, 403, "{path} {said}");
        }
        assert_eq!(send(browser.form(path, &fields)).await.status, 403, "{path}");
        let nobody = Browser::new(&api);
        assert_eq!(nobody.post(path, &fields).await.status, 303, "{path}: to the sign-in");
    }
    let page = browser.page(&format!("/orders/{order}")).await;
    assert!(page.contains(r#"<span class="badge bad">failed</span>"#), "{page}");
    let user = browser.page("/user?merchant=shop&user=u-1").await;
    assert!(user.contains(r#"<span class="badge good">active</span>"#), "{user}");
}

#[tokio::test]
async fn an_operator_does_what_the_api_does() {
    let api = Api::with_keys(&keys()).await;
    api.has_an_endpoint().await;
    let browser = Browser::signed_in(&api, OPS).await;
    let order = api.ordered("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;

    let (page, retry) = (format!("/orders/{order}"), format!("/orders/{order}/retry"));
    let done = browser.act(&retry, &retry, &[]).await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, format!("{page}?done=retried").as_str())
    );
    assert!(browser.page(&format!("{page}?done=retried")).await.contains("The order is queued again."));
    let again = browser.act(&retry, &retry, &[]).await;
    assert!(again.status == 409 && again.text.contains("The order is queued already"), "{again:?}");
    let cancel = format!("/orders/{order}/cancel");
    assert_eq!(browser.act(&cancel, &cancel, &[]).await.status, 303);
    assert!(api.claim().await.is_empty(), "no worker gets it");
    assert_eq!(browser.act(&cancel, &cancel, &[]).await.status, 409);
    // A question that fits no more has no button.
    for (path, says, button) in [
        (&cancel, "Only a queued order can be cancelled.", "Cancel the order"),
        (&retry, "Only a failed order can be retried.", "Retry the order"),
    ] {
        let question = browser.page(path).await;
        assert!(question.contains(says) && !question.contains(button), "{question}");
    }

    for (user, decision, state) in
        [("u-1", "retry", "active"), ("u-2", "lost", "reauth required"), ("u-3", "present", "active")]
    {
        api.has_token(user).await;
        api.uncertain(user).await;
        let (page, ask) =
            (format!("/user?merchant=shop&user={user}"), format!("/user/resolve?merchant=shop&user={user}"));
        assert!(browser.page(&page).await.contains("Resolve…"));
        let fields = [("merchant", "shop"), ("user", user), ("as", decision)];
        assert_eq!(browser.act(&ask, "/user/resolve", &fields[..2]).await.status, 400, "nothing was chosen");
        assert_eq!(browser.act(&ask, "/user/resolve", &fields).await.status, 303);
        assert!(browser.page(&page).await.contains(&format!(">{state}</span>")), "{state}");
        assert_eq!(browser.act(&ask, "/user/resolve", &fields).await.status, 409);
    }

    let (user, ask) = ("/user?merchant=shop&user=u-1", "/user/forget?merchant=shop&user=u-1");
    let fields = [("merchant", "shop"), ("user", "u-1")];
    assert_eq!(browser.act(ask, "/user/forget", &fields).await.status, 303);
    assert!(browser.page(user).await.contains(">forgotten</span>"));
    assert_eq!(browser.act(ask, "/user/forget", &fields).await.status, 409);

    api.has_token("u-4").await;
    let (user, ask) = ("/user?merchant=shop&user=u-4", "/user/sign-out?merchant=shop&user=u-4");
    let fields = [("merchant", "shop"), ("user", "u-4")];
    assert!(browser.page(user).await.contains("Sign this user out at Klarna…"));
    let done = browser.act(ask, "/user/sign-out", &fields).await;
    assert_eq!(done.status, 303);
    assert!(browser.page(done.header("location")).await.contains("is revoked at Klarna now"));
    assert!(!browser.page(user).await.contains("Sign this user out at Klarna…"));
    assert_eq!(browser.act(ask, "/user/sign-out", &fields).await.status, 409);

    let sent = api.webhooks().await.pop().unwrap();
    let resend = format!("/webhooks/{}/resend", sent.id);
    assert_eq!(browser.act(&resend, &resend, &[]).await.status, 303);
    let again = api.webhooks().await.pop().unwrap();
    assert!(
        again.id == sent.id && again.due_at > sent.due_at && again.status == WebhookStatus::Pending,
        "{again:?}"
    );
}

#[tokio::test]
async fn many_orders_are_changed_after_a_question_with_their_number() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let mut orders = Vec::new();
    for (merchant, code) in [("shop", "a"), ("shop", "b"), ("other", "a")] {
        orders.push(api.ordered(merchant, "u-1").await);
        api.settle(&failed(code)).await;
    }
    let queued = api.ordered("shop", "u-2").await;
    let list = browser.page("/orders?error=a").await;
    assert!(
        list.contains(r#"form="bulk""#) && list.contains(r#"type="hidden" name="error" value="a""#),
        "{list}"
    );

    // Those that were selected.
    let ask = format!("/orders/bulk?action=retry&order={}&order={queued}", orders[1]);
    let question = browser.page(&ask).await;
    assert!(question.contains("Retry 1 failed order?"), "{question}");
    assert!(question.contains("1 of the selected orders is not failed; it stays as it is."), "{question}");
    let chosen = value(&question, "order");
    let fields = [("action", "retry"), ("order", chosen.as_str())];
    let done = browser.act(&ask, "/orders/bulk", &fields).await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, format!("/orders?changed=1&done=Retry&order={}&unchanged=1", orders[1]).as_str())
    );
    let page = browser.page(done.header("location")).await;
    assert!(page.contains("1 order is queued again. Not changed: 1."), "{page}");
    assert!(page.contains("Only this one is listed below.") && page.contains(&orders[1]), "{page}");

    // All that match, of every merchant that the key is for.
    let (ask, fields) = ("/orders/bulk?action=retry&error=a", [("action", "retry"), ("error", "a")]);
    let question = browser.page(ask).await;
    assert!(
        question.contains("Retry 2 failed orders?") && question.contains("<dt>Error code</dt>"),
        "{question}"
    );
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    assert!(limited.page(ask).await.contains("Retry 1 failed order?"));
    let theirs = format!("/orders/bulk?action=cancel&order={queued}");
    assert!(limited.page(&theirs).await.contains("No queued order is among them."));
    let cancel = [("action", "cancel"), ("order", queued.as_str())];
    assert_eq!(limited.act(&theirs, "/orders/bulk", &cancel).await.status, 303);
    let done = browser.act(ask, "/orders/bulk", &fields).await;
    let page = browser.page(done.header("location")).await;
    assert!(page.contains(&orders[0]) && page.contains(&orders[2]) && !page.contains(&orders[1]), "{page}");
    let page = browser.page("/orders?status=queued").await;
    assert!(orders.iter().chain([&queued]).all(|order| page.contains(order.as_str())), "{page}");

    let (ask, fields) = ("/orders/bulk?action=cancel", [("action", "cancel")]);
    let question = browser.page(ask).await;
    assert!(
        question.contains("Cancel 4 queued orders?") && question.contains("No filter: all orders."),
        "{question}"
    );
    assert_eq!(browser.act(ask, "/orders/bulk", &fields).await.status, 303);
    assert!(api.claim().await.is_empty());
    assert!(browser.page(ask).await.contains("No queued order is among them."));
    let nothing = browser.get("/orders/bulk?action=retry&only=selected").await;
    assert!(nothing.status == 400 && nothing.text.contains("No order is selected."), "{nothing:?}");
    for wrong in ["", "?action=delete", "?action=retry&order=17", "?action=retry&ended_since=soon"] {
        assert_eq!(browser.get(&format!("/orders/bulk{wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(browser.post("/orders/bulk", &fields).await.status, 403, "a form of no page");
    // Each changed order has a row, and so has each form, also that of no page.
    let filter = AuditFilter { actor: Some("key:operator".into()), limit: 100, ..AuditFilter::default() };
    api.app.audit.flush().await;
    let rows = api.app.store.audit_rows(&filter).await.unwrap();
    let of = |action: &str| rows.iter().filter(|row| row.action == action).count();
    assert_eq!((of("order.retry"), of("order.cancel")), (3 + 2, 4 + 2));
    let objects: Vec<_> = rows.iter().filter_map(|row| row.object.as_deref()).collect();
    for told in [
        "1 order: 2 selected",
        "2 orders: error a",
        "4 orders: no filter",
        orders[0].as_str(),
        queued.as_str(),
    ] {
        assert!(objects.contains(&told), "{told}: {objects:?}");
    }
}

#[tokio::test]
async fn a_form_about_a_whole_name_reaches_none_that_begins_so() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.ordered("shop", "user-1").await;
    let longer = api.ordered("shop", "user-10").await;
    let question = browser.page("/orders/bulk?action=cancel&q=user").await;
    assert!(
        question.contains("Cancel 2 queued orders?")
            && question.contains("is exactly <b>user</b>. These begin with it."),
        "{question}"
    );
    let ask = "/orders/bulk?action=cancel&q=user-1";
    let question = browser.page(ask).await;
    assert!(question.contains("Cancel 1 queued order?") && !question.contains("begin with it"), "{question}");
    let whole = value(&question, "whole");
    // Between question and form, the name goes.
    api.app.store.erase_user(&UserKey::new("shop", "user-1")).await.unwrap();
    let fields = [("action", "cancel"), ("q", "user-1"), ("whole", whole.as_str())];
    let done = browser.act(ask, "/orders/bulk", &fields).await;
    assert!(done.header("location").contains("changed=0&"), "{done:?}");
    assert_eq!(listed(&browser, "status=queued&q=user-1").await, [longer.as_str()]);
    let fields = [("action", "cancel"), ("q", "user-1")];
    let done = browser.act(ask, "/orders/bulk", &fields).await;
    assert!(done.header("location").contains("changed=1&"), "{done:?}");
}

#[tokio::test]
async fn webhooks_that_match_are_sent_again_after_a_question() {
    let api = Api::with_keys(&keys()).await;
    api.has_an_endpoint().await;
    let browser = Browser::signed_in(&api, OPS).await;
    for user in ["u-1", "u-2"] {
        api.ordered("shop", user).await;
        api.settle(&failed("bad_order")).await;
    }
    let before = api.webhooks().await;
    assert!(browser.page("/webhooks?user=u-1").await.contains("/webhooks/resend?user=u-1"));
    let ask = "/webhooks/resend?status=pending&user=u-1";
    let question = browser.page(ask).await;
    assert!(question.contains("Resend 1 webhook?") && question.contains("three days"), "{question}");
    let fields = [("status", "pending"), ("user", "u-1")];
    let done = browser.act(ask, "/webhooks/resend", &fields).await;
    assert!(browser.page(done.header("location")).await.contains("1 webhook is sent again."), "{done:?}");
    let after = api.webhooks().await;
    let due = |list: &[klarna_order_worker::store::WebhookView], user: &str| {
        list.iter().find(|webhook| webhook.user.as_str() == user).unwrap().due_at
    };
    assert!(due(&after, "u-1") > due(&before, "u-1"));
    assert_eq!(due(&after, "u-2"), due(&before, "u-2"));
    api.app.audit.flush().await;
    let filter = AuditFilter { action: Some("webhook.resend".into()), limit: 9, ..AuditFilter::default() };
    let rows = api.app.store.audit_rows(&filter).await.unwrap();
    let objects: Vec<_> = rows.into_iter().filter_map(|row| row.object).collect();
    let sent = after.iter().find(|webhook| webhook.user.as_str() == "u-1").unwrap().id.to_string();
    assert_eq!(objects, ["1 webhooks".to_owned(), sent]);
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    assert!(limited.page(ask).await.contains("Resend 0 webhooks?"));
    let wrong = browser.get("/webhooks?status=lost").await;
    assert!(
        wrong.status == 400
            && wrong.text.contains("Unknown status &quot;lost&quot;. Use: pending, delivered, failed."),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn an_endpoint_is_tested_and_its_answers_are_shown() {
    let looker = key("looker", "key-of-looker", "scopes = [\"ops:read\"]");
    let api = Api::with_keys(&[keys(), looker].concat()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let none = browser.page("/webhooks").await;
    assert!(
        none.contains("No merchant has a webhook endpoint. Add these settings to a merchant, and reload"),
        "{none}"
    );
    api.has_an_endpoint().await;
    let (page, fields) = ("/webhooks/endpoint?merchant=shop", [("merchant", "shop")]);
    assert!(browser.page("/webhooks").await.contains(page));
    assert!(browser.page(page).await.contains("Nothing has been sent to this endpoint yet."));
    let done = browser.act(page, "/webhooks/test", &fields).await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, "/webhooks/endpoint?merchant=shop&done=tested")
    );
    let event = api.webhooks().await.pop().unwrap();
    assert_eq!((event.kind, event.merchant.as_str(), event.user.as_str()), (EventKind::Test, "shop", ""));
    let shares = [("shop".into(), 9)].into();
    let claimed = api.app.store.claim_webhooks(&shares, Duration::from_mins(1)).await.unwrap().remove(0);
    let refused = Delivery::Retry { after: Duration::from_secs(5), error: "HTTP 503".into(), gone: false };
    let answer = Answer { status: Some(503), took: Duration::from_millis(35) };
    api.app.store.settle_webhook(claimed.claim, &refused, answer).await.unwrap();
    let told = browser.page(page).await;
    for text in [">503</span>", "webhook.test", "35 ms", &event.id.to_string()] {
        assert!(told.contains(text), "{text}: {told}");
    }
    for (merchant, status) in [("other", 404), ("none", 404)] {
        let wrong = browser.act(page, "/webhooks/test", &[("merchant", merchant)]).await;
        assert_eq!(wrong.status, status, "{merchant}");
    }
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    assert_eq!(limited.get(page).await.status, 404);
    let looker = Browser::signed_in(&api, "key-of-looker").await;
    assert!(!looker.page(page).await.contains("Send a test event"));
    assert_eq!(looker.act("/", "/webhooks/test", &fields).await.status, 403);
}

#[tokio::test]
async fn every_webhook_that_matches_is_sent_again_however_many_there_are() {
    const EVENTS: u64 = 10_001;
    let api = Api::with_keys(&keys()).await;
    api.has_an_endpoint().await;
    let browser = Browser::signed_in(&api, OPS).await;
    let file = api.folder.path().join("worker.db");
    let mut raw = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let events = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {EVENTS})
        INSERT INTO webhooks (id, merchant, user_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at)
        SELECT randomblob(16), 'shop', 'u-' || n, 'order.failed', '{{}}', 'failed', n, n, n, n FROM n"
    );
    sqlx::query(sqlx::AssertSqlSafe(events)).execute(&mut raw).await.unwrap();
    let ask = "/webhooks/resend?status=failed";
    let done = browser.act(ask, "/webhooks/resend", &[("status", "failed")]).await;
    assert_eq!(done.header("location"), format!("/webhooks?changed={EVENTS}&done=Resend&status=failed"));
    let filter = |status| WebhookFilter { status: Some(status), ..WebhookFilter::default() };
    let count = async |status| api.app.store.count_webhooks(&filter(status)).await.unwrap();
    assert_eq!(count(WebhookStatus::Pending).await, EVENTS);
}
