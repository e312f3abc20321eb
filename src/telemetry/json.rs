//! Formats the log as JSON lines: one flat object for each event. It includes the fields of the
//! surrounding spans, so that a line says by itself which order it is about.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer as _};
use serde_json::value::{RawValue, to_raw_value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// The members of every line. A field with such a name is left out, because a name must not occur
/// twice.
const HEAD: [&str; 4] = ["timestamp", "level", "message", "target"];

/// A layer that passes each line on, with the newline at its end.
pub(super) struct JsonLines<W> {
    write: W,
}

impl<W: Fn(Vec<u8>)> JsonLines<W> {
    pub(super) fn new(write: W) -> Self {
        Self { write }
    }
}

/// The fields of a span or an event, in JSON. A span is written once, and its lines share that.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, Arc<RawValue>>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(Vec<u8>) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        // Fields of inner spans override those of outer spans, and the event's own override all.
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(Fields(of_span)) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.iter().map(|(name, value)| (*name, Arc::clone(value))));
            }
        }
        event.record(&mut fields);
        if let Ok(line) = line(event, &fields.0) {
            (self.write)(line);
        }
    }
}

fn line(event: &Event<'_>, fields: &BTreeMap<&'static str, Arc<RawValue>>) -> serde_json::Result<Vec<u8>> {
    let mut time = String::new();
    // The system's time can always be formatted.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    let metadata = event.metadata();
    let mut line = Vec::with_capacity(256);
    let mut json = serde_json::Serializer::new(&mut line);
    let mut object = json.serialize_map(None)?;
    let [timestamp, level, message, target] = HEAD;
    object.serialize_entry(timestamp, &time)?;
    object.serialize_entry(level, metadata.level().as_str())?;
    // Some libraries log only fields.
    if let Some(text) = fields.get(message) {
        object.serialize_entry(message, &**text)?;
    }
    object.serialize_entry(target, metadata.target())?;
    for (name, value) in fields.iter().filter(|(name, _)| !HEAD.contains(name)) {
        object.serialize_entry(name, &**value)?;
    }
    object.end()?;
    line.push(b'\n');
    Ok(line)
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Serialize) {
        let name = field.name();
        // Numbers and texts can always be written.
        if let Ok(value) = to_raw_value(&value) {
            self.0.insert(name.strip_prefix("r#").unwrap_or(name), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.put(field, value),
            Err(_) => self.put(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
