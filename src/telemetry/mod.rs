//! Logs and traces. The log goes to standard error, as text on a terminal and as JSON lines
//! otherwise (`json.rs`), through a queue so that nobody waits for it (`queue.rs`). Traces go to a
//! collector if one is named (`otlp.rs`, `collector.rs`); [`traces`] makes their spans.
//!
//! `KLARNA_WORKER_LOG` takes filter directives such as `klarna_order_worker=debug,sqlx=info` and
//! takes precedence over `-v` and `-q`, and these over the setting `telemetry.log_level`, which
//! [`set_level`] puts in force. Those change only the level of this crate, because lines of HTTP
//! libraries at their finest level may contain tokens.
//!
//! Spans give the lines within them their fields: order, merchant, attempt. No filter disables
//! these spans, so a warning has all fields even if only warnings are logged.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use opentelemetry_sdk::trace::SdkTracer;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt, registry, reload};

mod collector;
mod json;
mod log_throttle;
mod otlp;
mod queue;
pub(crate) mod request;
pub mod traces;

use self::json::JsonLines;
pub(crate) use self::log_throttle::LogThrottle;
use self::otlp::{Collector, Exporting};
use self::queue::LogQueue;
pub use self::queue::write_line;

/// The environment variable with filter directives.
pub const VARIABLE: &str = "KLARNA_WORKER_LOG";

/// The prefix of this crate's targets.
const OWN: &str = "klarna_order_worker";

/// How much is logged, unless [`VARIABLE`] is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Warnings and errors, for commands that print results.
    Warnings,
    /// Information for operators, and the warnings of libraries.
    #[default]
    Normal,
    /// Also each step.
    Debug,
    /// Everything that this crate logs.
    Trace,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter directives are invalid.
    #[error("{VARIABLE}: not a log filter; write for example klarna_order_worker=debug,sqlx=warn")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// The filter of the log is gone.
    #[error("the level of the log cannot be changed")]
    Level(#[source] reload::Error),
    /// Logging is already set up in this process.
    #[error("logging was set up twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
    /// A thread for logs or traces cannot be started.
    #[error("cannot start a thread for logs and traces")]
    Thread(#[source] io::Error),
    /// The collector cannot be called, for example because this machine has no certificate
    /// authorities.
    #[error("cannot set up the calls to the trace collector")]
    Client(#[source] reqwest::Error),
    /// The collector's address is invalid.
    #[error(
        "traces cannot be exported; check the variables OTEL_EXPORTER_OTLP_* and the setting \
        telemetry.otlp_endpoint"
    )]
    Traces(#[source] opentelemetry_otlp::ExporterBuildError),
}

/// The filter of the log, which can be changed. `None`: the environment or the command line decide.
static LEVEL: OnceLock<Option<reload::Handle<Targets, registry::Registry>>> = OnceLock::new();

/// Logs as much as a setting says, from now on. Returns `false` if [`VARIABLE`], `-v` or `-q`
/// decide instead.
///
/// # Errors
/// Never, unless the filter of the log is gone.
pub fn set_level(verbosity: Verbosity) -> Result<bool, TelemetryError> {
    let Some(Some(handle)) = LEVEL.get() else { return Ok(false) };
    handle.reload(filter(verbosity, None)?).map_err(TelemetryError::Level)?;
    Ok(true)
}

/// Runs a function while the terminal's progress bar is hidden.
pub type LogAside = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

static ASIDE: RwLock<Option<LogAside>> = RwLock::new(None);

/// Writes log lines through `aside`, so that they do not mix with a progress bar; `None` writes
/// directly again.
pub fn log_aside(aside: Option<LogAside>) {
    *ASIDE.write().unwrap_or_else(PoisonError::into_inner) = aside;
}

/// The process's logs and traces. Call [`Telemetry::end`] at the end of the process.
#[must_use = "the last lines and traces are sent when this is ended"]
pub struct Telemetry {
    exporting: Option<Exporting>,
    log: LogQueue,
}

impl Telemetry {
    /// Sets up logging, and traces if OpenTelemetry's variables or the setting
    /// `telemetry.otlp_endpoint` name a collector. Call it once. `environment` is the process's
    /// environment.
    ///
    /// # Errors
    /// The log filter or the endpoint is invalid, or logging is already set up.
    pub fn init(
        verbosity: Verbosity,
        environment: &BTreeMap<String, String>,
        traces: &Traces,
    ) -> Result<Self, TelemetryError> {
        let directives = environment.get(VARIABLE).map(String::as_str);
        let (filter, handle) = reload::Layer::new(filter(verbosity, directives)?);
        let is_decided = directives.is_some_and(is_given) || verbosity != Verbosity::Normal;
        let collector = match traces {
            Traces::None => None,
            Traces::Of(setting) => Collector::find(environment, setting.as_deref()),
        };
        let exporting = collector.map(|collector| Exporting::start(&collector, environment)).transpose()?;
        // A panic's message may contain data that the code was working on.
        std::panic::set_hook(Box::new(panicked));
        let spans = exporting.as_ref().map(Exporting::tracer);
        let log = LogQueue::start(io::stderr()).map_err(TelemetryError::Thread)?;
        let queue = log.clone();
        if io::stderr().is_terminal() {
            let lines = fmt::layer().with_writer(move || queue.clone());
            subscriber(lines, filter, spans).try_init().map_err(TelemetryError::Twice)?;
        } else {
            let lines = JsonLines::new(move |line| queue.put(line));
            subscriber(lines, filter, spans).try_init().map_err(TelemetryError::Twice)?;
        }
        log.install();
        // It was set up only once, so this is the first.
        let _ = LEVEL.set((!is_decided).then_some(handle));
        Ok(Self { exporting, log })
    }

    /// Sends the last traces, for at most two seconds, and then writes the last lines, for at most
    /// one.
    pub fn end(self) {
        if let Some(exporting) = self.exporting {
            exporting.end();
        }
        self.log.flush();
    }
}

fn panicked(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(at, "The program panicked; the message is left out because it may contain a secret");
}

/// Where a command's traces go.
#[derive(Clone, Debug)]
pub enum Traces {
    /// The command makes no traces.
    None,
    /// To the collector of the environment, or else of this setting.
    Of(Option<String>),
}

/// The subscriber: log lines by the filter, with the fields of this crate's surrounding spans, and
/// exported spans.
fn subscriber<L>(
    lines: L,
    filter: impl Filter<registry::Registry> + Send + Sync + 'static,
    exporting: Option<SdkTracer>,
) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync
where
    L: Layer<registry::Registry> + Send + Sync,
{
    let spans = exporting.map(|tracer| {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        // A span is described by its attributes; source location and thread do not help an
        // operator.
        let layer =
            layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_target(false);
        let layer = layer.with_context_activation(false);
        let layer = layer.with_error_events_to_status(false).with_error_events_to_exceptions(false);
        layer.with_filter(filter_fn(is_for_traces))
    });
    registry().with(lines.with_filter(of_lines(filter))).with(spans)
}

fn of_lines<S: Subscriber + for<'a> LookupSpan<'a>>(filter: impl Filter<S>) -> impl Filter<S> {
    let own_spans = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target().starts_with(OWN);
    let for_the_log = |metadata: &Metadata<'_>| metadata.target() != traces::TARGET;
    filter
        .or(filter_fn(own_spans).with_max_level_hint(LevelFilter::ERROR))
        .and(filter_fn(for_the_log).with_max_level_hint(LevelFilter::TRACE))
}

/// Whether it is a span for traces, or an event of this crate within one.
fn is_for_traces(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        metadata.target() == traces::TARGET
    } else {
        metadata.target().starts_with(OWN) && *metadata.level() <= tracing::Level::INFO
    }
}

fn filter(verbosity: Verbosity, directives: Option<&str>) -> Result<Targets, TelemetryError> {
    let usual = match verbosity {
        Verbosity::Quiet => "error",
        Verbosity::Warnings => "warn",
        Verbosity::Normal => "warn,klarna_order_worker=info",
        Verbosity::Debug => "warn,klarna_order_worker=debug",
        Verbosity::Trace => "warn,klarna_order_worker=trace",
    };
    let directives = directives.filter(|directives| is_given(directives));
    directives.unwrap_or(usual).parse().map_err(TelemetryError::Filter)
}

/// An empty variable counts as none.
fn is_given(directives: &str) -> bool {
    !directives.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn lines(verbosity: Verbosity, directives: Option<&str>, job: impl FnOnce()) -> Vec<String> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        let json = JsonLines::new(move |line: Vec<u8>| written.lock().unwrap().extend(line));
        tracing::subscriber::with_default(
            subscriber(json, filter(verbosity, directives).unwrap(), None),
            job,
        );
        let bytes = log.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    fn logged(verbosity: Verbosity, directives: Option<&str>) -> Vec<serde_json::Value> {
        let lines = lines(verbosity, directives, || {
            tracing::error!(target: "klarna_order_worker::vault", merchant = "shop", "error");
            tracing::info!(target: "klarna_order_worker::vault", "info");
            tracing::debug!(target: "klarna_order_worker::vault", "debug");
            tracing::trace!(target: "klarna_order_worker::vault", "trace");
            tracing::warn!(target: "hyper", "library warns");
            tracing::debug!(target: "hyper", "library's details");
        });
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(verbosity: Verbosity, directives: Option<&str>) -> Vec<String> {
        let logged = logged(verbosity, directives);
        logged.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Runs itself again, because a process sets its log up once.
    #[test]
    fn a_panic_is_logged_without_its_message() {
        const PANICS: &str = "KLARNA_WORKER_TEST_PANICS";
        if std::env::var_os(PANICS).is_some() {
            let telemetry = Telemetry::init(Verbosity::Normal, &BTreeMap::new(), &Traces::None).unwrap();
            std::panic::catch_unwind(|| assert_eq!(1, 2, "sesame")).unwrap_err();
            return telemetry.end();
        }
        let mut program = std::process::Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "telemetry::tests::a_panic_is_logged_without_its_message", "--nocapture"]);
        let ran = program.env(PANICS, "1").output().unwrap();
        let (out, log) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(
            ran.status.success() && log.contains("The program panicked; the message is left out"),
            "{out}{log}"
        );
        assert!(
            log.contains("telemetry/mod.rs:") && !log.contains("sesame") && !out.contains("sesame"),
            "{out}{log}"
        );
    }

    #[test]
    fn verbosity_turns_up_this_crate_alone() {
        assert_eq!(messages(Verbosity::Quiet, None), ["error"]);
        assert_eq!(messages(Verbosity::Warnings, None), ["error", "library warns"]);
        assert_eq!(messages(Verbosity::Normal, None), ["error", "info", "library warns"]);
        assert_eq!(messages(Verbosity::Debug, Some("")), ["error", "info", "debug", "library warns"]);
        assert_eq!(messages(Verbosity::Trace, None), ["error", "info", "debug", "trace", "library warns"]);
    }

    #[test]
    fn directives_win() {
        assert_eq!(
            messages(Verbosity::Trace, Some("off,hyper=debug")),
            ["library warns", "library's details"]
        );
        let error = filter(Verbosity::Normal, Some("klarna_order_worker=loud")).unwrap_err();
        assert!(error.to_string().starts_with("KLARNA_WORKER_LOG: not a log filter"), "{error}");
    }

    #[test]
    fn fields_are_data_beside_the_message() {
        let first = &logged(Verbosity::Quiet, None)[0];
        assert_eq!((&first["level"], &first["merchant"]), (&"ERROR".into(), &"shop".into()));
    }
    #[test]
    fn a_line_is_one_flat_object_with_the_fields_of_its_spans() {
        let lines = lines(Verbosity::Warnings, None, || {
            let order = tracing::error_span!(
                "order",
                order = "o-1",
                attempt = 2_i64,
                correlation = tracing::field::Empty
            );
            let _order = order.enter();
            tracing::warn!(target: "hyper", level = "mine", took_ms = 7_u128, good = true, "before");
            order.record("correlation", "c-1");
            // A span for traces, which adds no fields to log lines.
            let _traced = traces::traced!("exchange", klarna_worker.generation = 3).entered();
            let _exchange = tracing::error_span!("exchange", token = 5_i64, attempt = 3_i64).entered();
            tracing::warn!(error = "away", "after");
        });
        let (first, rest) = lines[0].split_once(',').unwrap();
        let at = first.strip_prefix(r#"{"timestamp":""#).unwrap().strip_suffix('"').unwrap();
        assert!(at.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
        assert_eq!(
            rest,
            r#""level":"WARN","message":"before","target":"hyper","attempt":2,"good":true,"order":"o-1","took_ms":7}"#
        );
        let (_, rest) = lines[1].split_once(',').unwrap();
        assert_eq!(
            rest,
            concat!(
                r#""level":"WARN","message":"after","target":"klarna_order_worker::telemetry::tests","attempt":3,"#,
                r#""correlation":"c-1","error":"away","order":"o-1","token":5}"#
            )
        );
    }

    #[test]
    fn no_filter_takes_the_fields_away() {
        for directives in [None, Some("hyper=warn"), Some("warn,klarna_order_worker=off")] {
            let lines = lines(Verbosity::Quiet, directives, || {
                let _order = tracing::error_span!("order", order = "o-1").entered();
                tracing::error!(target: "hyper", "library fails");
            });
            assert!(lines[0].contains(r#""order":"o-1""#), "{directives:?}: {lines:?}");
        }
    }
}
