//! Spans for traces. There are two kinds of spans: those for the log ([`mod@tracing`]'s usual ones)
//! give log lines their fields, under this program's names; those made by `traced!` are exported,
//! under the names of OpenTelemetry's semantic conventions. If nothing is exported, the latter are
//! disabled and cost one check of a flag.

use std::collections::HashMap;
use std::fmt;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of spans for traces.
pub const TARGET: &str = "traces";

/// The HTTP header with the trace context (W3C).
pub const HEADER: &str = "traceparent";

/// Makes a span for traces. It must enclose the span for the log, so that recorded values reach the
/// log's span.
macro_rules! traced {
    (parent: $parent:expr, $name:literal $(, $($fields:tt)*)?) => {
        ::tracing::trace_span!(target: $crate::telemetry::traces::TARGET, parent: $parent, $name $(, $($fields)*)?)
    };
    ($name:literal $(, $($fields:tt)*)?) => {
        ::tracing::trace_span!(target: $crate::telemetry::traces::TARGET, $name $(, $($fields)*)?)
    };
}
pub(crate) use traced;

/// A position in a trace, in the format of W3C Trace Context: version, trace id, span id and flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent(String);

tokio::task_local! {
    /// The `traceparent` that the caller of the current request sent.
    static GIVEN: Traceparent;
}

impl Traceparent {
    /// Parses a header or a row. An invalid one is ignored, as the standard requires: a trace is no
    /// reason to refuse a request.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::of(&context(text)?)
    }

    fn of(context: &SpanContext) -> Option<Self> {
        let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        context.is_valid().then(|| Self(format!("00-{trace}-{span}-{flags:02x}")))
    }

    /// The `traceparent` of an exported span.
    #[must_use]
    pub fn at(span: &Span) -> Option<Self> {
        Self::of(span.context().span().span_context())
    }

    /// The `traceparent` of the current span if it is exported, otherwise the one that the caller
    /// sent.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::at(&Span::current()).or_else(|| GIVEN.try_with(Clone::clone).ok())
    }

    /// The text of the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes `span` part of this trace. Call it before anything happens in the span.
    pub fn continue_in(&self, span: &Span) {
        if let Some(context) = context(&self.0).filter(|_| !span.is_disabled()) {
            // An error means that nothing is exported.
            let _ = span.set_parent(Context::new().with_remote_span_context(context));
        }
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn context(text: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(HEADER.to_owned(), text.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

/// Runs a request with its caller's `traceparent`, which is stored with orders if nothing is
/// exported here.
pub async fn given<T>(traceparent: Option<Traceparent>, request: impl Future<Output = T>) -> T {
    match traceparent {
        Some(traceparent) => GIVEN.scope(traceparent, request).await,
        None => request.await,
    }
}

/// Links `span` to an earlier span in another trace. Call it before anything happens in the span.
pub fn link(span: &Span, traceparent: Option<&str>) {
    if let Some(context) = traceparent.filter(|_| !span.is_disabled()).and_then(context) {
        span.add_link(context);
    }
}

/// Runs `work` within `span`. If it fails, the span is marked as [`failed`] with this `kind`.
pub async fn tried<T, E>(
    span: Span,
    kind: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let done = work.instrument(span.clone()).await;
    if done.is_err() {
        failed(&span, kind);
    }
    done
}

/// Marks a span as failed. `kind` is the `error.type` of the conventions, from a small set of
/// words.
pub fn failed(span: &Span, kind: impl Into<Value>) {
    if !span.is_disabled() {
        span.set_attribute("error.type", kind);
        span.set_status(Status::error(""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_as_the_standard_has_it() {
        assert_eq!(Traceparent::read(SENT).unwrap().as_str(), SENT);
        // A later version may have more; the known part is used.
        let later = format!("{}-more", SENT.replacen("00", "01", 1));
        assert_eq!(Traceparent::read(&later).map(|read| read.to_string()).as_deref(), Some(SENT));
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for none in ["", "sesame", zeros, &SENT[..50], &SENT.to_uppercase(), &SENT.replacen("00", "ff", 1)] {
            assert_eq!(Traceparent::read(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn what_the_caller_sent_counts_where_nothing_is_exported() {
        assert_eq!(Traceparent::current(), None);
        let sent = Traceparent::read(SENT);
        assert_eq!(given(sent.clone(), async { Traceparent::current() }).await, sent);
        assert_eq!(given(None, async { Traceparent::current() }).await, None);
    }
}
