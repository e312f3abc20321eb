//! `enqueue`: submits orders from a file, with the same checks as the API.

mod wait;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::lines::{Batch, Line, Lines};
use super::progress::Progress;
use super::table::printable;
use super::{CliError, Context, Exit, Format};
use crate::app::App;
use crate::intake::{Accepted, Intake, IntakeError};
use crate::lifecycle::Shutdown;
use crate::order::{Fault, OrderId, Rejection, Target};
use crate::store::StoreError;

/// Options of `enqueue`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Orders as JSON lines, each like the body of POST /v1/orders, and with an optional member
    /// `idempotency_key`. - reads standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The product of Klarna for lines that name none; by default the merchant's setting `target`
    #[arg(long, value_parser = PossibleValuesParser::new(Target::ALL.map(Target::as_str))
        .try_map(|word| word.parse::<Target>()))]
    target: Option<Target>,
    /// Wait at most this long until every order has ended; each accepted line is then printed once,
    /// when its order has ended or the wait is over
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,
}

/// The accepted lines that are not printed yet, by their number.
type Unprinted = BTreeMap<u64, Taken>;

/// The result of a line.
#[derive(Serialize)]
struct Taken {
    line: u64,
    result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Accepted now.
    New,
    /// Accepted before, with the same request.
    Known,
    /// Refused.
    Refused,
}

impl Taken {
    fn accepted(line: u64, accepted: Accepted) -> Self {
        let result = if accepted.new { Outcome::New } else { Outcome::Known };
        Self { line, result, id: Some(accepted.id), error: None, faults: Vec::new() }
    }

    fn refused(line: u64, error: &impl ToString, faults: Vec<Fault>) -> Self {
        Self { line, result: Outcome::Refused, id: None, error: Some(error.to_string()), faults }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.result {
            Outcome::New => "new",
            Outcome::Known => "known",
            Outcome::Refused => "refused",
        };
        write!(f, "line {:<5}  {word:<7}  ", self.line)?;
        self.id.map_or(Ok(()), |id| write!(f, "{id}"))?;
        self.error.as_deref().map_or(Ok(()), |error| f.write_str(&printable(error)))
    }
}

#[derive(Default)]
struct Counts {
    new: u64,
    known: u64,
    refused: u64,
    /// The last line that was processed.
    last: u64,
}

impl Counts {
    fn count(&mut self, result: Outcome) {
        *match result {
            Outcome::New => &mut self.new,
            Outcome::Known => &mut self.known,
            Outcome::Refused => &mut self.refused,
        } += 1;
    }
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        let lines = Lines::open(&self.file)?;
        context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let app = context.app().await?;
            let mut unprinted = Unprinted::new();
            let done = self.take_and_wait(context, &app, lines, &mut unprinted, &shutdown).await;
            // Whatever ended the command: the ids of the accepted orders are told.
            let printed = unprinted.values().try_for_each(|taken| context.output.print(taken, taken));
            done.and_then(|exit| printed.map(|()| exit))
        })
    }

    async fn take_and_wait(
        &self,
        context: &Context,
        app: &App,
        lines: Lines,
        unprinted: &mut Unprinted,
        shutdown: &Shutdown,
    ) -> Result<Exit, CliError> {
        let Counts { new, known, refused, last } =
            self.take_in(context, &app.intake(), lines, unprinted, shutdown).await?;
        if context.output.format() == Format::Human {
            let end = if shutdown.is_requested() {
                format!("; stopped after line {last}: continue from the next line")
            } else {
                String::new()
            };
            let summary = format!("{new} accepted, {known} already known, {refused} refused{end}");
            context.output.print(summary, &())?;
        }
        if shutdown.is_requested() {
            return Ok(Exit::SomeFailed);
        }
        let all_submitted = match self.wait {
            Some(patience) => tokio::select! {
                all_submitted = wait::for_all(context, &*app.store, unprinted, patience) => all_submitted?,
                () = shutdown.soft() => false,
            },
            None => true,
        };
        Ok(if refused == 0 && all_submitted { Exit::Done } else { Exit::SomeFailed })
    }

    /// Submits the lines in batches, and prints the result of each. Those that are waited for are
    /// kept instead.
    async fn take_in(
        &self,
        context: &Context,
        intake: &Intake,
        lines: Lines,
        unprinted: &mut Unprinted,
        shutdown: &Shutdown,
    ) -> Result<Counts, CliError> {
        let progress = Progress::through(&context.output, &lines);
        let mut counts = Counts::default();
        let mut batches = lines.batches()?;
        while let Some(Batch { lines, position }) = batches.next(shutdown).await? {
            let last = lines.last().map_or(counts.last, |line| line.number);
            counts.last = last;
            let (taken, failed) = submit(intake, lines, self.target).await;
            for taken in &taken {
                counts.count(taken.result);
            }
            let (kept, printed): (Vec<Taken>, Vec<Taken>) =
                taken.into_iter().partition(|taken| self.wait.is_some() && taken.id.is_some());
            unprinted.extend(kept.into_iter().map(|taken| (taken.line, taken)));
            let print = || printed.iter().try_for_each(|taken| context.output.print(taken, taken));
            progress.aside(print).map_err(|error| error.behind_line(last))?;
            if let Some((line, error)) = failed {
                return Err(stopped(line, error));
            }
            progress.at(position, format!("line {last}"));
        }
        Ok(counts)
    }
}

/// Returns the results of the lines, and the first line that could not be stored; later lines would
/// fail in the same way.
async fn submit(
    intake: &Intake,
    batch: Vec<Line>,
    target: Option<Target>,
) -> (Vec<Taken>, Option<(u64, StoreError)>) {
    let mut taken = Vec::with_capacity(batch.len());
    let (mut numbers, mut orders) = (Vec::new(), Vec::new());
    for Line { number, text } in batch {
        match text.as_deref().map(|text| intake.parse(text, target)) {
            Ok(Ok(order)) => {
                numbers.push(number);
                orders.push(order);
            }
            Ok(Err(rejection)) => taken.push(rejected(number, rejection)),
            Err(bad) => taken.push(Taken::refused(number, &bad, Vec::new())),
        }
    }
    let mut failed = None;
    for (number, outcome) in numbers.into_iter().zip(intake.submit_all(orders).await) {
        taken.push(match outcome {
            Ok(accepted) => Taken::accepted(number, accepted),
            Err(IntakeError::Rejected(rejection)) => rejected(number, rejection),
            Err(error @ IntakeError::KeyReused(_)) => Taken::refused(number, &error, Vec::new()),
            Err(IntakeError::Store(error)) => {
                failed.get_or_insert((number, error));
                continue;
            }
        });
    }
    taken.sort_by_key(|taken| taken.line);
    (taken, failed)
}

fn rejected(number: u64, rejection: Rejection) -> Taken {
    let told = rejection.to_string();
    match rejection {
        Rejection::Faults(faults) => Taken::refused(number, &told, faults),
        Rejection::TooLarge => Taken::refused(number, &told, Vec::new()),
    }
}

fn stopped(number: u64, error: StoreError) -> CliError {
    let doing = format!(
        "store the order on line {number}, the first line that may not be stored; when the cause is fixed, \
         run the command again (lines with an idempotency_key are never stored twice) or continue from this \
         line"
    );
    CliError::failed(doing, error)
}
