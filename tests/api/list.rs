//! `GET /v1/orders`

use std::collections::BTreeSet;

use klarna_order_worker::order::{Disposition, OrderError, Prefill};

use super::Api;

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
    let error =
        OrderError { code: "bad_order".into(), message: "No.".into(), faults: vec![], correlation_id: None };
    api.settle(&Disposition::Failed { error, token: None, prefilled: Prefill::default() }).await;
    let (queued, of_other) = (api.accepted("shop", "u-1").await, api.accepted("other", "u-2").await);

    assert_eq!(ids(&api, "?status=failed").await, [failed.as_str()]);
    assert_eq!(ids(&api, "?merchant=other").await, [of_other.as_str()]);
    assert_eq!(ids(&api, "?user=u-1&status=queued").await, [queued.as_str()]);
    assert!(ids(&api, "?merchant=no-such").await.is_empty());
    let listed = api.get("/v1/orders?status=failed").await.json();
    assert_eq!(listed["orders"][0], api.get(&format!("/v1/orders/{failed}")).await.json());
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
    ] {
        let problem = api.get(&format!("/v1/orders?{query}")).await.problem(400, "invalid-request");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{query}: {problem}");
    }
}
