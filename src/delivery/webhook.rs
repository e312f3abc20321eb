//! Sends webhook events to shops, signed by the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>).
//!
//! An event is sent until the shop answers 2xx: at least once, in any order, always with the same
//! id. Redirects are not followed. Only the status and `Retry-After` of an answer matter; its body
//! is ignored.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::value::RawValue;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer, WebhookError,
};
use tracing::field::display;
use tracing::{Instrument as _, Span};

use super::schedule;
use crate::clock::{Clock, since_boot};
use crate::config::{Live, Merchants, Webhook};
use crate::klarna::http::{BuildError, HttpClient, Limits};
use crate::klarna::pauses::retry_after;
use crate::meter;
use crate::queue::{Handler, Slot, Wake};
use crate::store::{Answer, ClaimedWebhook, Delivery, EventKind, Webhooks};
use crate::telemetry::traces::{self, Traceparent, failed, link, traced};

/// An attempt may take 15 s. Up to 16 KiB of the answer's body are read and dropped, so that the
/// connection can be reused.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), call: Duration::from_secs(15), body: 16 * 1024, reuse: true };
/// The longest wait that a shop's `Retry-After` can ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// Sends events one at a time, each to its merchant's endpoint.
pub struct Sender {
    store: Arc<dyn Webhooks>,
    merchants: Live<Merchants>,
    http: HttpClient,
    clock: Clock,
    /// Notified when an attempt ends, because the merchant's next event can be claimed then.
    wake: Wake,
}

#[async_trait]
impl Handler<ClaimedWebhook> for Sender {
    async fn run(&self, event: ClaimedWebhook, _: &mut Slot) {
        let (run, span) = spans(&event);
        self.attempt(event, &run).instrument(span).instrument(run.clone()).await;
        self.wake.notify();
    }
}

impl Sender {
    /// A sender for the merchants of the settings that have a webhook.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(
        store: Arc<dyn Webhooks>,
        merchants: Live<Merchants>,
        clock: Clock,
        wake: Wake,
    ) -> Result<Self, BuildError> {
        Ok(Self { store, merchants, http: HttpClient::new(LIMITS)?, clock, wake })
    }

    /// Sends an event once, and stores what came of it.
    async fn attempt(&self, event: ClaimedWebhook, run: &Span) {
        let (merchant, kind) = (&event.merchant, event.kind.as_str());
        let begun = since_boot();
        let sent = self.send(&event, run).await;
        let took = since_boot().saturating_sub(begun);
        let status = sent.as_ref().map_or_else(|failed| failed.status, |status| Some(*status));
        let answer = Answer { status: status.map(|status| status.as_u16()), took };
        let is_test = event.kind == EventKind::Test;
        let delivery = match sent {
            Ok(_) => {
                meter::webhook(merchant, "delivered", took);
                Delivery::Delivered
            }
            Err(Failed { error, retry_after, gone, .. }) => {
                failed(run, "failed");
                meter::webhook(merchant, if gone { "gone" } else { "failed" }, took);
                let after = schedule::wait(event.attempts + 1, rand::random(), retry_after);
                if is_test {
                    tracing::info!(error, "A test event was not accepted by the shop");
                } else {
                    tracing::warn!(
                        kind,
                        error,
                        after_s = after.as_secs(),
                        "A webhook was not accepted by the shop; it is sent again"
                    );
                }
                Delivery::Retry { after, error, gone }
            }
        };
        match self.store.settle_webhook(event.claim, &delivery, answer).await {
            Ok(Some(noted)) => {
                if delivery == Delivery::Delivered {
                    tracing::debug!(kind, "A webhook was delivered");
                }
                if noted.given_up && !is_test {
                    meter::webhook_given_up(merchant);
                    tracing::error!(
                        kind,
                        "A webhook was given up after three days; `webhooks resend` sends \
                        it again"
                    );
                }
                if let Some(why) = noted.disabled {
                    tracing::error!(
                        merchant = merchant.as_str(),
                        why = why.as_str(),
                        "ALARM: the merchant's webhook endpoint is disabled; its events are kept for three \
                         days. Repair it and run `webhooks resend --merchant`, or change webhook_url"
                    );
                }
            }
            Ok(None) => tracing::warn!("A webhook took too long, so another process also sends it"),
            Err(error) => tracing::error!(%error, "The result of a webhook attempt could not be stored; the \
                webhook is sent again"),
        }
    }

    /// Signs an event and sends it. Returns the status of an answer that accepts it.
    async fn send(&self, event: &ClaimedWebhook, run: &Span) -> Result<StatusCode, Failed> {
        let merchant = self.merchants.get(event.merchant.as_str());
        let webhook = merchant.as_ref().and_then(|merchant| merchant.webhook.as_ref());
        let webhook =
            webhook.ok_or_else(|| Failed::new("the settings have no webhook_url for the merchant"))?;
        let data =
            RawValue::from_string(event.data.clone()).map_err(|_| Failed::new("its data is not JSON"))?;
        let (timestamp, sequence) = (event.occurred_at, event.sequence);
        let payload = Payload { r#type: event.kind, timestamp, sequence, data: &data };
        let payload =
            serde_json::to_vec(&payload).map_err(|_| Failed::new("it cannot be written as JSON"))?;
        let (id, timestamp) = (event.claim.id.to_string(), self.clock.now().timestamp());
        let signature =
            sign(webhook, &id, timestamp, &payload).map_err(|_| Failed::new("it cannot be signed"))?;
        let request = self
            .http
            .post(webhook.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(payload);
        // This is the shop's own system, so the trace can continue there.
        let request = match Traceparent::at(run) {
            Some(here) => request.header(traces::HEADER, here.as_str()),
            None => request,
        };
        let reply =
            self.http.send(request, None, None).await.map_err(|failure| Failed::new(failure.to_string()))?;
        if reply.status.is_success() {
            return Ok(reply.status);
        }
        Err(Failed {
            error: format!("HTTP {}", reply.status.as_u16()),
            retry_after: retry_after(&reply.headers, LONGEST_ASKED),
            status: Some(reply.status),
            gone: reply.status == StatusCode::GONE,
        })
    }
}

/// The body of a webhook request. `data` is the JSON that the outbox stores.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: EventKind,
    timestamp: chrono::DateTime<chrono::Utc>,
    /// Larger than in every earlier event about the same order.
    sequence: i64,
    data: &'a RawValue,
}

/// Why an attempt failed.
struct Failed {
    /// The reason, without secrets, for the log and the event's row.
    error: String,
    /// The shop's `Retry-After`.
    retry_after: Option<Duration>,
    /// The HTTP status, if the shop answered.
    status: Option<StatusCode>,
    gone: bool,
}

impl Failed {
    fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), retry_after: None, status: None, gone: false }
    }
}

/// Signs with each of the merchant's secrets, so that a shop that knows one of them accepts the
/// event.
fn sign(webhook: &Webhook, id: &str, timestamp: i64, payload: &[u8]) -> Result<String, WebhookError> {
    let signatures = webhook
        .secrets
        .iter()
        .map(|secret| Signer::new(secret.expose_secret())?.sign(id, timestamp, payload));
    Ok(signatures.collect::<Result<Vec<_>, _>>()?.join(" "))
}

/// The attempt's span for traces, linked to the order's acceptance, and the span that gives log
/// lines their fields.
fn spans(event: &ClaimedWebhook) -> (Span, Span) {
    let (webhook, attempt) = (event.claim.id, event.attempts + 1);
    let run = traced!(
        parent: None,
        "process webhooks",
        otel.kind = "consumer",
        messaging.system = "klarna_order_worker",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = "webhooks",
        messaging.message.id = display(webhook),
        klarna_worker.merchant = event.merchant.as_str(),
        klarna_worker.attempt = attempt,
        klarna_worker.event = event.kind.as_str(),
        klarna_worker.order = event.order.map(display),
    );
    link(&run, event.trace.as_deref());
    let (merchant, order) = (event.merchant.as_str(), event.order.map(display));
    let span = tracing::error_span!(parent: &run, "webhook", %webhook, merchant, order, attempt);
    (run, span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 2] =
        ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

    #[test]
    fn both_secrets_sign() {
        let webhook = |secrets: &[&str]| Webhook {
            url: "https://shop.example".parse().unwrap(),
            secrets: secrets.iter().map(|secret| (*secret).into()).collect(),
        };
        let sign = |secrets: &[&str]| sign(&webhook(secrets), "msg_1", 1_649_367_553, b"{}").unwrap();
        let (first, second) = (sign(&SECRETS[..1]), sign(&SECRETS[1..]));
        assert_ne!(first, second);
        assert_eq!(sign(&SECRETS), format!("{first} {second}"));
    }

    #[test]
    fn a_payload_is_as_the_standard_has_it() {
        let data = RawValue::from_string(r#"{"order_id":"o"}"#.into()).unwrap();
        let timestamp = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let payload = Payload { r#type: EventKind::OrderSubmitted, timestamp, sequence: 7, data: &data };
        assert_eq!(
            serde_json::to_string(&payload).unwrap(),
            r#"{"type":"order.submitted","timestamp":"2026-09-21T14:13:20Z","sequence":7,"data":{"order_id":"o"}}"#
        );
    }
}
