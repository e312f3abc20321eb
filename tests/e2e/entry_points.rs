//! Orders in the shape that live shops send, through every entry point and for both targets: Klarna
//! gets each as it was written. `tests/data/README.md` names where each shape comes from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use klarna_order_worker::app::App;
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::Settings;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Connection as _, PgConnection, Row as _};
use test_support::engine::{Database, both_engines};
use test_support::service::Client;
use test_support::shop::Shop;
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_mins(1);
const SHOPS: &str = include_str!("../data/shops.jsonl");

both_engines!(every_body_goes_through_every_entry_point_as_it_is);

/// An order as an integration sends it.
#[derive(Deserialize)]
struct Sample<'a> {
    user: &'a str,
    #[serde(borrow)]
    order: &'a RawValue,
}

impl Sample<'_> {
    fn envelope(&self, entry_point: &str, target: &str) -> String {
        let (user, order) = (self.user, self.order.get());
        format!(
            r#"{{"merchant":"shop","user":"{user}","idempotency_key":"{entry_point}-{target}-{user}","target":"{target}","order":{order}}}"#
        )
    }

    /// The body at Klarna: with the order's id as the second reference, unless the shop has one of
    /// its own.
    fn at_klarna(&self, id: &str) -> String {
        let order = self.order.get();
        let ours = format!(r#""merchant_reference2":"{id}""#);
        let empty = r#""merchant_reference2":"""#;
        match order.strip_suffix('}') {
            _ if order.contains(empty) => order.replacen(empty, &ours, 1),
            Some(members) if !order.contains("merchant_reference2") => format!("{members},{ours}}}"),
            _ => order.to_owned(),
        }
    }
}

type Arrived = Arc<Mutex<Vec<String>>>;

/// Klarna, which creates whatever it is sent and calls the n-th `k-n`.
async fn klarna() -> (String, Arrived) {
    fn taken(arrived: &Arrived, body: String) -> usize {
        let mut arrived = arrived.lock().unwrap();
        arrived.push(body);
        arrived.len() - 1
    }
    let checkout = async |State(arrived): State<Arrived>, body: String| {
        let n = taken(&arrived, body);
        (StatusCode::CREATED, format!(r#"{{"order_id":"k-{n}","html_snippet":"<div/>"}}"#))
    };
    let payments = async |State(arrived): State<Arrived>, body: String| {
        let n = taken(&arrived, body);
        format!(r#"{{"session_id":"k-{n}","client_token":"t"}}"#)
    };
    let arrived = Arrived::default();
    let router = Router::new()
        .route("/checkout/v3/orders", post(checkout))
        .route("/payments/v1/sessions", post(payments))
        .with_state(Arc::clone(&arrived));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, arrived)
}

async fn every_body_goes_through_every_entry_point_as_it_is(database: Database) {
    let (url, arrived) = klarna().await;
    let settings = "send_access_token = false\nprefill = false\ncheckout_rate_per_second = 1000";
    let shop = Shop::open(database, &[], settings);
    for target in ["checkout", "payments"] {
        let sandbox = shop.sandbox.ready[format!("{target}_url")].as_str().unwrap().to_owned();
        let setting = |url: &str| format!("{target}_url = \"{url}\"");
        shop.change_settings("a", &setting(&sandbox), &setting(&url));
    }
    // The leak search at the end wants secrets to look for.
    shop.sign_in(1).await;
    let served = shop.serve("a");
    let client = served.client();
    let samples: Vec<Sample> = SHOPS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(samples.len(), 11);

    let mut sent = 0;
    for target in ["checkout", "payments"] {
        let mut entry_points = vec![
            ("single", single(&client, &samples, target).await),
            ("batch", batch(&client, &samples, target).await),
            ("cli", command_line(&shop, &samples, target)),
            ("rust", rust(&shop, &samples, target).await),
        ];
        if let Database::Postgres { url } = &shop.database {
            entry_points.push(("sql", sql(url, &samples, target).await));
        }
        for (entry_point, ids) in entry_points {
            assert_eq!(ids.len(), samples.len(), "{entry_point}");
            for (sample, id) in samples.iter().zip(ids) {
                let what = format!("{} through {entry_point} for {target}", sample.user);
                let order = client.ended(&id, PATIENCE).await;
                let klarna_id =
                    [&order["klarna_order_id"], &order["session_id"]].into_iter().find_map(|id| id.as_str());
                let klarna_id = klarna_id.unwrap_or_else(|| panic!("{what}: {order}"));
                let place: usize = klarna_id.strip_prefix("k-").unwrap().parse().unwrap();
                assert_eq!(arrived.lock().unwrap()[place], sample.at_klarna(&id), "{what}");
                sent += 1;
            }
        }
    }
    assert_eq!(arrived.lock().unwrap().len(), sent, "each is sent once");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// `POST /v1/orders`
async fn single(client: &Client, samples: &[Sample<'_>], target: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for sample in samples {
        let envelope = sample.envelope("single", target);
        let (status, answer) = client.send_text("/v1/orders", "application/json", envelope).await;
        assert_eq!(status, 202, "{}: {answer}", sample.user);
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// `POST /v1/orders/batch`
async fn batch(client: &Client, samples: &[Sample<'_>], target: &str) -> Vec<String> {
    let lines = lines("batch", samples, target);
    let (status, answer) = client.send_text("/v1/orders/batch", "application/jsonl", lines).await;
    assert_eq!((status, &answer["refused"]), (200, &0.into()), "{answer:#}");
    let orders = answer["orders"].as_array().unwrap();
    orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

/// `enqueue`
fn command_line(shop: &Shop, samples: &[Sample<'_>], target: &str) -> Vec<String> {
    std::fs::write(shop.folder.path().join("orders.jsonl"), lines("cli", samples, target)).unwrap();
    let printed = shop.run("a", &["enqueue", "orders.jsonl"]);
    printed.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect()
}

/// The function in the database.
async fn sql(url: &str, samples: &[Sample<'_>], target: &str) -> Vec<String> {
    let mut cart = PgConnection::connect(url).await.unwrap();
    let mut ids = Vec::new();
    for sample in samples {
        let enqueue = "SELECT klarna_worker.enqueue_order('shop', $1, $2::json, target => $3)::text";
        let enqueue = sqlx::query(enqueue).bind(sample.user).bind(sample.order.get()).bind(target);
        ids.push(enqueue.fetch_one(&mut cart).await.unwrap().get(0));
    }
    cart.close().await.unwrap();
    ids
}

/// A Rust program that submits orders.
async fn rust(shop: &Shop, samples: &[Sample<'_>], target: &str) -> Vec<String> {
    let folder = shop.folder.path();
    let settings = std::fs::read_to_string(folder.join("a.toml")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let settings = settings
        .replace("sqlite://data", &format!("sqlite://{}", path("data")))
        .replace("data/instance-a", &path("data/instance-a"))
        .replace("\"key\"", &format!("\"{}\"", path("key")));
    let file = folder.join("rust.toml");
    std::fs::write(&file, settings).unwrap();
    let settings = Settings::load(Some(&file), std::iter::empty()).unwrap();
    let app = App::open(settings, &BTreeMap::new(), Clock::system()).await.unwrap();
    let intake = app.intake();
    let mut ids = Vec::new();
    for sample in samples {
        let order = intake.parse(&sample.envelope("rust", target), None).unwrap();
        ids.push(intake.submit(order).await.unwrap().accepted.id.to_string());
    }
    app.store.close().await;
    ids
}

fn lines(entry_point: &str, samples: &[Sample<'_>], target: &str) -> String {
    samples.iter().map(|sample| sample.envelope(entry_point, target) + "\n").collect()
}
