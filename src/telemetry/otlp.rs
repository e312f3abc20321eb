//! Sends traces to a collector by OTLP over HTTP. A thread of its own sends them in batches; no
//! order waits for it. Spans that the collector does not accept are lost, and the loss is logged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use uuid::Uuid;

use super::TelemetryError;
use super::collector::CollectorClient;
use crate::clock::since_boot;

/// The service name, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` sets one.
const SERVICE: &str = env!("CARGO_PKG_NAME");

/// The maximum number of waiting spans, about a kilobyte each, unless `OTEL_BSP_MAX_QUEUE_SIZE`
/// sets one.
const MOST_WAITING: usize = 8192;

/// The minimum time between two log lines about lost spans.
const LOG_AGAIN: Duration = Duration::from_mins(1);

/// The maximum time that the end of the process waits for the last batch.
const LAST_BATCH: Duration = Duration::from_secs(2);

/// Where spans are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Collector {
    /// To the collector of OpenTelemetry's variables, which the exporter reads itself.
    Environment,
    /// To the collector of the setting `telemetry.otlp_endpoint`.
    Setting(String),
}

impl Collector {
    /// The collector, if there is one. OpenTelemetry's variables take precedence over the setting.
    pub(super) fn find(environment: &BTreeMap<String, String>, setting: Option<&str>) -> Option<Self> {
        let get =
            |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let is = |name: &str, word: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return None;
        }
        let variables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        if variables.into_iter().any(|name| get(name).is_some()) {
            return Some(Self::Environment);
        }
        setting.map(|endpoint| Self::Setting(format!("{}/v1/traces", endpoint.trim_end_matches('/'))))
    }
}

/// The running export of spans.
pub(super) struct Exporting {
    provider: SdkTracerProvider,
    losses: Arc<DroppedSpans>,
}

impl Exporting {
    /// Starts the export. An unreachable collector is noticed later, and stops nothing.
    pub(super) fn start(
        collector: &Collector,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, TelemetryError> {
        let client = CollectorClient::new(environment)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(client);
        let exporter = match collector {
            Collector::Environment => exporter,
            Collector::Setting(endpoint) => exporter.with_endpoint(endpoint),
        };
        let losses = Arc::new(DroppedSpans::default());
        let exporter = CountingExporter {
            inner: exporter.build().map_err(TelemetryError::Traces)?,
            losses: Arc::clone(&losses),
        };
        let most = environment.get("OTEL_BSP_MAX_QUEUE_SIZE").and_then(|most| most.trim().parse().ok());
        let most = most.filter(|most| *most > 0).unwrap_or(MOST_WAITING);
        let config = BatchConfigBuilder::default().with_max_queue_size(most).build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let bounded = BoundedProcessor { inner: batches, losses: Arc::clone(&losses), most };
        let provider =
            SdkTracerProvider::builder().with_resource(resource()).with_span_processor(bounded).build();
        Ok(Self { provider, losses })
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.provider.tracer(SERVICE)
    }

    /// Sends the remaining spans, for at most two seconds.
    pub(super) fn end(self) {
        // Losses are counted.
        let _ = self.provider.shutdown_with_timeout(LAST_BATCH);
        self.losses.log_last_losses();
    }
}

fn resource() -> Resource {
    let own = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", Uuid::new_v4().to_string()))
        .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())));
    // The environment takes precedence, unless it only says that the name is unknown.
    let found = Resource::builder().build();
    let named =
        found.get(&"service.name".into()).filter(|name| !name.as_str().starts_with("unknown_service"));
    let own = own.with_service_name(named.map_or_else(|| SERVICE.into(), |name| name.to_string()));
    let others = found.iter().filter(|(key, _)| key.as_str() != "service.name");
    own.with_attributes(others.map(|(key, value)| KeyValue::new(key.clone(), value.clone()))).build()
}

/// Counts waiting and lost spans.
#[derive(Debug, Default)]
struct DroppedSpans {
    /// Spans that ended and are neither sent nor lost.
    waiting: AtomicUsize,
    /// Lost spans that are not logged yet.
    lost: AtomicU64,
    /// When a loss was last logged, in time since boot.
    logged_at: Mutex<Option<Duration>>,
}

impl DroppedSpans {
    /// Whether one more span may wait.
    fn admits(&self, most: usize) -> bool {
        let admitted = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < most).then_some(waiting + 1)
        });
        if admitted.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        admitted.is_ok()
    }

    fn exported(&self, spans: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        if result.is_err() {
            self.lost.fetch_add(spans as u64, Ordering::Relaxed);
        }
        let mut logged_at = self.logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = since_boot();
        if logged_at.is_none_or(|at| now.saturating_sub(at) >= LOG_AGAIN)
            && self.log_losses(result.as_ref().err())
        {
            *logged_at = Some(now);
        }
    }

    fn log_last_losses(&self) {
        let waiting = self.waiting.swap(0, Ordering::Relaxed);
        self.lost.fetch_add(waiting as u64, Ordering::Relaxed);
        self.log_losses(None);
    }

    /// Logs losses. Called on the exporter's thread or at the end, never while a span is ending.
    fn log_losses(&self, error: Option<&opentelemetry_sdk::error::OTelSdkError>) -> bool {
        let spans = self.lost.swap(0, Ordering::Relaxed);
        if spans > 0 {
            let error = error.map(tracing::field::display);
            tracing::warn!(
                spans,
                error,
                "Spans were lost: the trace collector is unreachable, too slow, or \
                refuses them"
            );
        }
        spans > 0
    }
}

/// A span processor that counts and drops spans before the SDK's queue is full, because that queue
/// drops silently.
#[derive(Debug)]
struct BoundedProcessor {
    inner: BatchSpanProcessor,
    losses: Arc<DroppedSpans>,
    most: usize,
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.losses.admits(self.most) {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that records the result of each batch.
#[derive(Debug)]
struct CountingExporter<E> {
    inner: E,
    losses: Arc<DroppedSpans>,
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        self.losses.exported(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)], setting: Option<&str>) -> Option<Collector> {
        let environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Collector::find(&environment, setting)
    }

    #[test]
    fn the_standards_variables_win_over_the_setting() {
        let setting = Some("http://collector:4318/");
        let of_setting = Some(Collector::Setting("http://collector:4318/v1/traces".into()));
        assert_eq!(found(&[], None), None);
        assert_eq!(found(&[], setting), of_setting);
        assert_eq!(found(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], setting), of_setting);
        for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            assert_eq!(found(&[(name, "http://elsewhere:4318")], setting), Some(Collector::Environment));
        }
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(
                found(&[off, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4318")], setting),
                None
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told_at_most_once_a_minute() {
        let losses = DroppedSpans::default();
        let admitted = (0..5).filter(|_| losses.admits(3)).count();
        assert_eq!((admitted, losses.lost.load(Ordering::Relaxed)), (3, 2));
        losses.exported(3, &Ok(()));
        assert_eq!((losses.waiting.load(Ordering::Relaxed), losses.lost.load(Ordering::Relaxed)), (0, 0));
        assert!(losses.admits(3));
        losses.exported(1, &Err(opentelemetry_sdk::error::OTelSdkError::AlreadyShutdown));
        assert_eq!(losses.lost.load(Ordering::Relaxed), 1, "kept for the next time");
    }
}
