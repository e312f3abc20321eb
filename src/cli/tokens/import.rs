//! `tokens import`

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::record::{InputFormat, Record};
use super::source::Source;
use super::systems::{NotRegistered, Read, System, SystemReader};
use crate::app::App;
use crate::cli::context::check_merchant;
use crate::cli::lines::{BATCH, Batch, Lines};
use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::views::time;
use crate::cli::{CliError, Context, Exit};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::lifecycle::Shutdown;
use crate::store::StoreError;
use crate::token::Registered;
use crate::vault::{HELD_ELSEWHERE, ImportedToken, Registration, Registry, RegistryError};

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
    /// Read the export of another system instead; docs/migrating.md shows how to make it
    ///
    /// First stop everything that refreshes these tokens there. With --dry-run, each token that
    /// would be registered is listed by its user and issue date.
    #[arg(long, value_enum, requires = "merchant", conflicts_with = "input_format")]
    from: Option<System>,
    /// The merchant whose tokens the export has
    #[arg(long, requires = "from")]
    merchant: Option<MerchantName>,
    /// Check every line and show what would happen; register nothing
    #[arg(long)]
    dry_run: bool,
}

/// The result of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Registered. With `--dry-run`, it would be registered unless it is already known.
    Stored,
    /// The same, of the export of another system: the user, and when the token was issued if that
    /// is known.
    Foreseen { user: UserId, issued_at: Option<DateTime<Utc>> },
    /// Already known; nothing changed.
    Known,
    /// The user has signed in since the token was issued; nothing changed.
    Newer,
    /// The input has a newer token of the user; nothing changed.
    Older,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<DateTime<Utc>>,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        let lines = Lines::open(&self.file)?;
        context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let app = context.app().await?;
            let source = self.source(&app)?;
            let summary = self.import(context, &app, source, lines, &shutdown).await?;
            context.output.print(&summary, &summary)?;
            let is_whole = summary.refused == 0 && summary.stopped_after_line.is_none();
            Ok(if is_whole { Exit::Done } else { Exit::SomeFailed })
        })
    }

    fn source(&self, app: &App) -> Result<Source, CliError> {
        let (Some(system), Some(merchant)) = (self.from, &self.merchant) else {
            return Ok(Source::Own { format: self.input_format, reader: None });
        };
        check_merchant(app, merchant)?;
        tracing::warn!(
            "Everything that refreshes these tokens in the other system must be stopped before its export was made: \
             a refresh token works once, and if two programs use it, the user's grant ends"
        );
        Ok(Source::System(SystemReader::new(system, merchant.clone())))
    }

    async fn import(
        &self,
        context: &Context,
        app: &App,
        mut source: Source,
        lines: Lines,
        shutdown: &Shutdown,
    ) -> Result<Summary, CliError> {
        let registry = app.registry();
        let progress = Progress::through(&context.output, &lines);
        let (mut batches, mut last) = (lines.batches()?, 0);
        let mut summary = Summary { dry_run: self.dry_run, ..Summary::default() };
        let mut is_end = false;
        while !is_end {
            let (read, position) = match batches.next(shutdown).await? {
                Some(Batch { lines, position }) => {
                    let reached = lines.last().map_or(last, |line| line.number);
                    (source.read(lines)?, Some((position, reached)))
                }
                None if shutdown.is_requested() => break,
                None => {
                    is_end = true;
                    (source.end(), None)
                }
            };
            let mut read = read.into_iter().peekable();
            while read.peek().is_some() && !(is_end && shutdown.is_requested()) {
                let batch: Vec<Read> = read.by_ref().take(BATCH.0).collect();
                last = batch.last().map_or(last, |(number, _)| *number);
                let first =
                    batch.iter().find(|(_, record)| record.is_ok()).map_or(last, |(number, _)| *number);
                let outcomes =
                    self.register(app, &registry, batch).await.map_err(|error| stopped(first, error))?;
                for (_, outcome) in &outcomes {
                    summary.count(outcome);
                }
                let print = || {
                    let told = outcomes.iter().filter_map(|(number, outcome)| outcome.line_report(*number));
                    told.into_iter().try_for_each(|told| context.output.print(&told, &told))
                };
                progress.aside(print).map_err(|error| error.behind_line(last))?;
            }
            if let Some((position, reached)) = position {
                progress.at(position, format!("line {reached}"));
            }
        }
        summary.stopped_after_line = shutdown.is_requested().then_some(last);
        Ok(summary)
    }

    /// Lists a token of another system's export that would be registered.
    fn listed(&self, outcome: Outcome, registration: Registration) -> Outcome {
        if self.from.is_none() || outcome != Outcome::Stored {
            return outcome;
        }
        Outcome::Foreseen { user: registration.user, issued_at: registration.issued_at }
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
        let (mut numbers, mut tokens) = (Vec::new(), Vec::new());
        for (number, record) in batch {
            let record = record.and_then(|record| with_merchant(app, record).map_err(NotRegistered::Wrong));
            match record {
                Ok(token) if self.dry_run => {
                    let outcome = foreseen(registry, &token).await?;
                    outcomes.push((number, self.listed(outcome, token.registration)));
                }
                Ok(token) => {
                    numbers.push(number);
                    tokens.push(token);
                }
                Err(NotRegistered::Wrong(wrong)) => outcomes.push((number, Outcome::Refused(wrong))),
                Err(NotRegistered::Older) => outcomes.push((number, Outcome::Older)),
            }
        }
        let registered = if tokens.is_empty() { Vec::new() } else { registry.import(&tokens).await? };
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

fn with_merchant(app: &App, record: Record) -> Result<ImportedToken, String> {
    let Record { merchant, registration } = record;
    let merchants = &app.settings.merchants;
    if let Some(merchant) = merchants.get(merchant.as_str()) {
        return Ok(ImportedToken { merchant: Arc::clone(merchant), registration });
    }
    let known: Vec<&str> = merchants.keys().map(MerchantName::as_str).collect();
    Err(format!("the settings have no such merchant; they have: {}", known.join(", ")))
}

/// Returns the result that a registration would have.
async fn foreseen(registry: &Registry, token: &ImportedToken) -> Result<Outcome, StoreError> {
    let ImportedToken { merchant, registration } = token;
    let found =
        registry.view(&UserKey { merchant: merchant.name.clone(), user: registration.user.clone() }).await?;
    let signed_in_at = found.and_then(|token| token.signed_in_at);
    let stated = registration.stated(merchant);
    let is_newer = signed_in_at.zip(stated).is_some_and(|(signed_in, issued)| signed_in > issued);
    Ok(if is_newer { Outcome::Newer } else { Outcome::Stored })
}

impl Outcome {
    fn line_report(&self, line: u64) -> Option<LineReport<'_>> {
        let report = |result, error| LineReport { line, result, error, user: None, issued_at: None };
        match self {
            Self::Stored | Self::Known => None,
            Self::Foreseen { user, issued_at } => Some(LineReport {
                user: Some(user.as_str()),
                issued_at: *issued_at,
                ..report("foreseen", None)
            }),
            Self::Newer => Some(report("newer", Some("skipped: the user has signed in since it was issued"))),
            Self::Older => Some(report("newer", Some("skipped: the export has a newer token of this user"))),
            Self::Refused(wrong) => Some(report("refused", Some(wrong))),
        }
    }
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Stored | Outcome::Foreseen { .. } => &mut self.stored,
            Outcome::Known => &mut self.known,
            Outcome::Newer | Outcome::Older => &mut self.newer,
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
            return f.write_str("nothing was registered");
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
        write!(f, "line {:<5}  ", self.line)?;
        match (self.error, self.user) {
            (Some(error), _) => f.write_str(&printable(error)),
            (None, user) => {
                let issued = self.issued_at.map_or_else(|| "at an unknown time".to_owned(), time);
                write!(f, "user {}, issued {issued}", printable(user.unwrap_or_default()))
            }
        }
    }
}

fn stopped(number: u64, error: StoreError) -> CliError {
    let doing = format!(
        "register the token on line {number}, the first line that may not be registered; when the cause is \
         fixed, run the command again (tokens that are already registered stay unchanged)"
    );
    CliError::failed(doing, error)
}
