//! `/docs`

use super::Api;

#[tokio::test]
async fn the_pages_come_from_the_program_and_run_nothing_else() {
    let api = Api::open().await;
    let page = api.get("/docs").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html"), "the way in leads to the page");
    assert!(page.text.contains("swagger-ui-bundle.js"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for (name, media_type) in [
        ("swagger-initializer.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-standalone-preset.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("index.css", "text/css"),
    ] {
        let asset = api.get(&format!("/docs/{name}")).await;
        assert_eq!((asset.status.as_u16(), asset.header("content-type")), (200, media_type), "{name}");
        // Whatever the page names is here: no address of the internet among what it loads.
        assert!(!page.text.contains("//"), "{}", page.text);
    }
    assert!(api.get("/docs/swagger-initializer.js").await.text.contains("../openapi.json"));
    api.get("/docs/no-such.js").await.problem(404, "not-found");
}
