//! The audit log: the rows that pages and their actions leave, and its page.

use klarna_order_worker::store::AuditFilter;
use reqwest::{Method, RequestBuilder};
use sqlx::{Connection as _, PgConnection};
use test_support::postgres::TestDatabase;
use tokio::time::timeout;

use super::{Browser, OPS, failed, key, keys, send, value};
use crate::{Api, SOON};

async fn rows(api: &Api) -> Vec<(String, String, String)> {
    rows_of(api, "key:operator").await
}

async fn rows_of(api: &Api, actor: &str) -> Vec<(String, String, String)> {
    timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let filter = AuditFilter { actor: Some(actor.into()), limit: 100, ..AuditFilter::default() };
    let mut rows = api.app.store.audit_rows(&filter).await.unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.action, row.outcome, row.object.unwrap_or_default())).collect()
}

#[tokio::test]
async fn what_an_operator_sees_of_tokens_and_does_leaves_rows() {
    let api = Api::with_keys(&keys()).await;
    let order = api.ordered("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;
    api.has_token("u-1").await;
    let browser = Browser::signed_in(&api, OPS).await;
    browser.page("/").await;
    browser.page("/orders").await;
    browser.page("/users").await;
    let user = "/user?merchant=shop&user=u-1";
    let tag = browser.get(user).await.header("etag").to_owned();
    // What updates itself leaves one row for the page, not one for each update that shows nothing
    // new.
    let update = browser.request(Method::GET, user).header("x-live", "1").header("if-none-match", tag);
    assert_eq!(send(update).await.status, 304);
    let about = [("merchant", "shop"), ("user", "u-1")];
    let (retry, cancel) = (format!("/orders/{order}/retry"), format!("/orders/{order}/cancel"));
    browser.act(&retry, &retry, &[]).await;
    browser.act(&cancel, &retry, &[]).await;
    browser.act(&cancel, &cancel, &[]).await;
    let forget = "/user/forget?merchant=shop&user=u-1";
    browser.act(forget, "/user/forget", &about).await;
    browser.act("/", "/user/forget", &about).await;
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let page = browser.page("/audit?action=order.cancel").await;
    assert!(
        page.contains("key:operator")
            && page.contains(&order)
            && !page.contains("order.retry</td>")
            && page.contains("When (UTC)"),
        "{page}"
    );
    browser.act("/", "/sign-out", &[]).await;
    assert_eq!(
        rows(&api).await,
        [
            own("pages.sign_in", "done", ""),
            own("tokens.list", "done", ""),
            own("token.read", "done", ""),
            own("order.retry", "done", &order),
            own("order.retry", "rejected", &order),
            own("order.cancel", "done", &order),
            own("token.read", "done", ""),
            own("token.forget", "done", ""),
            own("token.forget", "rejected", ""),
            own("audit.read", "done", ""),
            own("pages.sign_out", "done", ""),
        ]
    );
}

fn own(action: &str, outcome: &str, object: &str) -> (String, String, String) {
    (action.to_owned(), outcome.to_owned(), object.to_owned())
}

#[tokio::test]
async fn who_calls_a_request_live_leaves_a_row_unless_nothing_is_new() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let user = "/user?merchant=shop&user=u-1";
    for page in [user, "/users", "/audit"] {
        let live = send(browser.request(Method::GET, page).header("x-live", "1")).await;
        assert_eq!(live.status, 200);
    }
    let tag = browser.get(user).await.header("etag").to_owned();
    let known = browser.request(Method::GET, user).header("if-none-match", tag);
    assert_eq!(send(known).await.status, 304, "it is not live");
    assert_eq!(
        rows(&api).await[1..],
        [
            own("token.read", "done", ""),
            own("tokens.list", "done", ""),
            own("audit.read", "done", ""),
            own("token.read", "done", ""),
            own("token.read", "done", ""),
        ]
    );
}

#[tokio::test]
async fn counts_of_tokens_are_shown_and_are_no_news_alone() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    let path = "/users?state=uncertain";
    // Tokens are counted behind the page.
    let counted = async |browser: &Browser<'_>, path: &str, active: &str| {
        let counted = async {
            loop {
                let answer = browser.get(path).await;
                if answer.text.contains(&format!("active <b>{active}</b>")) {
                    break answer;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        timeout(10 * SOON, counted).await.expect("not counted")
    };
    api.has_token("u-1").await;
    let first = counted(&browser, path, "1").await;
    assert!(first.text.contains("all except forgotten <b>1</b>"), "{first:?}");
    assert!(first.text.contains("Numbers as of <time"), "{first:?}");
    api.has_token("u-2").await;
    let second = counted(&browser, path, "2").await;
    assert_eq!(first.header("etag"), second.header("etag"));
    let before = rows(&api).await.len();
    let update = browser.request(Method::GET, path).header("x-live", "1");
    let update = send(update.header("if-none-match", first.header("etag"))).await;
    assert_eq!((update.status.as_u16(), rows(&api).await.len()), (304, before));
    // A list that changes is news, and whoever is limited sees counts of their merchants.
    counted(&limited, "/users", "0").await;
    counted(&browser, "/users?merchant=other", "0").await;
    let list = counted(&browser, "/users", "2").await;
    api.has_token("u-3").await;
    let update = browser.request(Method::GET, "/users").header("x-live", "1");
    assert_eq!(send(update.header("if-none-match", list.header("etag"))).await.status, 200);
    assert!(!browser.page("/users?user=u-1").await.contains("Numbers as of"), "it is about one user");
}

#[tokio::test]
async fn the_page_shows_whom_and_what_a_row_concerns() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.has_token("u-1").await;
    browser.page("/user?merchant=shop&user=u-1").await;
    let order = api.ordered("shop", "u-2").await;
    let cancel = format!("/orders/{order}/cancel");
    assert_eq!(browser.act(&cancel, &cancel, &[]).await.status, 303);
    api.app.audit.flush().await;
    let page = browser.page("/audit?rows=all").await;
    assert!(page.contains("title=\"Keyed hash: "), "{page}");
    assert!(page.contains(&format!("<a class=\"id\" href=\"/orders/{order}\"")), "{page}");
    let of_user = browser.page("/audit?merchant=shop&user=u-1&rows=all").await;
    let has = |action: &str| of_user.contains(&format!("data-label=\"Action\">{action}</td>"));
    assert!(has("token.read") && !has("order.cancel") && !has("pages.sign_in"), "{of_user}");
    assert_eq!(browser.get("/audit?user=u-1").await.status, 400, "which of two merchants?");
    // By what became of it, and by the order.
    assert_eq!(browser.act(&cancel, &cancel, &[]).await.status, 409);
    api.app.audit.flush().await;
    let count = |page: &str| page.matches("data-label=\"Action\">").count();
    let of_order = browser.page(&format!("/audit?object=+{order}+")).await;
    assert!(of_order.contains("order.submit</td>") && count(&of_order) == 3, "{of_order}");
    let rejected = browser.page("/audit?outcome=rejected").await;
    assert!(rejected.contains("order.cancel</td>") && rejected.contains("audit.read</td>"), "{rejected}");
    assert_eq!(count(&rejected), 2);
    assert_eq!(count(&browser.page(&format!("/audit?outcome=failed&object={order}")).await), 0);
    assert_eq!(browser.get("/audit?outcome=eaten").await.status, 400);
}

/// The routes of the pages that take forms, without the sign-in, which has rows of its own.
fn forms() -> Vec<String> {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pages/mod.rs")).unwrap();
    let routes = source.split(".route(\"").skip(1).filter_map(|rest| rest.split_once("\", "));
    let takes_form = |rest: &str| rest.split('\n').next().is_some_and(|line| line.contains("post("));
    let forms = routes.filter(|(path, rest)| takes_form(rest) && *path != "/sign-in");
    forms.map(|(path, _)| path.to_owned()).collect()
}

#[tokio::test]
async fn every_form_leaves_a_row_when_it_is_refused() {
    let looker = key("looker", "key-of-looker", "scopes = [\"ops:read\"]");
    let api = Api::with_keys(&[keys(), looker].concat()).await;
    let order = api.ordered("shop", "u-1").await;
    let forms = forms();
    assert!(forms.len() > 12, "{forms:?}");
    let looker = Browser::signed_in(&api, "key-of-looker").await;
    // It is valid for another merchant.
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    // A form of another page, too.
    let foreign = [("merchant", "shop"), ("user", "u-1"), ("form_token", "of-another-page")];
    let about = [
        ("merchant", "shop"),
        ("user", "u-1"),
        ("endpoint", "token"),
        ("kind", "keeper"),
        ("reason", "test"),
        ("action", "cancel"),
        ("state", "uncertain"),
        ("as", "retry"),
    ];
    for path in forms.iter().filter(|path| *path != "/sign-out") {
        let real = path.replace("{id}", &order);
        let before = (rows_of(&api, "key:looker").await, rows_of(&api, "key:limited").await);
        assert_eq!(looker.act("/", &real, &about).await.status, 403, "{path}");
        let rows_of_looker = rows_of(&api, "key:looker").await;
        assert_eq!(
            rows_of_looker.len(),
            before.0.len() + 1,
            "a key that only looks posts {path}, and no row says so"
        );
        assert_eq!(rows_of_looker.last().unwrap().1, "refused", "{path}");
        if path == "/webhooks/{id}/resend" {
            // There is none.
            continue;
        }
        assert_eq!(limited.act("/", &real, &about).await.status, 404, "{path}");
        assert_eq!(limited.post(&real, &foreign).await.status, 403, "{path}");
        let told = rows_of(&api, "key:limited").await;
        let new: Vec<_> = told[before.1.len()..].iter().map(|row| row.1.as_str()).collect();
        assert_eq!(new, ["refused", "refused"], "{path} about another merchant");
    }
    // The rows say whom it was about.
    let filter = |user: Option<&str>| AuditFilter {
        outcome: Some("refused".into()),
        merchant: Some("shop".into()),
        user_hash: user.map(|user| api.app.audit.user(&klarna_order_worker::ids::UserKey::new("shop", user))),
        limit: 200,
        ..AuditFilter::default()
    };
    let of_user = api.app.store.audit_rows(&filter(Some("u-1"))).await.unwrap();
    assert!(of_user.iter().any(|row| row.action == "token.forget"), "{of_user:?}");
    assert_eq!(api.app.store.audit_rows(&filter(Some("u-2"))).await.unwrap(), []);

    // What is opened of another merchant, or wrong, has a row as well.
    let before = rows_of(&api, "key:limited").await.len();
    let user = "merchant=shop&user=u-1";
    for (path, status) in [
        (format!("/user?{user}"), 404),
        (format!("/user/forget?{user}"), 404),
        (format!("/user/resolve?{user}"), 404),
        ("/users?merchant=shop".to_owned(), 200),
        ("/audit".to_owned(), 404),
        ("/user/forget?merchant=other&user=u-1".to_owned(), 404),
    ] {
        assert_eq!(limited.get(&path).await.status, status, "{path}");
    }
    let wrong = [("merchant", "other"), ("user", "u-1"), ("as", "eat")];
    assert_eq!(limited.act("/", "/user/resolve", &wrong).await.status, 400);
    assert_eq!(
        rows_of(&api, "key:limited").await[before..],
        [
            own("token.read", "refused", ""),
            own("token.read", "refused", ""),
            own("token.read", "refused", ""),
            own("tokens.list", "refused", ""),
            own("audit.read", "refused", ""),
            own("token.read", "not_found", ""),
            own("token.resolve", "rejected", ""),
        ]
    );
    // Whoever asks for refused rows sees those of reads, too.
    let page = Browser::signed_in(&api, OPS).await.page("/audit?outcome=refused").await;
    assert!(page.contains(">audit.read</td>"), "{page}");
}

#[tokio::test]
async fn refused_actions_leave_rows() {
    let looker = key("looker", "key-of-looker", "scopes = [\"ops:read\"]");
    let api = Api::with_keys(&[keys(), looker].concat()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    // The settings have no such merchant, and so no address to sign its users out.
    let about = [("merchant", "gone"), ("user", "u-1")];
    assert_eq!(browser.act("/", "/user/sign-out", &about).await.status, 409);
    assert_eq!(rows(&api).await[1..], [own("user.revoke", "rejected", "")]);
    let looker = Browser::signed_in(&api, "key-of-looker").await;
    assert_eq!(looker.act("/", "/user/forget", &about).await.status, 403);
    for (path, action) in [
        ("/orders/bulk", "retry"),
        ("/orders/bulk", "cancel"),
        ("/orders/bulk", "retry-follow-ups"),
        ("/webhooks/resend", ""),
        ("/webhooks/test", ""),
        ("/pauses", ""),
    ] {
        assert_eq!(looker.act("/", path, &[("action", action)]).await.status, 403, "{path}");
    }
    let refused = [
        "token.forget",
        "order.retry",
        "order.cancel",
        "order.retry_follow_ups",
        "webhook.resend",
        "webhook.test",
        "ops.pause",
    ];
    assert_eq!(rows_of(&api, "key:looker").await[1..], refused.map(|action| own(action, "refused", "")));
    // What is wrong, or fails, is told too.
    let wrong = [("action", "retry"), ("from", "soon")];
    assert_eq!(browser.act("/", "/orders/bulk", &wrong).await.status, 400);
    assert_eq!(rows(&api).await.last().unwrap().1, "rejected");
}

/// Sends a request, and hangs up when it waits for the table of tokens.
async fn hang_up(database: &TestDatabase, request: RequestBuilder) {
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE klarna_worker.tokens").execute(&mut other).await.unwrap();
    let blocked = async {
        let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted \
                     AND relation = 'klarna_worker.tokens'::regclass)";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut other).await.unwrap() {}
    };
    tokio::select! {
        answer = send(request) => panic!("{answer:?}"),
        () = blocked => {}
    }
    other.close().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_a_row() {
    let database = TestDatabase::create().await;
    let api = Api::on(&database).await;
    let browser = Browser::new(&api);
    let token = value(&browser.page("/pauses/new").await, "form_token");
    hang_up(&database, api.request(Method::DELETE, "/v1/merchants/shop/users/u-1")).await;
    let fields = [("form_token", token.as_str()), ("merchant", "shop"), ("user", "u-2")];
    let form = browser.form("/user/forget", &fields).header("sec-fetch-site", "same-origin");
    hang_up(&database, form).await;
    let told = async {
        loop {
            let rows = rows_of(&api, "local").await;
            if rows.len() == 2 {
                break rows;
            }
        }
    };
    let told = timeout(SOON, told).await.expect("a request without an answer leaves no row");
    assert_eq!(told, [own("user.erase", "failed", ""), own("token.forget", "failed", "")]);
    api.app.store.close().await;
    database.remove().await;
}

#[tokio::test]
async fn the_page_is_for_keys_of_all_merchants() {
    let api = Api::with_keys(&keys()).await;
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    let answer = limited.get("/audit").await;
    assert!(answer.status == 404 && answer.text.contains("limited to some"), "{answer:?}");
}
