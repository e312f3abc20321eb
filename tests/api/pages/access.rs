//! Sign-in and sessions.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::NewPause;
use reqwest::Method;
use tower::ServiceExt;

use super::{Browser, OPS, keys};
use crate::{Api, key, pages, pages_of, send};

#[tokio::test]
async fn only_a_key_of_the_operators_signs_in() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::new(&api);
    let sent_away = browser.get("/orders?status=failed").await;
    assert_eq!(sent_away.status, 303);
    assert_eq!(sent_away.header("location"), "/sign-in?next=%2Forders%3Fstatus%3Dfailed");
    assert!(browser.page("/sign-in?next=/orders").await.contains(r#"name="next" value="/orders""#));
    for wrong in ["", "wrong", "key-of-the-shop", "key-of-the-operato"] {
        let answer = browser.post("/sign-in", &[("key", wrong)]).await;
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(
            answer.headers.get("set-cookie").is_none()
                && answer.text.contains("not an API key with the scope ops")
        );
    }
    // A page of another site must not sign anybody in.
    for (name, said) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "none"), ("origin", "http://elsewhere.example")]
    {
        let answer = send(browser.form("/sign-in", &[("key", OPS)]).header(name, said)).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    assert_eq!(
        send(browser.form("/sign-in", &[("key", OPS)])).await.status,
        403,
        "who says nothing is no browser"
    );

    let answer = browser.post("/sign-in", &[("key", OPS), ("next", "/users")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/users"));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("klarna-worker=") && cookie.ends_with("; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    assert!(cookie.contains("; Path=/; Max-Age=43200;"), "{cookie}");
    let origin = format!("http://{}", api.address);
    let plain = send(browser.form("/sign-in", &[("key", OPS)]).header("origin", origin)).await;
    assert_eq!(plain.status, 303, "a browser that tells the page's origin alone");
    let host = api.address.to_string();
    let tls = browser.form("/sign-in", &[("key", OPS)]).header("origin", format!("https://{host}"));
    let tls = send(tls).await;
    let cookie = tls.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-klarna-worker=") && cookie.ends_with("; SameSite=Strict; Secure"),
        "{cookie}"
    );
    for elsewhere in ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"] {
        let answer = browser.post("/sign-in", &[("key", OPS), ("next", elsewhere)]).await;
        assert_eq!(answer.header("location"), "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn a_session_lasts_for_as_long_as_it_is_used_and_no_longer_than_half_a_day() {
    let api = Api::with_keys(&keys()).await;
    let mut browser = Browser::signed_in(&api, OPS).await;
    let minutes = |minutes| api.clock.advance(Duration::from_mins(minutes));
    minutes(59);
    let used = browser.get("/").await;
    assert_eq!(used.status, 200);
    // The automatic updates of a page do not count as use of the session.
    minutes(2);
    let live = send(browser.request(Method::GET, "/").header("x-live", "1")).await;
    assert_eq!(live.status, 401, "the old cookie is idle for more than an hour");
    browser.keep(&used);
    let live = send(browser.request(Method::GET, "/").header("x-live", "1")).await;
    assert!(live.status == 200 && live.headers.get("set-cookie").is_none(), "{live:?}");
    minutes(59);
    assert_eq!(browser.get("/").await.status, 303, "idle for an hour");

    let mut browser = Browser::signed_in(&api, OPS).await;
    for _ in 0..23 {
        minutes(30);
        let answer = browser.get("/orders").await;
        assert_eq!(answer.status, 200);
        browser.keep(&answer);
    }
    minutes(30);
    assert_eq!(browser.get("/orders").await.status, 303, "half a day is over");
}

#[tokio::test]
async fn a_session_is_nobody_elses() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let cookie = browser.cookie.clone().unwrap();
    let with = |cookie: String| Browser { cookie: Some(cookie), ..Browser::new(&api) };
    // A change of any byte makes the cookie invalid.
    for at in ["klarna-worker=".len(), cookie.len() / 2, cookie.len() - 5] {
        let mut bytes = cookie.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(with(String::from_utf8(bytes).unwrap()).get("/").await.status, 303, "{at}");
    }
    assert_eq!(with("klarna-worker=".into()).get("/").await.status, 303);
    assert_eq!(with(format!("other=1; {cookie}")).get("/").await.status, 200);

    // Another process of the installation accepts the cookie, until the key is removed from the
    // settings.
    let request = |cookie: &str| {
        let request = Request::get("/orders").header("cookie", cookie);
        request.body(Body::empty()).unwrap()
    };
    let mut state = pages_of(&api.app, &api.clock);
    let other = pages(pages_of(&api.app, &api.clock));
    assert_eq!(other.oneshot(request(&cookie)).await.unwrap().status(), 200);
    let mut left = (*state.api_keys.now()).clone();
    left.retain(|key| key.name != "operator");
    state.api_keys = left.into();
    assert_eq!(pages(state).oneshot(request(&cookie)).await.unwrap().status(), 303);

    let out = browser.act("/", "/sign-out", &[]).await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, "/sign-in"));
    let ended: Vec<_> =
        out.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(
        ended.len() == 2 && ended.iter().all(|cookie| cookie.contains("=; Path=/; Max-Age=0")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn without_keys_this_machine_is_let_in_and_without_a_fitting_one_nobody() {
    let open = Api::open().await;
    let browser = Browser::new(&open);
    assert!(browser.page("/").await.contains("This machine"));
    assert_eq!(browser.get("/sign-in").await.header("location"), "/");
    // As at the API, a request with the name of another host is refused.
    let other = send(browser.request(Method::GET, "/").header("host", "shop.example")).await;
    assert_eq!(other.status, 421);

    let closed = Api::with_keys(&key("shop", "key-of-the-shop", "scopes = [\"orders\", \"tokens\"]")).await;
    let browser = Browser::new(&closed);
    for path in ["/", "/orders", "/sign-in"] {
        let answer = browser.get(path).await;
        assert!(
            answer.status == 403 && answer.text.contains("keys api generate --name operator --scopes ops"),
            "{path}"
        );
    }
    assert_eq!(browser.post("/sign-in", &[("key", "key-of-the-shop")]).await.status, 403);
}

#[tokio::test]
async fn a_key_to_read_with_only_looks() {
    let looker = key("looker", "key-of-looker", "scopes = [\"ops:read\"]");
    let elsewhere = key("elsewhere", "key-elsewhere", "scopes = [\"ops\"]\nsources = [\"192.0.2.0/24\"]");
    let api = Api::with_keys(&[keys(), looker, elsewhere].concat()).await;
    let browser = Browser::signed_in(&api, "key-of-looker").await;
    for path in ["/", "/orders", "/users", "/webhooks", "/pauses"] {
        let page = browser.page(path).await;
        for action in ["Pause work…", "Retry…", "Resend", "Try now…"] {
            assert!(!page.contains(action), "{path}: {page}");
        }
    }
    let new = NewPause {
        merchant: None,
        kind: PauseKind::Orders,
        reason: "a test".into(),
        paused_by: "local".into(),
        lasts: None,
    };
    api.app.store.pause(&new).await.unwrap();
    for path in ["/", "/pauses"] {
        let page = browser.page(path).await;
        assert!(
            page.contains("a test") && !page.contains("Resume…") && !page.contains("Pause more…"),
            "{page}"
        );
    }
    let cancel = "/orders/00000000-0000-7000-8000-000000000000/cancel";
    let refused = browser.act("/", cancel, &[]).await;
    assert!(refused.status == 403 && refused.text.contains("ops:read"), "{refused:?}");
    let operator = Browser::signed_in(&api, OPS).await;
    assert_eq!(operator.act("/", cancel, &[]).await.status, 404);
    assert_eq!(browser.act("/", "/sign-out", &[]).await.status, 303);
    // A key with other `sources` cannot sign in from here.
    let answer = Browser::new(&api).post("/sign-in", &[("key", "key-elsewhere")]).await;
    assert_eq!(answer.status, 403);
}
