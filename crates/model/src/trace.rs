//! A counterexample as text: each step, and the facts that it changed.

use std::collections::BTreeMap;
use std::fmt;

use crate::Action;
use crate::state::State;

/// The steps of a counterexample with what each has changed.
#[derive(Debug)]
pub struct Trace(Vec<TraceStep>);

/// A state of a path.
pub struct PathStep {
    /// The state.
    pub state: State,
    /// What happens next; `None` in the last state.
    pub action: Option<Action>,
}

#[derive(Debug)]
struct TraceStep {
    facts: BTreeMap<String, String>,
    next: Option<Action>,
}

impl Trace {
    /// The trace of a path.
    pub fn of(path: &[PathStep]) -> Self {
        let step = |it: &PathStep| TraceStep { facts: facts(&it.state), next: it.action };
        Self(path.iter().map(step).collect())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = BTreeMap::new();
        for (number, step) in self.0.iter().enumerate() {
            for (name, fact) in step.facts.iter().filter(|(name, fact)| before.get(*name) != Some(*fact)) {
                writeln!(f, "          {name}: {fact}")?;
            }
            for name in before.keys().filter(|name| !step.facts.contains_key(*name)) {
                writeln!(f, "          {name}: gone")?;
            }
            if let Some(action) = step.next {
                writeln!(f, "  {:>3}  {action}", number + 1)?;
            }
            before.clone_from(&step.facts);
        }
        Ok(())
    }
}

/// What is worth telling about a state, by name.
fn facts(state: &State) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut tell = |name: String, fact: String| facts.insert(name, fact);
    for (user, row) in state.db.rows.iter().enumerate() {
        let token =
            row.token.map_or_else(|| "no token".to_owned(), |it| format!("token {}.{}", it.grant, it.serial));
        tell(
            format!("row of user {user}"),
            format!("{:?}, generation {}, {token}", row.state, row.generation),
        );
    }
    for it in &state.db.ledger {
        let (user, generation, number) = (it.user, it.generation, it.presentation);
        let (folder, start) = (it.holder.folder, it.holder.start);
        let outcome = it.outcome.map_or_else(|| "open".to_owned(), |outcome| format!("{outcome:?}"));
        tell(
            format!("ledger {}", it.exchange),
            format!(
                "user {user}, generation {generation}, presentation {number}, by P{folder} start {start}: {outcome}"
            ),
        );
    }
    for (order, it) in state.db.orders.iter().enumerate() {
        let sent = if it.create_sent { ", create sent" } else { "" };
        let flagged = if it.flagged { ", possible duplicate" } else { "" };
        let result = it.result.map_or_else(String::new, |result| format!(", Klarna's order {result}"));
        tell(format!("order {order}"), format!("{:?}, claim {}{sent}{flagged}{result}", it.status, it.claim));
    }
    for (number, it) in state.processes.iter().enumerate() {
        let name = format!("P{number}");
        let silent = ["", ", lost", ", silent"][usize::from(it.silent)];
        let cut = if it.cut_off { ", cut off" } else { "" };
        let new = if it.new_folder { ", in a new folder" } else { "" };
        tell(name.clone(), format!("{:?}, start {}{silent}{cut}{new}", it.life, it.me.start));
        for (at, exchange) in it.exchanges.iter().enumerate() {
            let spooled = if exchange.spooled { ", spooled" } else { "" };
            tell(
                format!("{name} exchange {at}"),
                format!("user {}: {:?}{spooled}", exchange.user, exchange.stage),
            );
        }
        for (at, attempt) in it.attempts.iter().enumerate() {
            let spooled = if attempt.spooled { ", spooled" } else { "" };
            let (order, claim) = (attempt.order, attempt.claim);
            tell(
                format!("{name} attempt {at}"),
                format!("order {order}, claim {claim}: {:?}{spooled}", attempt.step),
            );
        }
        for (at, file) in it.spool.iter().enumerate() {
            tell(format!("{name} spool {at}"), format!("{file:?}"));
        }
    }
    for (user, lock) in state.locks.iter().enumerate() {
        if let Some(process) = lock {
            tell(format!("lock of user {user}"), format!("P{process}"));
        }
    }
    for (number, it) in state.grants.iter().enumerate() {
        let revoked = if it.revoked { ", revoked" } else { "" };
        tell(format!("provider's grant {number}"), format!("valid token {number}.{}{revoked}", it.current));
    }
    for (at, it) in state.token_requests.iter().enumerate() {
        let answer = it.answer.map_or_else(|| "under way".to_owned(), |answer| format!("{answer:?}"));
        tell(format!("token request {at}"), format!("{}.{}: {answer}", it.token.grant, it.token.serial));
    }
    for (at, it) in state.create_requests.iter().enumerate() {
        let answer =
            it.answer.map_or_else(|| "under way".to_owned(), |answer| format!("Klarna's order {answer}"));
        tell(format!("create call {at}"), format!("order {}, claim {}: {answer}", it.order, it.claim));
    }
    for (order, it) in state.ghost_orders.iter().enumerate() {
        if it.created > 0 {
            tell(format!("Klarna, order {order}"), format!("created {} times", it.created));
        }
    }
    for (user, it) in state.ghost_users.iter().enumerate() {
        if it.at_risk {
            tell(format!("user {user}"), "the token may be lost by what no protocol prevents".to_owned());
        }
    }
    if state.database_out {
        tell("database".to_owned(), "answers nobody".to_owned());
    }
    if let Some(broken) = state.ghost_broken {
        tell("BROKEN".to_owned(), format!("{broken:?}"));
    }
    facts
}
