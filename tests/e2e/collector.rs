//! A collector of traces, by OTLP over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use test_support::program::until;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request.
#[derive(Clone)]
pub struct Export {
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

/// A span, with its resource.
#[derive(Clone, Debug)]
pub struct Seen {
    pub resource: BTreeMap<String, String>,
    pub attributes: BTreeMap<String, String>,
    pub span: Span,
}

impl Seen {
    /// Returns an attribute; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub fn is_child_of(&self, other: &Self) -> bool {
        (&self.span.trace_id, &self.span.parent_span_id) == (&other.span.trace_id, &other.span.span_id)
    }

    /// Returns whether it is the root of its trace and linked only to `other`.
    pub fn is_root_linked_to(&self, other: &Self) -> bool {
        let linked = |link: &opentelemetry_proto::tonic::trace::v1::span::Link| {
            (&link.trace_id, &link.span_id) == (&other.span.trace_id, &other.span.span_id)
        };
        self.span.parent_span_id.is_empty()
            && self.span.trace_id != other.span.trace_id
            && self.span.links.len() == 1
            && self.span.links.iter().all(linked)
    }
}

/// The running collector. Dropping it stops it.
pub struct Collector {
    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub url: String,
    exports: watch::Sender<Vec<Export>>,
    serving: JoinHandle<()>,
}

impl Collector {
    /// Answers each request with this status.
    pub async fn start(status: u16, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let exports = watch::Sender::new(Vec::new());
        let taken = exports.clone();
        let take = move |State(()): State<()>, headers: HeaderMap, bytes: Bytes| async move {
            taken.send_modify(|exports| exports.push(Export { headers, bytes }));
            (StatusCode::from_u16(status).unwrap(), answer)
        };
        let router = Router::new().route("/v1/traces", post(take));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, exports, serving }
    }

    pub fn exports(&self) -> Vec<Export> {
        self.exports.borrow().clone()
    }

    /// Returns every span so far.
    pub fn spans(&self) -> Vec<Seen> {
        let decode = |export: Export| ExportTraceServiceRequest::decode(export.bytes).unwrap().resource_spans;
        let mut seen = Vec::new();
        for resource_spans in self.exports().into_iter().flat_map(decode) {
            let resource = texts(resource_spans.resource.unwrap_or_default().attributes);
            for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let attributes = texts(span.attributes.clone());
                seen.push(Seen { resource: resource.clone(), attributes, span });
            }
        }
        seen
    }

    /// Waits until `found` returns `true` for the spans.
    pub async fn until(&self, what: &str, found: impl Fn(&[Seen]) -> bool) {
        until(what, Duration::from_mins(1), async || found(&self.spans())).await;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Any| match value {
        Any::StringValue(text) => text,
        Any::IntValue(number) => number.to_string(),
        Any::BoolValue(yes) => yes.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .map(|one| (one.key, one.value.and_then(|any| any.value).map_or_else(String::new, text)))
        .collect()
}
