//! Orders that Klarna refuses because of prefilled fields, at each target; and orders without any.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::shop::{Shop, order};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_mins(1);

/// The targets, with the path of each create call.
const TARGETS: [(&str, &str); 2] =
    [("checkout", "/checkout/v3/orders"), ("payments", "/payments/v1/sessions")];

/// What Klarna answers to an order with an e-mail address, by the order's `merchant_reference1`;
/// and whether the order then goes out once more without it.
const REFUSALS: [(&str, u16, &str, bool); 7] = [
    ("422-field", 422, r#"{"error_messages":["Bad value: billing_address.email"]}"#, true),
    (
        "422-object",
        422,
        r#"{"error_code":"BAD_VALUE","error_messages":["Bad value: billing_address"]}"#,
        true,
    ),
    ("422-none", 422, r#"{"error_messages":["Klarna is not available for this shopper"]}"#, true),
    ("422-empty", 422, "", true),
    ("400-code", 400, r#"{"error_code":"BAD_VALUE"}"#, true),
    ("400-empty", 400, "", true),
    ("422-other", 422, r#"{"error_messages":["Bad value: purchase_currency"]}"#, false),
];

both_engines!(
    a_refusal_of_prefilled_fields_costs_no_order_and_no_attempt,
    an_order_tells_why_nothing_was_prefilled,
);

/// A create call: its path, its idempotency key and its body.
type Call = (String, String, Value);

/// A stand-in for the create calls of both targets.
#[derive(Clone, Default)]
struct Klarna(Arc<Mutex<Vec<Call>>>);

impl Klarna {
    /// Starts it. Returns its address.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(create).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    /// Returns the calls for one order, in order.
    fn calls(&self, path: &str, reference: &str) -> Vec<Call> {
        let calls = self.0.lock().unwrap();
        let is_its = |call: &&Call| call.0 == path && call.2["merchant_reference1"] == reference;
        calls.iter().filter(is_its).cloned().collect()
    }
}

async fn create(
    State(klarna): State<Klarna>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let order: Value = serde_json::from_str(&body).unwrap_or_default();
    let (path, reference) = (uri.path().to_owned(), order["merchant_reference1"].clone());
    let refusal = REFUSALS.iter().find(|(name, ..)| reference == *name);
    let has_email = order["billing_address"]["email"].is_string();
    let key = headers.get("klarna-idempotency-key").map_or("", |key| key.to_str().unwrap());
    klarna.0.lock().unwrap().push((path.clone(), key.to_owned(), order));
    match (refusal, &*path) {
        (Some((_, status, text, _)), _) if has_email => {
            (StatusCode::from_u16(*status).unwrap(), (*text).to_owned())
        }
        (Some(_), "/checkout/v3/orders") => {
            (StatusCode::CREATED, json!({ "order_id": "k-1", "html_snippet": "<div></div>" }).to_string())
        }
        (Some(_), _) => {
            let session =
                json!({ "session_id": "s-1", "client_token": "t", "payment_method_categories": [] });
            (StatusCode::OK, session.to_string())
        }
        (None, _) => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn a_refusal_of_prefilled_fields_costs_no_order_and_no_attempt(database: Database) {
    let shop = Shop::open(database, &[], "");
    let klarna = Klarna::default();
    let url = klarna.start().await;
    for member in ["checkout_url", "payments_url"] {
        let sandbox = shop.sandbox.ready[member].as_str().unwrap().to_owned();
        shop.change_settings("a", &format!("{member} = \"{sandbox}\""), &format!("{member} = \"{url}\""));
    }
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;

    for (target, path) in TARGETS {
        for (reference, _, _, is_resent) in REFUSALS {
            let mut body = order();
            body["merchant_reference1"] = json!(reference);
            let envelope = json!({ "merchant": "shop", "user": "u-1", "target": target, "prefill": true, "order": body });
            let (status, accepted) =
                client.try_submit(&format!("{target}-{reference}"), &envelope).await.unwrap();
            assert_eq!(status, 202, "{accepted}");
            let ended = client.ended(accepted["id"].as_str().unwrap(), PATIENCE).await;

            let what = format!("{target} {reference}: {ended}");
            assert_eq!((&ended["token"], &ended["attempts"]), (&json!("fresh"), &json!(1)), "{what}");
            let calls = klarna.calls(path, reference);
            let (_, key, first) = &calls[0];
            assert!(first["billing_address"]["email"].is_string(), "{what}");
            if !is_resent {
                assert_eq!((&ended["status"], calls.len()), (&json!("failed"), 1), "{what}");
                assert!(
                    ended["prefilled"].as_array().unwrap().contains(&json!("/billing_address/email")),
                    "{what}"
                );
                assert!(ended["prefill_withdrawn"].is_null(), "{what}");
                continue;
            }
            assert_eq!((&ended["status"], calls.len()), (&json!("submitted"), 2), "{what}");
            assert_eq!((&ended["prefilled"], &ended["error"]), (&json!([]), &Value::Null), "{what}");
            assert_eq!(ended["possible_duplicate"], false, "{what}");
            let withdrawn = ended["prefill_withdrawn"].as_array().unwrap();
            assert!(withdrawn.contains(&json!("/billing_address/email")) && withdrawn.len() > 3, "{what}");
            // The second is the shop's order with the same token, under a key of its own.
            let (_, other_key, second) = &calls[1];
            body["merchant_reference2"] = ended["id"].clone();
            body["customer"] = json!({ "klarna_access_token": first["customer"]["klarna_access_token"] });
            assert!(*second == body && first["customer"]["klarna_access_token"].is_string(), "{what}");
            assert_ne!(key, other_key, "{what}");
        }
    }

    let exchanges = shop.stats().await.exchanges;
    let orders = (TARGETS.len() * REFUSALS.len()) as u64;
    assert_eq!((exchanges.total, exchanges.rotated, exchanges.spent_presented), (orders, orders, 0));
    assert!(served.program.terminate().await.success());
    let warned = "Klarna refused an order with prefilled fields; it is sent once more without them";
    let warnings = shop.log("a").iter().filter(|line| line["message"] == warned).count();
    assert_eq!(warnings as u64, orders - TARGETS.len() as u64);
    shop.close().await;
}

async fn an_order_tells_why_nothing_was_prefilled(database: Database) {
    let shop = Shop::open(database, &[], "issuer = \"https://other.example\"");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let envelope = json!({ "merchant": "shop", "user": "u-1", "order": order() });
    let (status, accepted) = client.try_submit("cart-1", &envelope).await.unwrap();
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["id"].as_str().unwrap();
    let ended = client.ended(id, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&json!("submitted"), &json!("fresh")), "{ended}");
    assert_eq!((&ended["prefilled"], &ended["prefill_withdrawn"]), (&json!([]), &Value::Null), "{ended}");
    let told = client.get_text(&format!("/v1/orders/{id}?history=true")).await;
    let why = "submitted, token: fresh; nothing was prefilled: the id_token is from another issuer";
    assert!(told.contains(why), "{told}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
