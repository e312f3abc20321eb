//! `/docs`

use std::collections::BTreeSet;

use serde_json::Value;

use super::Api;

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
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        expected.insert(operation["operationId"].as_str().unwrap().to_owned());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(page.text.contains(&format!("<code class=\"name\">{name}</code>")), "{name}");
        }
    }
    expected.extend(document["components"]["schemas"].as_object().unwrap().keys().map(|name| format!("schema-{name}")));
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
    assert!(!policy.contains("unsafe") && !policy.contains("script-src") && !policy.contains("http"), "{policy}");
    assert!(!page.text.contains("<script") && !page.text.contains(" style=") && !page.text.contains(" src="));
    let files: Vec<_> = values_of(&page.text, " href=\"").into_iter().filter(|link| !link.starts_with('#')).collect();
    assert_eq!(files, ["../openapi.json", "style.css"]);
    let style = api.get("/docs/style.css").await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
    api.get("/docs/no-such.js").await.problem(404, "not-found");
}

/// The values of an attribute; `begin` is what stands before each of them.
fn values_of(page: &str, begin: &str) -> BTreeSet<String> {
    page.split(begin).skip(1).filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned).collect()
}
