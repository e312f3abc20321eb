//! `/docs`

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use klarna_order_worker::api::Limits;
use reqwest::Method;
use serde_json::Value;

use super::{Api, settings};

#[tokio::test]
async fn the_page_describes_every_operation_and_schema() {
    let api = Api::open().await;
    let page = api.get("/docs").await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, "text/html; charset=utf-8"),
        "via a redirect"
    );
    let document: Value = serde_json::from_str(&klarna_order_worker::api::document().unwrap()).unwrap();
    let mut expected = BTreeSet::new();
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        expected.insert(operation["operationId"].as_str().unwrap().to_owned());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(page.text.contains(&format!("<code class=\"name\">{name}</code>")), "{name}");
        }
    }
    expected.extend(
        document["components"]["schemas"].as_object().unwrap().keys().map(|name| format!("schema-{name}")),
    );
    let ids = values_of(&page.text, " id=\"");
    assert_eq!(expected.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new(), "what the page lacks");
    let links = values_of(&page.text, " href=\"#");
    assert_eq!(links.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new(), "links to nowhere");
}

#[tokio::test]
async fn the_page_loads_its_own_stylesheet_and_nothing_else() {
    let api = Api::open().await;
    let page = api.get("/docs/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; base-uri 'none';"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src") && !policy.contains("http"),
        "{policy}"
    );
    assert!(!page.text.contains("<script") && !page.text.contains(" style=") && !page.text.contains(" src="));
    let files: Vec<_> =
        values_of(&page.text, " href=\"").into_iter().filter(|link| !link.starts_with('#')).collect();
    assert_eq!(files, ["../openapi.json", "style.css"]);
    let style = api.get("/docs/style.css").await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
    api.get("/docs/no-such.js").await.problem(404, "not-found");
}

#[tokio::test]
async fn descriptions_are_compressed_once_and_can_be_switched_off() {
    let api = Api::open().await;
    for path in ["/docs/", "/docs/style.css", "/openapi.json"] {
        let get = |coding| api.request(Method::GET, path).header("accept-encoding", coding).send();
        let (plain, packed) = (get("identity").await.unwrap(), get("br, gzip").await.unwrap());
        assert_eq!(
            (plain.headers().get("content-encoding"), packed.headers()["content-encoding"].as_bytes()),
            (None, &b"gzip"[..])
        );
        assert_eq!(packed.headers()["vary"], "accept-encoding");
        // It is not compressed while it is sent.
        let announced = packed.content_length();
        let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(announced, Some(packed.len() as u64), "{path}");
        assert!(unpacked == plain && packed.len() < plain.len() / 2, "{path}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(None, folder.path(), "");
    settings.server.docs = false;
    let api = Api::of(settings, folder, Limits { requests: 10, waits: 10 }).await;
    for path in ["/docs", "/docs/", "/docs/style.css", "/openapi.json"] {
        api.get(path).await.problem(404, "not-found");
    }
    assert_eq!(api.get("/livez").await.status, 200);
}

/// Returns the values of an attribute; `begin` is the text before each value.
fn values_of(page: &str, begin: &str) -> BTreeSet<String> {
    page.split(begin).skip(1).filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned).collect()
}
