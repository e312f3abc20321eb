//! A counterexample as text: each step, and the facts that it changed.

use std::collections::BTreeMap;
use std::fmt;

use crate::Action;
use crate::state::{Process, State};

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

/// The facts of a state that are worth telling, by name.
#[derive(Default)]
struct Facts(BTreeMap<String, String>);

/// Returns what is worth telling about a state, by name.
fn facts(state: &State) -> BTreeMap<String, String> {
    let mut facts = Facts::default();
    facts.of_database(state);
    for (number, process) in state.processes.iter().enumerate() {
        facts.of_process(number, process);
    }
    facts.of_provider(state);
    facts.of_promises(state);
    facts.0
}

impl Facts {
    fn note(&mut self, name: impl Into<String>, fact: impl Into<String>) {
        self.0.insert(name.into(), fact.into());
    }

    /// Rows, locks, and whether the database answers.
    fn of_database(&mut self, state: &State) {
        for (user, row) in state.db.rows.iter().enumerate() {
            let token = row
                .token
                .map_or_else(|| "no token".to_owned(), |it| format!("token {}.{}", it.grant, it.serial));
            self.note(
                format!("row of user {user}"),
                format!("{:?}, generation {}, {token}", row.state, row.generation),
            );
        }
        for it in &state.db.ledger {
            let (user, generation, number) = (it.user, it.generation, it.presentation);
            let (folder, start) = (it.holder.folder, it.holder.start);
            let outcome = it.outcome.map_or_else(|| "open".to_owned(), |outcome| format!("{outcome:?}"));
            self.note(
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
            self.note(
                format!("order {order}"),
                format!("{:?}, claim {}{sent}{flagged}{result}", it.status, it.claim),
            );
        }
        for (user, lock) in state.locks.iter().enumerate() {
            if let Some(process) = lock {
                self.note(format!("lock of user {user}"), format!("P{process}"));
            }
        }
        if state.database_out {
            self.note("database".to_owned(), "answers nobody".to_owned());
        }
    }

    /// What one process does and has.
    fn of_process(&mut self, number: usize, it: &Process) {
        let name = format!("P{number}");
        let silent = ["", ", lost", ", silent"][usize::from(it.silent)];
        let cut = if it.cut_off { ", cut off" } else { "" };
        let new = if it.new_folder { ", in a new folder" } else { "" };
        self.note(name.clone(), format!("{:?}, start {}{silent}{cut}{new}", it.life, it.me.start));
        for (at, exchange) in it.exchanges.iter().enumerate() {
            let spooled = if exchange.spooled { ", spooled" } else { "" };
            self.note(
                format!("{name} exchange {at}"),
                format!("user {}: {:?}{spooled}", exchange.user, exchange.step),
            );
        }
        for (at, attempt) in it.attempts.iter().enumerate() {
            let spooled = if attempt.spooled { ", spooled" } else { "" };
            let (order, claim) = (attempt.order, attempt.claim);
            self.note(
                format!("{name} attempt {at}"),
                format!("order {order}, claim {claim}: {:?}{spooled}", attempt.step),
            );
        }
        for (at, file) in it.spool.iter().enumerate() {
            self.note(format!("{name} spool {at}"), format!("{file:?}"));
        }
    }

    /// What Klarna's endpoints have and are asked.
    fn of_provider(&mut self, state: &State) {
        for (number, it) in state.grants.iter().enumerate() {
            let revoked = if it.revoked { ", revoked" } else { "" };
            self.note(
                format!("provider's grant {number}"),
                format!("valid token {number}.{}{revoked}", it.current),
            );
        }
        for (at, it) in state.token_requests.iter().enumerate() {
            let answer = it.answer.map_or_else(|| "under way".to_owned(), |answer| format!("{answer:?}"));
            self.note(
                format!("token request {at}"),
                format!("{}.{}: {answer}", it.token.grant, it.token.serial),
            );
        }
        for (at, it) in state.create_requests.iter().enumerate() {
            let answer =
                it.answer.map_or_else(|| "under way".to_owned(), |answer| format!("Klarna's order {answer}"));
            self.note(
                format!("create call {at}"),
                format!("order {}, claim {}: {answer}", it.order, it.claim),
            );
        }
    }

    /// What the promises are about.
    fn of_promises(&mut self, state: &State) {
        for (order, it) in state.ghost_orders.iter().enumerate() {
            if it.created > 0 {
                self.note(format!("Klarna, order {order}"), format!("created {} times", it.created));
            }
        }
        for (user, it) in state.ghost_users.iter().enumerate() {
            if it.at_risk {
                self.note(
                    format!("user {user}"),
                    "the token may be lost by what no protocol prevents".to_owned(),
                );
            }
        }
        if let Some(broken) = state.ghost_broken {
            self.note("BROKEN".to_owned(), format!("{broken:?}"));
        }
    }
}
