//! Klarna's messages: what is kept of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use klarna_order_worker::klarna::create::CreateAnswer;
use serde_json::json;
use test_support::mockito::Server;

use crate::checkout::{answer_to, orders, refusal, send};
use crate::{AMPLE, merchant};

#[tokio::test]
async fn messages_echo_neither_token_nor_password_nor_shopper_and_stay_short() {
    let long = format!("{} krn:at:secret-1", "y".repeat(495));
    let echo = json!(["token krn:at:secret-1, mail karl@klarna.example, pass word:1, country SE", long]);
    let CreateAnswer::BadOrder { messages, .. } = answer_to(400, &[], &refusal(&echo)).await else {
        panic!()
    };
    assert_eq!(messages[0], "token [redacted], mail [redacted], [redacted], country SE");
    assert_eq!(messages[1].chars().count(), 501);
    assert!(messages[1].ends_with(" [red…"), "{}", messages[1]);

    let many = vec!["again"; 100];
    let CreateAnswer::BadOrder { messages, .. } = answer_to(400, &[], &refusal(&json!(many))).await else {
        panic!()
    };
    assert_eq!(messages.len(), 20);
}

/// The answer has a very long text, and the order has more values than any shopper's.
#[tokio::test]
async fn a_long_message_about_a_large_order_is_read_in_one_pass() {
    // A value may be cut at the end of the text, so its beginning is removed too.
    let name = "z".repeat(2000);
    let text = format!("{}{}krn:at:secret-1", name.repeat(4), "y".repeat(8 * 1024 - 8000 - 5));
    let mut server = Server::new_async().await;
    let _cut = orders(&mut server).with_status(400).with_body(refusal(&json!([text]))).create_async().await;
    let body = json!({"customer": {"name": name, "klarna_access_token": "krn:at:secret-1"}}).to_string();
    let answer = send(&merchant(&server.url()), AMPLE, &body).await.answer;
    let CreateAnswer::BadOrder { messages, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(messages, ["[redacted]".repeat(4)]);

    let long = "karl@klarna.example krn:at:secret-1 ".repeat(3_900_000 / 36);
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", "/checkout/v3/orders").with_status(400).with_body(refusal(&json!([long])));
    let _mock = mock.create_async().await;
    let send = async |members: usize| {
        let customer: serde_json::Value = (0..members)
            .map(|n| (format!("m{n}"), json!(format!("value {n}"))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let body = json!({"customer": customer, "billing_address": {"email": "karl@klarna.example", "x": "krn:at:secret-1"}});
        match send(&merchant(&server.url()), AMPLE, &body.to_string()).await.answer {
            CreateAnswer::BadOrder { messages, .. } => messages,
            other => panic!("{other:?}"),
        }
    };
    let messages = send(3000).await;
    assert!(messages[0].starts_with("[redacted] [redacted] [redacted]"), "{}", messages[0]);
    assert_eq!(send(30_000).await, ["the reason is not kept, because it may repeat the shopper's data"]);
}

#[tokio::test]
async fn what_a_shop_attaches_about_the_shopper_is_not_echoed() {
    let attached = json!({"customer_account_info": [{"unique_account_identifier": "account-of-karl"}]});
    let order = json!({
        "attachment": {"content_type": "application/x.attachment+json", "body": attached.to_string()},
        "merchant_data": json!({"last": "karls-last-order", "changed": ["billing_address", "email"]}).to_string(),
        "shipping_address": {"given_name": "Karl-Otto"},
    });
    let mut server = Server::new_async().await;
    let echo = json!([
        "wrong: account-of-karl, karls-last-order, Karl-Otto",
        "billing_address.email: a field that a value names",
    ]);
    let _mock = orders(&mut server).with_status(400).with_body(refusal(&echo)).create_async().await;
    let answer = send(&merchant(&server.url()), AMPLE, &order.to_string()).await.answer;
    let CreateAnswer::BadOrder { messages, .. } = answer else { panic!("{answer:?}") };
    let told =
        ["wrong: [redacted], [redacted], [redacted]", "billing_address.email: a field that a value names"];
    assert_eq!(messages, told);
}

/// Returns how many of the 4,000 messages of an answer are kept.
async fn kept_of_many(text: String) -> usize {
    let mut server = Server::new_async().await;
    let mock = orders(&mut server).with_status(400).with_body(refusal(&json!(vec![text; 4000])));
    let _mock = mock.create_async().await;
    match send(&merchant(&server.url()), AMPLE, "{}").await.answer {
        CreateAnswer::BadOrder { messages, .. } => messages.len(),
        other => panic!("{other:?}"),
    }
}

/// A runtime starts a thread in the place of one that is busy with a large answer.
#[test]
fn a_large_answer_holds_up_no_other_task() {
    let threads = Arc::new(AtomicUsize::new(0));
    let started = Arc::clone(&threads);
    let count = move || {
        started.fetch_add(1, Ordering::Relaxed);
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().on_thread_start(count).build().unwrap();
    runtime.block_on(async {
        assert_eq!(tokio::spawn(kept_of_many("wrong".to_owned())).await.unwrap(), 20);
        let before = threads.load(Ordering::Relaxed);
        assert_eq!(tokio::spawn(kept_of_many("x".repeat(500))).await.unwrap(), 20);
        // The new thread counts itself when it runs.
        let counted = async {
            while threads.load(Ordering::Relaxed) == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), counted)
            .await
            .expect("2 MB were read on the only thread");
    });
}
