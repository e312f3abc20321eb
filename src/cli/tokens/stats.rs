//! `tokens stats`

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::cli::{CliError, Context, Exit};
use crate::ids::MerchantName;
use crate::store::TokenCount;
use crate::token::TokenState;

/// How many days a bar covers.
const DAYS: i64 = 5;
/// The width of the longest bar, in characters.
const WIDTH: u64 = 40;

/// Options of `tokens stats`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
}

/// The counts.
#[derive(Serialize)]
struct Stats {
    states: Vec<InState>,
    /// Active tokens by whole days until they expire.
    days_to_expiry: BTreeMap<i64, u64>,
    /// Active tokens that have expired. Each is tried once more.
    expired: u64,
    /// Due tokens of all merchants.
    due: u64,
}

#[derive(Serialize)]
struct InState {
    state: TokenState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<crate::token::DeadReason>,
    tokens: u64,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let app = context.app_to_read().await?;
            let counted = async {
                let counts = app.store.token_counts(self.merchant.as_ref()).await?;
                let due = app.store.count_due(app.store.time().await?).await?;
                Ok::<_, crate::store::StoreError>(Stats::new(&counts, due))
            };
            let stats = counted.await.map_err(|error| CliError::failed("count the tokens", error))?;
            context.output.print(&stats, &stats)?;
            Ok(Exit::Done)
        })
    }
}

impl Stats {
    fn new(counts: &[TokenCount], due: u64) -> Self {
        let mut stats = Self { states: Vec::new(), days_to_expiry: BTreeMap::new(), expired: 0, due };
        for &TokenCount { state, reason, days, tokens } in counts {
            match stats.states.iter_mut().find(|known| (known.state, known.reason) == (state, reason)) {
                Some(known) => known.tokens += tokens,
                None => stats.states.push(InState { state, reason, tokens }),
            }
            match days {
                Some(days) if days >= 0 => *stats.days_to_expiry.entry(days).or_default() += tokens,
                Some(_) => stats.expired += tokens,
                None => {}
            }
        }
        stats
    }

    /// Returns bars of five days each.
    fn bars(&self) -> Vec<(String, u64)> {
        let mut bars = BTreeMap::<i64, u64>::new();
        for (days, tokens) in &self.days_to_expiry {
            *bars.entry(days / DAYS).or_default() += tokens;
        }
        let (first, last) = (0, bars.keys().next_back().copied().unwrap_or(-1));
        (first..=last)
            .map(|bar| {
                let label = format!("{}–{} days", bar * DAYS, bar * DAYS + DAYS - 1);
                (label, bars.get(&bar).copied().unwrap_or_default())
            })
            .collect()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.states.is_empty() {
            return f.write_str("No token has been registered.");
        }
        for InState { state, reason, tokens } in &self.states {
            let reason = reason.map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
            writeln!(f, "{:32}  {tokens:>9}", format!("{}{reason}", state.as_str()))?;
        }
        writeln!(f, "{:32}  {:>9}", "due now", self.due)?;
        writeln!(f, "\nActive tokens by days until they expire")?;
        let mut bars = self.bars();
        if self.expired > 0 {
            bars.insert(0, ("expired".to_owned(), self.expired));
        }
        let most = bars.iter().map(|(_, tokens)| *tokens).max().unwrap_or_default().max(1);
        for (index, (label, tokens)) in bars.iter().enumerate() {
            let bar = "█".repeat(usize::try_from((tokens * WIDTH).div_ceil(most)).unwrap_or_default());
            let end = if index + 1 == bars.len() { "" } else { "\n" };
            write!(f, "{label:>12}  {tokens:>9}  {bar}{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::DeadReason;

    fn active(days: i64, tokens: u64) -> TokenCount {
        TokenCount { state: TokenState::Active, reason: None, days: Some(days), tokens }
    }

    #[test]
    fn bars_stand_for_five_days_and_are_as_long_as_their_share() {
        let dead = TokenCount {
            state: TokenState::ReauthRequired,
            reason: Some(DeadReason::Rejected),
            days: None,
            tokens: 7,
        };
        let stats = Stats::new(&[active(-1, 1), active(0, 10), active(4, 30), active(12, 20), dead], 3);
        let text = stats.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["active", "61"]);
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["reauth_required", "(rejected)", "7"]);
        let bar = |line: usize| lines[line].chars().filter(|letter| *letter == '█').count();
        assert_eq!((bar(5), bar(6), bar(7), bar(8)), (1, 40, 0, 20), "{text}");
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn nothing_is_told_as_such() {
        assert_eq!(Stats::new(&[], 0).to_string(), "No token has been registered.");
    }
}
