//! `GET /v1/orders`

use std::collections::BTreeSet;

use klarna_order_worker::order::{Disposition, OrderError, Prefill};

use reqwest::Method;

use super::{Api, ORDER, envelope, json, key, send};

async fn ids(api: &Api, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/v1/orders{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.json();
    list["orders"].as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_join_to_the_whole() {
    let api = Api::open().await;
    let mut taken_in = BTreeSet::new();
    for number in 0..5 {
        taken_in.insert(api.accepted("shop", &format!("u-{number}")).await);
    }
    let newest_first: Vec<String> = taken_in.into_iter().rev().collect();
    assert_eq!(ids(&api, "").await, newest_first);

    let (mut seen, mut query, mut pages) = (Vec::new(), "?limit=2".to_owned(), 0);
    loop {
        seen.extend(ids(&api, &query).await);
        pages += 1;
        match api.get(&format!("/v1/orders{query}")).await.json()["next"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen, pages), (newest_first, 3));
    assert_eq!(api.get("/v1/orders?limit=5").await.json().get("next"), None, "a full last page is the last");
}

#[tokio::test]
async fn filters_leave_out_the_rest() {
    let api = Api::open().await;
    let failed = api.accepted("shop", "u-1").await;
    let error = OrderError { code: "bad_order".into(), message: "No.".into(), ..OrderError::default() };
    api.settle(&Disposition::Failed { error, token: None, prefilled: Prefill::default() }).await;
    let (queued, of_other) = (api.accepted("shop", "u-1").await, api.accepted("other", "u-2").await);

    let payments = envelope("shop", "u-3", ORDER).replacen('{', r#"{"target":"payments","#, 1);
    let payments = api.post_order(payments).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&api, "?target=payments").await, [payments.as_str()]);
    assert_eq!(ids(&api, "?target=checkout&user=u-3").await, [""; 0]);
    assert_eq!(api.get("/v1/orders?target=card").await.status, 400);

    assert_eq!(ids(&api, "?status=failed").await, [failed.as_str()]);
    assert_eq!(ids(&api, "?merchant=other").await, [of_other.as_str()]);
    assert_eq!(ids(&api, "?user=u-1&status=queued").await, [queued.as_str()]);
    assert!(ids(&api, "?merchant=no-such").await.is_empty());
    let listed = api.get("/v1/orders?status=failed").await.json();
    assert_eq!(listed["orders"][0], api.get(&format!("/v1/orders/{failed}")).await.json());
}

/// An order with a cart's key and the shop's references.
fn referenced(merchant: &str, key: &str, reference: &str) -> String {
    let order = ORDER.replacen(
        '{',
        &format!(r#"{{"merchant_reference1":"{reference}","merchant_reference2":"B-{key}","#),
        1,
    );
    envelope(merchant, "u-1", &order).replacen('{', &format!(r#"{{"idempotency_key":"{key}","#), 1)
}

#[tokio::test]
async fn an_order_is_found_by_what_the_shop_knows_of_it() {
    let only = key("only", "key-of-other", "scopes = [\"orders:read\"]\nmerchants = [\"other\"]");
    let all = key("all", "key-of-all", "scopes = [\"orders\"]");
    let api = Api::with_keys(&[only, all].concat()).await;
    let submit = async |text: String| {
        let request = api.request(Method::POST, "/v1/orders").bearer_auth("key-of-all");
        send(json(request, text)).await.json()["id"].as_str().unwrap().to_owned()
    };
    let one = submit(referenced("shop", "cart-1", "A-1 å")).await;
    let other = submit(referenced("other", "cart-2", "A-1 å")).await;
    let found = async |bearer: &str, q: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        let request = api.request(Method::GET, &format!("/v1/orders?{query}")).bearer_auth(bearer);
        let list = send(request).await.json();
        let orders = list["orders"].as_array().unwrap().clone();
        orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for q in ["cart-1", "B-cart-1", one.as_str()] {
        assert_eq!(found("key-of-all", q).await, [one.as_str()], "{q}");
        assert!(found("key-of-other", q).await.is_empty(), "{q}");
    }
    for q in ["A-1 å", "u-1"] {
        assert_eq!(found("key-of-all", q).await, [other.as_str(), one.as_str()], "{q}");
        assert_eq!(found("key-of-other", q).await, [other.as_str()], "{q}");
    }
    // By the beginning, where nothing that the key may see has it as a whole.
    for q in ["A-1", "B-cart", "A-1 "] {
        assert_eq!(found("key-of-all", q).await, [other.as_str(), one.as_str()], "{q}");
        assert_eq!(found("key-of-other", q).await, [other.as_str()], "{q}");
    }
    let longer = submit(referenced("other", "cart-12", "a-1")).await;
    assert_eq!(found("key-of-all", "cart-1").await, [one.as_str()]);
    assert_eq!(found("key-of-other", "cart-1").await, [longer.as_str()]);
    assert!(found("key-of-all", "ca").await.is_empty() && found("key-of-all", "Cart").await.is_empty());
    let request = api.request(Method::GET, &format!("/v1/orders/{one}")).bearer_auth("key-of-all");
    let shown = send(request).await.json();
    assert_eq!(
        (&shown["idempotency_key"], &shown["merchant_reference1"], &shown["order_amount"]),
        (&"cart-1".into(), &"A-1 å".into(), &50000.into())
    );
}

/// A batch keeps the same of each order.
#[tokio::test]
async fn an_order_of_a_batch_is_found_too() {
    let api = Api::open().await;
    let batch = [referenced("shop", "cart-1", "A-1"), referenced("shop", "cart-2", "A-2")].join(",");
    assert_eq!(api.batch_as("application/json", format!("[{batch}]")).await.status, 200);
    assert_eq!(ids(&api, "?q=A-2").await, ids(&api, "?q=cart-2").await);
    assert_eq!(ids(&api, "?q=A-2").await.len(), 1);
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    let api = Api::open().await;
    for (query, says) in [
        ("status=done", "queued"),
        ("limit=0", "1 to 200"),
        ("limit=201", "1 to 200"),
        ("limit=many", "limit"),
        ("cursor=last", "cursor"),
        ("stauts=queued", "status"),
        ("user=a&user=b", "user"),
        ("q=", "q: "),
        ("q=%00", "q: "),
    ] {
        let problem = api.get(&format!("/v1/orders?{query}")).await.problem(400, "invalid-request");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{query}: {problem}");
    }
}
