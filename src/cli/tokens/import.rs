//! `tokens import`

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::record::{InputFormat, Reader, Record};
use crate::app::App;
use crate::cli::lines::{Batch, Line, Lines};
use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::{CliError, Context, Exit};
use crate::config::Merchant;
use crate::ids::{MerchantName, UserKey};
use crate::lifecycle::Shutdown;
use crate::store::StoreError;
use crate::token::Registered;
use crate::vault::{HELD_ELSEWHERE, Registration, Registry, RegistryError};

/// Options of `tokens import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON lines or CSV; - reads standard input
    ///
    /// Members or columns: `merchant`, `user`, `refresh_token` and, if known, `issued_at` and
    /// `expires_at`, such as 2026-01-31T12:00:00Z.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Format of the input [default: guessed from its first line]
    #[arg(long, value_enum)]
    input_format: Option<InputFormat>,
    /// Check every line and show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The result of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Registered. With `--dry-run`, it would be registered unless it is already known.
    Stored,
    /// Already known; nothing changed.
    Known,
    /// The user has signed in since the token was issued; nothing changed.
    Newer,
    /// Refused; the text says why.
    Refused(String),
}

/// How many lines had which result.
#[derive(Default, Serialize)]
struct Summary {
    dry_run: bool,
    stored: u64,
    known: u64,
    newer: u64,
    refused: u64,
    /// The last line that was processed, if a signal stopped the import after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_after_line: Option<u64>,
}

/// A line that is reported.
#[derive(Serialize)]
struct LineReport<'a> {
    line: u64,
    result: &'static str,
    error: &'a str,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        let lines = Lines::open(&self.file)?;
        context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let app = context.app().await?;
            let summary = self.import(context, &app, lines, &shutdown).await?;
            context.output.print(&summary, &summary)?;
            let is_whole = summary.refused == 0 && summary.stopped_after_line.is_none();
            Ok(if is_whole { Exit::Done } else { Exit::SomeFailed })
        })
    }

    async fn import(
        &self,
        context: &Context,
        app: &App,
        lines: Lines,
        shutdown: &Shutdown,
    ) -> Result<Summary, CliError> {
        let registry = app.registry();
        let progress = Progress::through(&context.output, &lines);
        let (mut batches, mut last) = (lines.batches()?, 0);
        let mut summary = Summary { dry_run: self.dry_run, ..Summary::default() };
        let mut reader = None;
        while let Some(Batch { lines, position }) = batches.next(shutdown).await? {
            last = lines.last().map_or(last, |line| line.number);
            let read = read(&mut reader, self.input_format, lines)?;
            let first = read.iter().find(|(_, record)| record.is_ok()).map_or(last, |(number, _)| *number);
            let outcomes =
                self.register(app, &registry, read).await.map_err(|error| stopped(first, error))?;
            for (_, outcome) in &outcomes {
                summary.count(outcome);
            }
            let print = || {
                let told = outcomes.iter().filter_map(|(number, outcome)| outcome.told(*number));
                told.into_iter().try_for_each(|told| context.output.print(&told, &told))
            };
            progress.aside(print).map_err(|error| error.behind_line(last))?;
            progress.at(position, format!("line {last}"));
        }
        summary.stopped_after_line = shutdown.is_requested().then_some(last);
        Ok(summary)
    }

    /// Registers a batch. After an error, none of it is registered, and later lines would fail in
    /// the same way.
    async fn register(
        &self,
        app: &App,
        registry: &Registry,
        batch: Vec<Read>,
    ) -> Result<Vec<(u64, Outcome)>, StoreError> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let (mut numbers, mut registrations) = (Vec::new(), Vec::new());
        for (number, record) in batch {
            match record.and_then(|record| with_merchant(app, record)) {
                Ok((merchant, registration)) if self.dry_run => {
                    outcomes.push((number, foreseen(registry, &merchant, &registration).await?));
                }
                Ok(registration) => {
                    numbers.push(number);
                    registrations.push(registration);
                }
                Err(wrong) => outcomes.push((number, Outcome::Refused(wrong))),
            }
        }
        let registered =
            if registrations.is_empty() { Vec::new() } else { registry.import(&registrations).await? };
        for (number, registered) in numbers.into_iter().zip(registered) {
            let outcome = match registered {
                Ok(Registered::Stored(_)) => Outcome::Stored,
                Ok(Registered::Known(_)) => Outcome::Known,
                Ok(Registered::Newer(_)) => Outcome::Newer,
                Ok(Registered::HeldElsewhere(holder)) => Outcome::Refused(held_elsewhere(&holder)),
                Err(RegistryError::Store(error)) => return Err(error),
                Err(error @ RegistryError::Malformed(_)) => Outcome::Refused(error.to_string()),
            };
            outcomes.push((number, outcome));
        }
        outcomes.sort_by_key(|(number, _)| *number);
        Ok(outcomes)
    }
}

fn held_elsewhere(holder: &UserKey) -> String {
    let UserKey { merchant, user } = holder;
    format!("the refresh token belongs to the user {user} of the merchant {merchant}: {HELD_ELSEWHERE}")
}

/// A line's number, and its record or what is wrong with it.
type Read = (u64, Result<Record, String>);

/// Reads lines in the format that the user named, or that the first line has.
fn read(
    reader: &mut Option<Reader>,
    format: Option<InputFormat>,
    batch: Vec<Line>,
) -> Result<Vec<Read>, CliError> {
    let mut records = Vec::with_capacity(batch.len());
    for Line { number, text } in batch {
        let text = text.map_err(|bad| bad.to_string());
        let reader = match (&mut *reader, &text) {
            (Some(reader), _) => reader,
            (none, Ok(first)) => {
                let (made, is_header) =
                    Reader::new(format, first).map_err(|wrong| not_read(number, &wrong))?;
                let reader = none.insert(made);
                if is_header {
                    continue;
                }
                reader
            }
            (_, Err(bad)) => return Err(not_read(number, bad)),
        };
        records.push((number, text.and_then(|text| reader.read(&text))));
    }
    Ok(records)
}

fn with_merchant(app: &App, record: Record) -> Result<(Arc<Merchant>, Registration), String> {
    let Record { merchant, registration } = record;
    let merchants = &app.settings.merchants;
    if let Some(merchant) = merchants.get(merchant.as_str()) {
        return Ok((Arc::clone(merchant), registration));
    }
    let known: Vec<&str> = merchants.keys().map(MerchantName::as_str).collect();
    Err(format!("the settings have no such merchant; they have: {}", known.join(", ")))
}

/// Returns the result that a registration would have.
async fn foreseen(
    registry: &Registry,
    merchant: &Merchant,
    registration: &Registration,
) -> Result<Outcome, StoreError> {
    let found =
        registry.view(&UserKey { merchant: merchant.name.clone(), user: registration.user.clone() }).await?;
    let signed_in_at = found.and_then(|token| token.signed_in_at);
    let stated = registration.stated(merchant);
    let is_newer = signed_in_at.zip(stated).is_some_and(|(signed_in, issued)| signed_in > issued);
    Ok(if is_newer { Outcome::Newer } else { Outcome::Stored })
}

impl Outcome {
    fn told(&self, line: u64) -> Option<LineReport<'_>> {
        match self {
            Self::Stored | Self::Known => None,
            Self::Newer => Some(LineReport {
                line,
                result: "newer",
                error: "skipped: the user has signed in since it was issued",
            }),
            Self::Refused(wrong) => Some(LineReport { line, result: "refused", error: wrong }),
        }
    }
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Stored => &mut self.stored,
            Outcome::Known => &mut self.known,
            Outcome::Newer => &mut self.newer,
            Outcome::Refused(_) => &mut self.refused,
        } += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dry_run, stored, known, newer, refused, stopped_after_line } = self;
        if let Some(line) = stopped_after_line {
            write!(f, "stopped after line {line}; run the command again for the rest: ")?;
        }
        if *dry_run {
            write!(
                f,
                "{stored} would be registered (unless already known), {newer} are older than the user's last \
                 sign-in, {refused} refused; "
            )?;
            return f.write_str("nothing was changed");
        }
        write!(
            f,
            "{stored} registered, {known} already known, {newer} older than the user's last sign-in, \
            {refused} refused"
        )
    }
}

impl fmt::Display for LineReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {:<5}  {}", self.line, printable(self.error))
    }
}

fn not_read(number: u64, wrong: &str) -> CliError {
    CliError::failed("read the tokens", format!("line {number} {wrong}"))
}

fn stopped(number: u64, error: StoreError) -> CliError {
    let doing = format!(
        "register the token on line {number}, the first line that may not be registered; when the cause is \
         fixed, run the command again (tokens that are already registered stay unchanged)"
    );
    CliError::failed(doing, error)
}
