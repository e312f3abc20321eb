//! No log line, error or answer contains keys, tokens or bodies.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use reqwest::Method;
use tracing_subscriber::filter::LevelFilter;

use super::{Answer, Api, ORDER, envelope, json, key, send};

/// Everything that the process logs, at the finest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Starts the capture; a process has only one.
    fn capture() -> Self {
        static STARTED: OnceLock<Log> = OnceLock::new();
        let started = STARTED.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(LevelFilter::TRACE);
            subscriber.with_writer(move || writer.clone()).init();
            log
        });
        started.clone()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_any_answer_or_log() {
    let log = Log::capture();
    let api = Api::with_keys(&key("shop-key", "sesame-key", r#"scopes = ["orders", "tokens"]"#)).await;
    let as_key = |key: &str, method, path: &str| api.request(method, path).bearer_auth(key);
    let token = "/v1/merchants/shop/users/sesame-user/token";
    let put = |body: &'static str| send(json(as_key("sesame-key", Method::PUT, token), body));
    let post = |body: String| send(json(as_key("sesame-key", Method::POST, "/v1/orders"), body));

    let answers: Vec<Answer> = vec![
        put(r#"{"refresh_token":"sesame-token"}"#).await,
        put(r#"{"refresh_token":"sesame-token"}"#).await,
        put(r#"{"refresh_token":"sesame token"}"#).await,
        put(r#"{"refresh_token":{"sesame":1}}"#).await,
        put(r#"{"token":"sesame-token"}"#).await,
        put(r#""sesame-token""#).await,
        put(r#"{"refresh_token":"sesame-token"#).await,
        send(as_key("sesame-guess", Method::GET, token)).await,
        send(as_key("sesame-key", Method::DELETE, token)).await,
        post(envelope("shop", "sesame-user", &ORDER.replace("T-shirt", "sesame-shirt"))).await,
        post(envelope("shop", "sesame-user", r#"{"customer":{"klarna_access_token":"sesame-token"}}"#)).await,
        post(envelope("shop", "sesame-user", r#"{"billing_address":{"email":"sesame"}}"#)).await,
        post(r#"{"sesame": "#.to_owned()).await,
    ];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [204, 200, 422, 422, 422, 422, 422, 401, 204, 202, 422, 422, 422]);
    for answer in &answers {
        // The caller knows the user, so the answer may contain the name.
        let text = format!("{answer:?}").replace("sesame-user", "");
        assert!(!text.contains("sesame"), "{text}");
    }

    let text = log.text();
    assert!(
        text.contains("A request was refused: no valid API key") && text.contains("unknown API key"),
        "{text}"
    );
    assert!(text.contains("key=\"shop-key\""), "the key's name is in the span");
    assert!(text.contains("/v1/merchants/{merchant}/users/{user}/token"), "the route is, and not the path");
    // sqlx logs its statements and hyper what it parses; neither may contain what was sent.
    let leaks: Vec<&str> = text.lines().filter(|line| line.contains("sesame")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn strangers_do_not_fill_the_log() {
    let log = Log::capture();
    let api = Api::with_keys(&key("operator", "key-of-ops", r#"scopes = ["ops:read"]"#)).await;
    let (began, before) = (std::time::Instant::now(), log.text().len());
    for _ in 0..50 {
        assert_eq!(send(api.request(Method::GET, "/v1/orders")).await.status, 401);
        let form = api.request(Method::POST, "/sign-in").form(&[("key", "key-of-nobody")]);
        assert_eq!(send(form).await.status, 403, "of another page");
    }
    let lines = |text: &str| log.text()[before..].lines().filter(|line| line.contains(text)).count();
    let most = 1 + usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    for told in ["A request was refused: no valid API key", "A form was refused: it did not come"] {
        assert!((1..=most.min(49)).contains(&lines(told)), "{told}: {} lines", lines(told));
    }
    // Each refusal of a caller with a key is logged.
    for _ in 0..3 {
        let request = api.request(Method::GET, "/v1/orders").bearer_auth("key-of-ops");
        assert_eq!(send(request).await.status, 403);
    }
    assert_eq!(lines("lacks the scope"), 3);
}
