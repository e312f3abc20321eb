//! A stand-in for Klarna that costs as little as possible: it answers the token and create calls
//! from memory. So a measurement with it is one of the worker.
//!
//! It checks only what the measurements need: that no spent token is presented, that no order comes
//! twice, and that orders have an access token. All users share one id_token, signed by the sandbox
//! beforehand. It runs in this process.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use klarna_sandbox::{Behaviour, Clock, Sandbox, SandboxOptions, SignIn, Stats, Time};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::BenchError;
use crate::env::{CLIENT_ID, Workload};
use crate::shop::MERCHANT;

const TOKEN: &str = "/eu/lp/idp/oauth2/token";
const JWKS: &str = "/eu/lp/idp/.well-known/jwks.json";
/// How long access tokens and the id_token last: longer than any measurement.
const LIFETIME: Duration = Duration::from_hours(24);
/// The largest request that is read, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;
/// What refresh tokens and access tokens begin with; the user's number and the generation follow.
const REFRESH: &str = "light-refresh-";
const ACCESS: &str = "light-access-";

/// The running stand-in. Dropping it stops it.
pub struct Light {
    pub url: String,
    server: JoinHandle<()>,
}

impl Light {
    /// Starts the stand-in, and writes the tokens of its users to a file for `tokens import`.
    pub async fn start(workload: Workload, tokens: &Path) -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(BenchError::io("listen"))?;
        let address = listener.local_addr().map_err(BenchError::io("listen"))?;
        let url = format!("http://{address}");
        let Signed { id_token, jwks, issued_at } = signed(&url, workload.age).await?;
        let lines = (1..=workload.users).map(|user| registration(user, &issued_at)).collect::<String>();
        std::fs::write(tokens, lines).map_err(BenchError::io("write the tokens"))?;
        let users = usize::try_from(workload.users).unwrap_or(usize::MAX);
        let counts = Counts { generations: vec![1; users], ..Counts::default() };
        let klarna = Arc::new(Klarna {
            id_token,
            jwks,
            order: include_str!("order.json").trim().trim_start_matches('{').to_owned(),
            token_latency: workload.token_latency,
            checkout_latency: workload.checkout_latency,
            counts: Mutex::new(counts),
        });
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let klarna = Arc::clone(&klarna);
                // A client that closes its connection in between is no fault.
                tokio::spawn(async move { klarna.serve(socket).await.unwrap_or_default() });
            }
        });
        Ok(Self { url, server })
    }
}

impl Drop for Light {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the sandbox made.
struct Signed {
    id_token: String,
    /// The key set to verify it with.
    jwks: String,
    /// When a user who signed in so long ago got the first refresh token, as JSON.
    issued_at: Value,
}

/// Lets a sandbox sign an id_token of the issuer `url`.
async fn signed(url: &str, age: Duration) -> Result<Signed, BenchError> {
    let failed = |error: &dyn std::fmt::Display| BenchError::Http(format!("no id_token was signed: {error}"));
    let public_url = Some(url.parse().map_err(|error: url::ParseError| failed(&error))?);
    let behaviour = Behaviour { access_token_lifetime: LIFETIME, ..Behaviour::default() };
    let options = SandboxOptions { public_url, behaviour, record: false, ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options, Clock::system()).await.map_err(|error| failed(&error))?;
    let user = sandbox.admin().sign_in(SignIn { user: "light".to_owned(), age, ..SignIn::default() });
    let http = reqwest::Client::builder().no_proxy().build().map_err(|error| failed(&error))?;
    let at = |path: &str| format!("http://{}{path}", sandbox.address());
    let form = format!("grant_type=refresh_token&client_id={CLIENT_ID}&refresh_token={}", user.refresh_token);
    let form = http.post(at(TOKEN)).header("content-type", "application/x-www-form-urlencoded").body(form);
    let granted = form.send().await.map_err(|error| failed(&error))?.text().await;
    let granted: Value =
        serde_json::from_str(&granted.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
    let jwks = http.get(at(JWKS)).send().await.map_err(|error| failed(&error))?.text().await;
    let jwks = jwks.map_err(|error| failed(&error))?;
    let id_token = granted["id_token"].as_str().ok_or_else(|| failed(&granted))?.to_owned();
    sandbox.shutdown().await;
    Ok(Signed { id_token, jwks, issued_at: json!(user.issued_at) })
}

/// Returns a user's line for `tokens import`.
fn registration(user: u64, issued_at: &Value) -> String {
    let refresh_token = token(REFRESH, user, 1);
    let user = format!("u-{user}");
    let line =
        json!({"merchant": MERCHANT, "user": user, "refresh_token": refresh_token, "issued_at": issued_at});
    line.to_string() + "\n"
}

fn token(kind: &str, user: u64, generation: u64) -> String {
    format!("{kind}{user}-{generation}")
}

struct Klarna {
    id_token: String,
    jwks: String,
    /// An order's members, and the brace at the end.
    order: String,
    token_latency: Duration,
    checkout_latency: Duration,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    stats: Stats,
    /// The generation of each user's refresh token.
    generations: Vec<u64>,
    /// The idempotency keys of the orders.
    keys: HashSet<String>,
}

/// A request: its path, idempotency key and body.
struct Request<'a> {
    path: &'a str,
    key: &'a str,
    body: &'a str,
}

impl Klarna {
    /// Answers the requests of a connection until it is closed.
    async fn serve(&self, mut socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut read = Vec::with_capacity(8 * 1024);
        loop {
            let Some((head, length)) = receive(&mut socket, &mut read).await? else { return Ok(()) };
            let request = request(&read[..head], &read[head..head + length]);
            let answer = self.answer(request).await;
            socket.write_all(answer.as_bytes()).await?;
            read.drain(..head + length);
        }
    }

    async fn answer(&self, request: Request<'_>) -> String {
        let begun = Instant::now();
        match request.path {
            TOKEN => {
                pause(self.token_latency).await;
                let answer = self.exchange(request.body);
                add(&mut self.counts().stats.time.token, begun.elapsed());
                answer
            }
            "/checkout/v3/orders" => {
                pause(self.checkout_latency).await;
                let answer = self.create(request.key, request.body);
                add(&mut self.counts().stats.time.checkout, begun.elapsed());
                answer
            }
            JWKS => respond("200 OK", &self.jwks),
            "/stats" => respond("200 OK", &json!(self.counts().stats).to_string()),
            _ => respond("404 Not Found", "{}"),
        }
    }

    fn exchange(&self, form: &str) -> String {
        let presented = form.split('&').find_map(|member| member.strip_prefix("refresh_token="));
        let counts = &mut *self.counts();
        counts.stats.exchanges.total += 1;
        let found = presented.and_then(|presented| {
            let (user, generation) = presented.strip_prefix(REFRESH)?.split_once('-')?;
            let (user, generation) = (user.parse::<u64>().ok()?, generation.parse::<u64>().ok()?);
            let current = counts.generations.get_mut(usize::try_from(user.checked_sub(1)?).ok()?)?;
            Some((user, generation, current))
        });
        let Some((user, generation, current)) = found else {
            counts.stats.exchanges.invalid_grant += 1;
            return respond("400 Bad Request", r#"{"error":"invalid_grant"}"#);
        };
        if generation != *current {
            counts.stats.exchanges.invalid_grant += 1;
            counts.stats.exchanges.spent_presented += 1;
            return respond("400 Bad Request", r#"{"error":"invalid_grant"}"#);
        }
        *current += 1;
        counts.stats.exchanges.rotated += 1;
        let (refresh, access) = (token(REFRESH, user, *current), token(ACCESS, user, *current));
        let (id_token, seconds) = (&self.id_token, LIFETIME.as_secs());
        let granted = format!(
            r#"{{"id_token":"{id_token}","access_token":"{access}","refresh_token":"{refresh}","expires_in":{seconds},"token_type":"Bearer"}}"#
        );
        respond("200 OK", &granted)
    }

    fn create(&self, key: &str, body: &str) -> String {
        let has_token = body.contains(&format!(r#""klarna_access_token":"{ACCESS}"#));
        let counts = &mut *self.counts();
        let orders = &mut counts.stats.orders;
        orders.requests += 1;
        orders.total += 1;
        if has_token {
            orders.recognised += 1;
        } else {
            orders.without_token += 1;
        }
        if counts.keys.insert(key.to_owned()) {
            orders.distinct_references += 1;
        } else {
            orders.duplicates += 1;
        }
        let (number, order) = (orders.total, &self.order);
        let snippet = format!(r#"<div id=\"klarna-checkout-container\" data-order-id=\"{number}\"></div>"#);
        let created = format!(
            r#"{{"order_id":"light-{number}","status":"checkout_incomplete","html_snippet":"{snippet}",{order}"#
        );
        respond("201 Created", &created)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps. A timer sleeps for at least a millisecond, so a time of zero does not sleep at all.
async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn add(time: &mut Time, took: Duration) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    time.calls += 1;
    time.total_us = time.total_us.saturating_add(micros);
    time.longest_us = time.longest_us.max(micros);
}

/// Reads a request. Returns the lengths of its head and of its body; `None` if there is none.
async fn receive(socket: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Option<(usize, usize)>> {
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = end.map(|at| at + 4) {
            let length =
                header(&String::from_utf8_lossy(&read[..head]), "content-length").parse().unwrap_or(0);
            if read.len() >= head + length {
                return Ok(Some((head, length)));
            }
        }
        if read.len() > LARGEST || socket.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

fn request<'a>(head: &'a [u8], body: &'a [u8]) -> Request<'a> {
    let (head, body) = (std::str::from_utf8(head), std::str::from_utf8(body));
    let (head, body) = (head.unwrap_or_default(), body.unwrap_or_default());
    let path = head.split(' ').nth(1).unwrap_or_default();
    Request { path, key: header(head, "klarna-idempotency-key"), body }
}

/// Returns a header's value; empty if there is none.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let named = |line: &'a str| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    };
    head.lines().find_map(named).unwrap_or_default()
}

fn respond(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}
