//! Questions about a state that several rules ask.

use crate::state::{Holder, Intent, Life, Outcome, Process, State, Token};
use crate::{Provider, Rule, Scenario};

/// A length or place as the small number that a state holds.
pub(crate) fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// How many rejections in a row stop a merchant of whose tokens hardly any was rejected before.
pub(crate) const STREAK: usize = 3;

impl State {
    /// Whether a process reaches the database.
    pub(crate) fn reaches(&self, process: usize) -> bool {
        !self.database_out && !self.processes[process].cut_off
    }

    /// The process that runs in an instance folder, or ran there last. A copy of a folder is no
    /// such process.
    fn in_folder(&self, folder: u8) -> &Process {
        &self.processes[usize::from(folder)]
    }

    /// Whether a holder is known to be dead: a later start of its folder has registered itself, it
    /// ended, or the others watched its silence for longer than this (1: `worker_lost_after`, 2:
    /// `orphan_after`).
    pub(crate) fn dead(&self, scenario: &Scenario, holder: Holder, silence: u8) -> bool {
        let row = self.db.workers[usize::from(holder.folder)];
        let stepped = self.clock_stepped && !scenario.has(Rule::SilenceIsWatched);
        let silent = self.in_folder(holder.folder).silent >= silence || stepped;
        row.start > holder.start || (row.start == holder.start && (row.ended || silent))
    }

    /// Whether somebody may still start in a new instance folder. Nobody else asks why a process
    /// has not ended.
    pub(crate) fn has_new_folder(&self) -> bool {
        self.processes.iter().any(|process| process.new_folder)
    }

    /// Whether the last process on the database has neither ended nor is seen to live: it died, or
    /// the database is a backup of a time when it ran.
    pub(crate) fn left_open(&self) -> bool {
        let sends = |process: usize| {
            let it = &self.processes[process];
            matches!(it.life, Life::Up | Life::Stopping) && !it.no_heartbeat && self.reaches(process)
        };
        self.db.workers.iter().any(|row| row.is_open()) && !(0..self.processes.len()).any(sends)
    }

    /// The open intents of a user.
    pub(crate) fn open_intents(&self, user: usize) -> impl Iterator<Item = &Intent> {
        self.db
            .ledger
            .iter()
            .filter(move |intent| usize::from(intent.user) == user && intent.outcome.is_none())
    }

    /// Whether nobody will close an open intent: its holder is dead, or it is the process's own and
    /// no exchange of it has it.
    pub(crate) fn orphaned(&self, scenario: &Scenario, process: usize, intent: &Intent) -> bool {
        let me = &self.processes[process];
        if intent.holder == me.me {
            return !me.exchanges.iter().any(|exchange| exchange.id == intent.exchange);
        }
        !scenario.has(Rule::HolderMustBeDead) || self.dead(scenario, intent.holder, 2)
    }

    /// Whether the last answered or unanswered presentation of the row's generation got no answer.
    pub(crate) fn answer_was_lost(&self, user: usize) -> bool {
        let generation = self.db.rows[user].generation;
        let mine = |intent: &&Intent| usize::from(intent.user) == user && intent.generation == generation;
        self.db.ledger.iter().rev().find(mine).is_some_and(|intent| intent.outcome == Some(Outcome::NoAnswer))
    }

    /// Whether any presentation since the registration got no answer.
    pub(crate) fn answer_ever_lost(&self, user: usize) -> bool {
        let since = self.db.rows[user].registered;
        self.db.ledger.iter().any(|intent| {
            usize::from(intent.user) == user
                && intent.generation >= since
                && intent.outcome == Some(Outcome::NoAnswer)
        })
    }

    /// Whether too many tokens were rejected in a row.
    pub(crate) fn stopped(&self, scenario: &Scenario) -> bool {
        if !scenario.has(Rule::StreakStops) {
            return false;
        }
        let mut rejected = 0;
        for intent in self.db.ledger.iter().skip(usize::from(self.db.streak_from)).rev() {
            match intent.outcome {
                Some(Outcome::Rejected) => rejected += 1,
                Some(Outcome::Rotated | Outcome::Unchanged) => break,
                _ => {}
            }
        }
        rejected >= STREAK
    }

    /// Whether the provider would accept a token.
    pub(crate) fn valid(&self, scenario: &Scenario, token: Token) -> bool {
        let grant = self.grants[usize::from(token.grant)];
        !grant.revoked && (grant.current == token.serial || scenario.provider == Provider::NotRotating)
    }

    /// The intent of an exchange.
    pub(crate) fn intent(&self, exchange: u8) -> Option<&Intent> {
        self.db.ledger.iter().find(|intent| intent.exchange == exchange)
    }

    /// Closes an intent, if it is open.
    pub(crate) fn close(&mut self, exchange: u8, outcome: Outcome) {
        let intent = self.db.ledger.iter_mut().find(|intent| intent.exchange == exchange);
        if let Some(intent) = intent.filter(|intent| intent.outcome.is_none()) {
            intent.outcome = Some(outcome);
        }
    }

    /// `lost_answer = "hold"`: an operator decides about a token whose answer was lost.
    pub(crate) fn doubt(&mut self, user: usize) {
        let row = &mut self.db.rows[user];
        if row.state == crate::state::TokenState::Active {
            row.state = crate::state::TokenState::Uncertain;
        }
    }

    /// The next moment of a user's clock.
    pub(crate) fn tick(&mut self, user: usize) -> u8 {
        self.clocks[user] += 1;
        self.clocks[user]
    }

    /// Notes the first broken promise.
    pub(crate) fn broke(&mut self, broken: crate::state::Broken) {
        self.ghost_broken.get_or_insert(broken);
    }
}
