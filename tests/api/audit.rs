//! The audit log: the rows that requests leave, and reading it.

use klarna_order_worker::order::{Disposition, OrderError, Prefill};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use super::{Answer, Api, ORDER, SOON, envelope, json as with_json, key, send};

const TOKEN: &str = "/v1/merchants/shop/users/u-1/token";
const USER: &str = "/v1/merchants/shop/users/u-1";

async fn keyed() -> Api {
    let shop = key("shop", "key-of-shop", "scopes = [\"orders\", \"tokens\"]\nmerchants = [\"shop\"]");
    let ops = key("operator", "key-of-ops", "scopes = [\"ops\", \"orders\", \"tokens\"]");
    let limited = key("limited", "key-of-limited", "scopes = [\"ops\"]\nmerchants = [\"shop\"]");
    let reader = key("reader", "key-of-reader", "scopes = [\"orders:read\"]");
    Api::with_keys(&[shop, ops, limited, reader].concat()).await
}

impl Api {
    async fn with_key(&self, key: &str, method: Method, path: &str, body: Option<&str>) -> Answer {
        let request = self.request(method, path).bearer_auth(key);
        send(match body {
            Some(body) => with_json(request, body.to_owned()),
            None => request,
        })
        .await
    }

    /// Returns the rows that match a query, oldest first, after all are stored.
    pub async fn audited(&self, query: &str) -> Vec<Value> {
        tokio::time::timeout(SOON, self.app.audit.flush()).await.expect("not stored");
        let path = format!("/v1/audit?limit=200&{query}");
        let answer = self.with_key("key-of-ops", Method::GET, &path, None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut rows = answer.json()["rows"].as_array().unwrap().clone();
        rows.reverse();
        rows
    }
}

/// The action, outcome and object of a row.
fn describe(row: &Value) -> (&str, &str, Option<&str>) {
    (row["action"].as_str().unwrap(), row["outcome"].as_str().unwrap(), row["object"].as_str())
}

#[tokio::test]
async fn each_entry_point_leaves_its_row() {
    let api = keyed().await;
    let as_shop = |method: Method, path: &str, body: Option<&'static str>| {
        let path = path.to_owned();
        let api = &api;
        async move { api.with_key("key-of-shop", method, &path, body).await }
    };
    let order = envelope("shop", "u-1", ORDER);
    let accepted = api.with_key("key-of-shop", Method::POST, "/v1/orders", Some(&order)).await;
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    as_shop(Method::PUT, TOKEN, Some(r#"{"refresh_token":"sesame-token"}"#)).await;
    as_shop(Method::GET, TOKEN, None).await;
    as_shop(Method::HEAD, TOKEN, None).await;
    as_shop(Method::GET, &format!("{TOKEN}/history"), None).await;
    as_shop(Method::GET, "/v1/merchants/shop/users", None).await;
    as_shop(Method::POST, &format!("/v1/orders/{id}/cancel"), None).await;
    as_shop(Method::POST, &format!("/v1/orders/{id}/retry"), None).await;
    as_shop(Method::POST, "/v1/orders/batch", Some("[1]")).await;
    as_shop(Method::POST, &format!("{TOKEN}/resolve"), Some(r#"{"decision":"retry"}"#)).await;
    as_shop(Method::DELETE, TOKEN, None).await;
    as_shop(Method::POST, &format!("{USER}/rename"), Some(r#"{"to":"u-2"}"#)).await;
    as_shop(Method::DELETE, USER, None).await;
    as_shop(Method::GET, "/v1/merchants/other/users/u-1/token", None).await;
    as_shop(Method::GET, "/v1/merchants/shop/users/nobody/token", None).await;
    let rows = api.audited("key=shop").await;
    let found: Vec<_> = rows.iter().map(describe).collect();
    let order = id.as_str();
    let id = Some(order);
    assert_eq!(
        found,
        [
            ("order.submit", "done", id),
            ("token.register", "done", None),
            ("token.read", "done", None),
            ("token.read", "done", None),
            ("token.read", "done", None),
            ("tokens.list", "done", None),
            ("order.cancel", "done", id),
            ("order.retry", "rejected", id),
            ("orders.submit", "done", Some("0 new, 0 known, 1 refused")),
            ("token.resolve", "refused", None),
            ("token.forget", "done", None),
            ("user.rename", "done", None),
            ("user.erase", "done", None),
            ("token.read", "refused", None),
            ("token.read", "not_found", None),
        ]
    );
    for row in &rows {
        assert_eq!(row["actor"], "key:shop");
        assert!(row["request_id"].is_string() && row["happened_at"].is_string(), "{row}");
    }
    // The user has the same name in all rows, which is not the shop's.
    let user = rows[0]["user"].as_str().unwrap();
    let of_user = api.audited("merchant=shop&user=u-1").await;
    assert!(of_user.len() >= 10 && of_user.iter().all(|row| row["user"] == user), "{of_user:?}");
    assert_eq!(api.audited("merchant=shop&user=u-3").await, [] as [Value; 0]);

    api.with_key("key-of-ops", Method::POST, "/v1/orders/retry", Some(r#"{"merchant":"shop"}"#)).await;
    let operator = api.audited("key=operator&action=order.retry").await;
    assert_eq!(
        operator.iter().map(describe).collect::<Vec<_>>(),
        [("order.retry", "done", Some("0 orders"))]
    );
    assert_eq!(operator[0]["merchant"], "shop");
    assert_ne!(api.audited("action=audit.read").await, [] as [Value; 0], "reading the log leaves a row too");

    // Orders may be read without a row, and strangers leave none.
    let before = api.audited("").await.len();
    as_shop(Method::GET, "/v1/orders", None).await;
    api.get(TOKEN).await;
    api.with_key("key-of-nobody", Method::GET, TOKEN, None).await;
    assert_eq!(api.audited("").await.len(), before + 1, "that of reading the log");

    // By outcome and object.
    let refused: Vec<Value> = api.audited("outcome=refused").await;
    assert_eq!(
        refused.iter().map(|row| describe(row).0).collect::<Vec<_>>(),
        ["token.resolve", "token.read"]
    );
    let of_order = api.audited(&format!("object={order}")).await;
    let told: Vec<_> = of_order.iter().map(describe).collect();
    assert_eq!(
        told,
        [("order.submit", "done", id), ("order.cancel", "done", id), ("order.retry", "rejected", id)]
    );
    let rejected = api.audited(&format!("object={order}&outcome=rejected")).await;
    assert_eq!(rejected, of_order[2..]);

    // Nothing secret is in the table, and nobody's name.
    let all = serde_json::to_string(&api.audited("").await).unwrap();
    for secret in ["sesame", "key-of-", "u-1", "nobody", "T-shirt"] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
}

#[tokio::test]
async fn an_order_of_another_merchant_is_refused_and_looks_absent() {
    let api = keyed().await;
    let order = envelope("other", "u-1", ORDER);
    let accepted = api.with_key("key-of-ops", Method::POST, "/v1/orders", Some(&order)).await;
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    for path in [format!("/v1/orders/{id}/cancel"), format!("/v1/orders/{id}/retry")] {
        api.with_key("key-of-shop", Method::POST, &path, None).await.problem(404, "not-found");
    }
    let rows = api.audited("key=shop").await;
    let told: Vec<_> = rows.iter().map(describe).collect();
    assert_eq!(told, [("order.cancel", "refused", Some(&*id)), ("order.retry", "refused", Some(&*id))]);
}

#[tokio::test]
async fn orders_go_on_while_rows_wait() {
    let api = Api::open().await;
    let url = format!("sqlite://{}", api.folder.path().join("worker.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("ALTER TABLE audit_log RENAME TO away").execute(&mut database).await.unwrap();
    let id = api.accepted("shop", "u-1").await;
    let failed = Disposition::Failed {
        error: OrderError { code: "bad_order".into(), message: "wrong".into(), ..OrderError::default() },
        token: None,
        prefilled: Prefill::default(),
    };
    api.settle(&failed).await;
    assert_eq!(api.get(&format!("/v1/orders/{id}")).await.json()["status"], "failed");
    assert_eq!(
        send(api.request(Method::PUT, TOKEN).header("content-type", "application/json").body("{}"))
            .await
            .status,
        422
    );
    sqlx::raw_sql("ALTER TABLE away RENAME TO audit_log").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let rows = api.get("/v1/audit").await.json();
    let told: Vec<_> = rows["rows"].as_array().unwrap().iter().map(describe).collect();
    assert_eq!(told, [("token.register", "rejected", None), ("order.submit", "done", Some(&*id))]);
}

#[tokio::test]
async fn without_keys_the_actor_is_this_machine() {
    let api = Api::open().await;
    api.accepted("shop", "u-1").await;
    assert_eq!(api.get(TOKEN).await.status, 404);
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let rows = api.get("/v1/audit").await.json();
    let told: Vec<_> =
        rows["rows"].as_array().unwrap().iter().map(|row| (&row["actor"], describe(row).0)).collect();
    let local = json!("local");
    assert_eq!(told, [(&local, "token.read"), (&local, "order.submit")], "newest first");
}

#[tokio::test]
async fn a_revocation_and_a_long_path_have_their_rows() {
    let api = Api::open().await;
    let put = with_json(api.request(Method::PUT, TOKEN), r#"{"refresh_token":"t-1"}"#);
    assert_eq!(send(put).await.status, 204);
    for (path, status) in [
        (format!("{TOKEN}?revoke=true"), 204),
        ("/v1/merchants/gone/users/u-1/token?revoke=true".to_owned(), 400),
        (format!("{TOKEN}?revoke=false"), 204),
    ] {
        assert_eq!(send(api.request(Method::DELETE, &path)).await.status, status, "{path}");
    }
    // What a caller writes is cut.
    let long = "1".repeat(1001);
    send(api.request(Method::POST, &format!("/v1/orders/{long}/cancel"))).await;
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let rows = api.get("/v1/audit").await.json();
    let told: Vec<_> = rows["rows"].as_array().unwrap().iter().map(describe).collect();
    assert_eq!(
        told,
        [
            ("order.cancel", "not_found", Some(&long[1..])),
            ("token.forget", "done", None),
            ("user.revoke", "rejected", None),
            ("user.revoke", "done", None),
            ("token.register", "done", None),
        ]
    );
}

#[tokio::test]
async fn the_log_is_read_by_operators_of_all_merchants_in_pages() {
    let api = keyed().await;
    for number in 0..5 {
        let path = format!("/v1/merchants/shop/users/u-{number}/token");
        api.with_key("key-of-shop", Method::GET, &path, None).await;
    }
    for key in ["key-of-shop", "key-of-reader", "key-of-limited"] {
        api.with_key(key, Method::GET, "/v1/audit", None).await.problem(403, "forbidden");
    }
    api.get("/v1/audit").await.problem(401, "unauthorized");
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let page = async |cursor: &str| {
        let path = format!("/v1/audit?key=shop&action=token.read&limit=2{cursor}");
        api.with_key("key-of-ops", Method::GET, &path, None).await.json()
    };
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = page(&cursor).await;
        ids.extend(answer["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
        let Some(next) = answer["next"].as_i64() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(ids.len() == 5 && ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
    assert_eq!(api.audited("since=2100-01-01T00:00:00Z").await, [] as [Value; 0]);
    let filters = ["action=token.eaten", "user=u-1", "outcome=eaten", "object=", "object=%00"];
    for wrong in filters.into_iter().chain(["limit=0", "cursor=0", "since=yesterday", "colour=red"]) {
        let answer = api.with_key("key-of-ops", Method::GET, &format!("/v1/audit?{wrong}"), None).await;
        answer.problem(400, "invalid-request");
    }
}
