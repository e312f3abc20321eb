//! Logs, on standard error: for people on a terminal, as JSON lines otherwise.
//!
//! `KLARNA_WORKER_LOG` takes filter directives such as `klarna_order_worker=debug,sqlx=info` and wins over `-v` and
//! `-q`. Those turn up this crate alone: what HTTP libraries say at their finest level may hold tokens.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// The environment variable with filter directives.
pub const VARIABLE: &str = "KLARNA_WORKER_LOG";

/// How much is logged where [`VARIABLE`] says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What should not have happened, for commands whose output is their result.
    Warnings,
    /// What an operator wants to know, and the warnings of libraries.
    #[default]
    Normal,
    /// Each step too.
    Debug,
    /// Everything that this crate has to say.
    Trace,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives do not parse.
    #[error("{VARIABLE}: not a log filter; write for example klarna_order_worker=debug,sqlx=warn")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something in this process logs already.
    #[error("logging was set up twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Runs what it is given while a terminal's progress bar is out of the way.
pub type Aside = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

static ASIDE: RwLock<Option<Aside>> = RwLock::new(None);

/// Logs through `aside` from now on, so that lines and a progress bar do not run into each other; directly again where
/// `None`.
pub fn log_aside(aside: Option<Aside>) {
    *ASIDE.write().unwrap_or_else(PoisonError::into_inner) = aside;
}

/// Standard error, beside a progress bar where there is one. A line comes in one piece.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let aside = ASIDE.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut written = Ok(());
        let mut write = || written = io::stderr().write_all(bytes);
        match aside {
            Some(aside) => aside(&mut write),
            None => write(),
        }
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sets up the process's logging; to be called once. `directives` is what [`VARIABLE`] holds.
///
/// # Errors
/// Where the directives do not parse, or logging was set up before.
pub fn init(verbosity: Verbosity, directives: Option<&str>) -> Result<(), TelemetryError> {
    let filter = filter(verbosity, directives)?;
    // A panic's message may hold what the panicking code was working on.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "The program panicked; the message is left out, since it may hold a secret");
    }));
    if io::stderr().is_terminal() {
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Stderr);
        builder.finish().try_init().map_err(TelemetryError::Twice)
    } else {
        json(filter, io::stderr).try_init().map_err(TelemetryError::Twice)
    }
}

fn filter(verbosity: Verbosity, directives: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    let usual = match verbosity {
        Verbosity::Quiet => "error",
        Verbosity::Warnings => "warn",
        Verbosity::Normal => "warn,klarna_order_worker=info",
        Verbosity::Debug => "warn,klarna_order_worker=debug",
        Verbosity::Trace => "warn,klarna_order_worker=trace",
    };
    let directives = directives.filter(|directives| !directives.trim().is_empty());
    EnvFilter::try_new(directives.unwrap_or(usual)).map_err(TelemetryError::Filter)
}

/// One JSON object a line, an event's fields at its top level.
fn json<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter).json().flatten_event(true).with_writer(writer).finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(verbosity: Verbosity, directives: Option<&str>) -> Vec<serde_json::Value> {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = json(filter(verbosity, directives).unwrap(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "klarna_order_worker::vault", merchant = "shop", "error");
            tracing::info!(target: "klarna_order_worker::vault", "info");
            tracing::debug!(target: "klarna_order_worker::vault", "debug");
            tracing::trace!(target: "klarna_order_worker::vault", "trace");
            tracing::warn!(target: "hyper", "library warns");
            tracing::debug!(target: "hyper", "library's details");
        });
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(verbosity: Verbosity, directives: Option<&str>) -> Vec<String> {
        let logged = logged(verbosity, directives);
        logged.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
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
        assert_eq!(messages(Verbosity::Trace, Some("off,hyper=debug")), ["library warns", "library's details"]);
        let error = filter(Verbosity::Normal, Some("klarna_order_worker=loud")).unwrap_err();
        assert!(error.to_string().starts_with("KLARNA_WORKER_LOG: not a log filter"), "{error}");
    }

    #[test]
    fn fields_are_data_beside_the_message() {
        let first = &logged(Verbosity::Quiet, None)[0];
        assert_eq!((&first["level"], &first["merchant"]), (&"ERROR".into(), &"shop".into()));
    }
}
