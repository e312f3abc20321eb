//! The actions of operators.

use klarna_order_worker::store::WebhookStatus;

use super::{Browser, OPS, failed, keys, value};
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
