//! No text from outside runs in an operator's browser.

use klarna_order_worker::order::TokenOutcome;

use super::{Browser, OPS, WICKED, failed, keys, submitted};
use crate::Api;

/// Returns all kinds of pages, each with content.
async fn all_pages(api: &Api) -> Vec<String> {
    api.has_an_endpoint().await;
    let submitted_order = api.ordered("shop", WICKED).await;
    api.settle(&submitted(TokenOutcome::Fresh)).await;
    let failed_order = api.ordered("shop", WICKED).await;
    api.settle(&failed("bad_<i>order</i>")).await;
    let queued = api.ordered("shop", "u-1").await;
    api.has_token("u-1").await;
    api.uncertain("u-1").await;
    let webhook = api.webhooks().await.remove(0);
    let mut pages: Vec<String> =
        ["/", "/?range=1h", "/?range=30d", "/orders", "/orders?error=bad_order", "/users", "/webhooks"]
            .map(str::to_owned)
            .into();
    pages.extend(["/audit", "/merchants", "/outages", "/pauses", "/pauses/new"].map(str::to_owned));
    for order in [&submitted_order, &failed_order, &queued] {
        pages.extend(["", "/retry", "/cancel"].map(|rest| format!("/orders/{order}{rest}")));
    }
    for path in ["/user", "/user/resolve", "/user/forget"] {
        pages.push(format!("{path}?merchant=shop&user=u-1"));
    }
    let wicked = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22%27%26";
    pages.extend([
        format!("/orders?user={wicked}"),
        format!("/users?user={wicked}"),
        format!("/user?merchant=shop&user={wicked}"),
    ]);
    pages.push(format!("/webhooks/{}/resend", webhook.id));
    pages
}

#[tokio::test]
async fn nothing_that_a_page_shows_can_run() {
    let api = Api::with_keys(&keys()).await;
    let pages = all_pages(&api).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let mut seen = String::new();
    for path in
        pages.iter().map(String::as_str).chain(["/sign-in", "/orders/none", "/orders?status=none", "/user"])
    {
        let answer = browser.get(path).await;
        assert!([200, 400, 404].contains(&answer.status.as_u16()), "{path}: {answer:?}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, says) in [
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), says, "{path}");
        }
        let text = answer.text;
        for (at, _) in text.match_indices("<script") {
            assert!(
                text[at..].starts_with(r#"<script src="/assets/live.js" defer></script>"#),
                "{path}: {}",
                &text[at..at + 80]
            );
        }
        assert_eq!(text.matches("<script").count(), 1, "{path}");
        for never in
            ["<style", " style=", " onclick=", " onload=", " onerror=", "javascript:", "<b>way", "<i>order"]
        {
            assert!(!text.contains(never), "{path}: {never}");
        }
        // An address that does not begin with / would be on another host.
        for attribute in ["href=\"", "src=\"", "action=\""] {
            for (_, rest) in text.match_indices(attribute).map(|(at, _)| text[at..].split_at(attribute.len()))
            {
                assert!(
                    (rest.starts_with('/') && !rest.starts_with("//")) || rest.starts_with('#'),
                    "{path}: {attribute}"
                );
            }
        }
        seen.push_str(&text);
    }
    for escaped in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;script&gt;snippet()",
        "No &lt;b&gt;way",
        "bad_&lt;i&gt;order",
    ] {
        assert!(seen.contains(escaped), "{escaped}");
    }
}

#[tokio::test]
async fn assets_come_from_the_program() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::new(&api);
    for (name, media_type) in [
        ("style.css", "text/css; charset=utf-8"),
        ("live.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let asset = browser.get(&format!("/assets/{name}")).await;
        assert_eq!((asset.status.as_u16(), asset.header("content-type")), (200, media_type), "{name}");
        assert!(!asset.text.contains("http://") || name == "icon.svg", "{name}");
    }
    assert_eq!(browser.get("/assets/none").await.status, 404);
}
