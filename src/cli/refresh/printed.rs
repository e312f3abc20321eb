//! What `refresh` prints: tokens, its progress, and its sums.

use std::fmt;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::views::time;
use crate::cli::{CliError, Context};
use crate::ids::{MerchantName, UserId};
use crate::keeper::{RefreshOutcome, Summary, TokenReport};
use crate::store::DueToken;

/// Without a visible bar, a line is printed after this many tokens.
const LINE_EVERY: u64 = 1000;

/// A token as it is printed.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) merchant: &'a MerchantName,
    pub(super) user: &'a UserId,
    pub(super) due_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<RefreshOutcome>,
}

impl<'a> Line<'a> {
    pub(super) fn new(token: &'a DueToken, result: Option<RefreshOutcome>) -> Self {
        let DueToken { merchant, user, due_at, expires_at, failures, .. } = token;
        Self { merchant, user, due_at: *due_at, expires_at: *expires_at, failures: *failures, result }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (merchant, user) = (printable(self.merchant.as_str()), printable(self.user.as_str()));
        match self.result {
            None => {
                write!(
                    f,
                    "{merchant}  {user}  due {}  expires {}",
                    time(self.due_at),
                    time(self.expires_at)
                )?;
                if self.failures > 0 {
                    write!(f, "  after {} failures", self.failures)?;
                }
                Ok(())
            }
            Some(RefreshOutcome::NeedsSignIn) => write!(f, "{merchant}  {user}  must sign in again"),
            Some(RefreshOutcome::Failed(note)) => {
                write!(f, "{merchant}  {user}  not refreshed: {}", reason(note.as_str()))
            }
            Some(_) => write!(f, "{merchant}  {user}"),
        }
    }
}

/// Why a token could not be refreshed, in words.
fn reason(note: &str) -> &str {
    match note {
        "not_sent" => "the token endpoint could not be reached",
        "refused" => "the token endpoint refused the request",
        "no_answer" => "no answer came, so it is unknown whether the token was used",
        "unavailable" => "the token cannot be decrypted, or needs an operator's decision",
        other => other,
    }
}

/// Shows the progress: a bar on a terminal, lines elsewhere.
pub(super) struct ProgressReport<'a> {
    pub(super) context: &'a Context,
    pub(super) progress: &'a Progress,
    pub(super) begun: Instant,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Set when standard output cannot be written. The sweep continues.
    pub(super) broken: Option<CliError>,
}

impl ProgressReport<'_> {
    pub(super) fn hear(&mut self, told: &TokenReport, _: &Summary) {
        self.done += 1;
        if matches!(told.outcome, RefreshOutcome::Failed(_) | RefreshOutcome::NeedsSignIn) {
            let line = Line::new(&told.token, Some(told.outcome));
            self.print(&line, &line);
        }
        let progress = SweepProgress::new(self.done, self.total, self.begun.elapsed());
        if self.progress.is_hidden() && self.done.is_multiple_of(LINE_EVERY) {
            self.print(&progress, &progress);
        }
        self.progress.at(self.done, progress.to_string());
    }

    fn print(&mut self, human: impl fmt::Display, json: &impl Serialize) {
        if self.broken.is_none() {
            self.broken = self.progress.aside(|| self.context.output.print(human, json)).err();
        }
    }
}

/// How many tokens are done, how fast, and how long the rest will take.
#[derive(Debug, PartialEq, Serialize)]
struct SweepProgress {
    done: u64,
    due: u64,
    per_second: f64,
    left_seconds: u64,
}

impl SweepProgress {
    fn new(done: u64, due: u64, elapsed: Duration) -> Self {
        let done_exactly = f64::from(u32::try_from(done).unwrap_or(u32::MAX));
        let per_second = done_exactly / elapsed.as_secs_f64().max(0.001);
        let due = due.max(done);
        let left = f64::from(u32::try_from(due - done).unwrap_or(u32::MAX)) / per_second;
        Self {
            done,
            due,
            per_second,
            left_seconds: Duration::try_from_secs_f64(left).unwrap_or_default().as_secs(),
        }
    }
}

impl fmt::Display for SweepProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = humantime::format_duration(Duration::from_secs(self.left_seconds));
        write!(f, "{} of {} tokens, {:.1}/s, {left} left", self.done, self.due, self.per_second)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            refreshed,
            already_fresh,
            needs_sign_in,
            failed,
            in_use,
            breaker_open,
            paused,
            unknown_merchant,
            idle,
            forgotten,
            ..
        } = self;
        write!(
            f,
            "{refreshed} refreshed, {already_fresh} already fresh, {needs_sign_in} need a new sign-in"
        )?;
        for (note, tokens) in failed {
            write!(f, "\n{tokens} not refreshed: {}", reason(note))?;
        }
        let more = [
            (breaker_open, "not refreshed: the circuit breaker of the merchant's token endpoint is open"),
            (paused, "not refreshed: an operator has paused their merchant (see `pauses`)"),
            (unknown_merchant, "skipped: their merchant is not in the settings"),
            (in_use, "skipped: another exchange uses them"),
            (idle, "not refreshed on purpose: their users have not been seen for keeper.stop_after_idle"),
            (forgotten, "forgotten: their users have not been seen for keeper.forget_after_idle"),
        ];
        for (tokens, what) in more.into_iter().filter(|(tokens, _)| **tokens > 0) {
            write!(f, "\n{tokens} {what}")?;
        }
        if self.interrupted {
            f.write_str("\nInterrupted: the remaining tokens stay due")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_tells_what_is_left() {
        let progress = SweepProgress::new(50, 300, Duration::from_secs(10));
        assert_eq!(progress.to_string(), "50 of 300 tokens, 5.0/s, 50s left");
        assert_eq!(
            SweepProgress::new(7, 3, Duration::from_secs(1)).to_string(),
            "7 of 7 tokens, 7.0/s, 0s left"
        );
    }

    #[test]
    fn only_what_an_operator_can_mend_is_a_failure() {
        let well = Summary { refreshed: 3, needs_sign_in: 2, in_use: 1, idle: 1, ..Summary::default() };
        assert!(well.all_well());
        let failed = Summary { failed: [("refused", 1)].into(), ..well.clone() };
        assert!(!failed.all_well() && !Summary { breaker_open: 1, ..well }.all_well());
        assert!(failed.to_string().ends_with(
            "1 not refreshed on purpose: their users have not been seen for \
            keeper.stop_after_idle"
        ));
        assert!(failed.to_string().contains("\n1 not refreshed: the token endpoint refused the request\n"));
    }
}
