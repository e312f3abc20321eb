//! What rooms say to traces. Spans for the log and spans for traces are two kinds: those of the log ([`mod@tracing`]'s usual
//! ones) give lines their fields, under this program's names; those made by `traced!` are exported, under the names of
//! OpenTelemetry's semantic conventions. Where nothing is exported the latter are disabled, and cost a look at a flag.

use std::collections::HashMap;
use std::fmt;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of spans that are made for traces.
pub const TARGET: &str = "traces";

/// The header of HTTP that carries a trace's context.
pub const HEADER: &str = "traceparent";

/// A span for traces. Within a span for the log it goes outside, so that what is recorded finds the log's.
macro_rules! traced {
    (parent: $parent:expr, $name:literal $(, $($fields:tt)*)?) => {
        ::tracing::trace_span!(target: $crate::telemetry::traces::TARGET, parent: $parent, $name $(, $($fields)*)?)
    };
    ($name:literal $(, $($fields:tt)*)?) => {
        ::tracing::trace_span!(target: $crate::telemetry::traces::TARGET, $name $(, $($fields)*)?)
    };
}
pub(crate) use traced;

/// A place in a trace, as W3C's Trace Context writes it: version, trace, span and flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent(String);

tokio::task_local! {
    /// What the caller of this task's request sent.
    static GIVEN: Traceparent;
}

impl Traceparent {
    /// Reads a header or a row. What is none is ignored, as the standard wants it: a trace is never a reason to refuse.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::of(&context(text)?)
    }

    fn of(context: &SpanContext) -> Option<Self> {
        let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        context.is_valid().then(|| Self(format!("00-{trace}-{span}-{flags:02x}")))
    }

    /// That of a span that is exported.
    #[must_use]
    pub fn at(span: &Span) -> Option<Self> {
        Self::of(span.context().span().span_context())
    }

    /// That of the current span, where it is exported; else what the caller of the request sent.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::at(&Span::current()).or_else(|| GIVEN.try_with(Clone::clone).ok())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes `span` a part of this trace. To be called before anything happens in the span.
    pub fn continue_in(&self, span: &Span) {
        if let Some(context) = context(&self.0).filter(|_| !span.is_disabled()) {
            // An error says that nothing is exported.
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

/// Runs a request's future with what its caller sent: where nothing is exported here, it is what goes with an order.
pub async fn given<T>(traceparent: Option<Traceparent>, request: impl Future<Output = T>) -> T {
    match traceparent {
        Some(traceparent) => GIVEN.scope(traceparent, request).await,
        None => request.await,
    }
}

/// Links `span` to what came before it in a trace of its own. To be called before anything happens in the span.
pub fn link(span: &Span, traceparent: Option<&str>) {
    if let Some(context) = traceparent.filter(|_| !span.is_disabled()).and_then(context) {
        span.add_link(context);
    }
}

/// Does `work` within `span`, which fails with it: of this `kind`, as [`failed`] has it.
pub async fn tried<T, E>(span: Span, kind: &'static str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let done = work.instrument(span.clone()).await;
    if done.is_err() {
        failed(&span, kind);
    }
    done
}

/// Marks a span as failed. `kind` is a word of few: what failed, by the conventions' `error.type`.
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
        // A later version may have more; what is known of it counts.
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
