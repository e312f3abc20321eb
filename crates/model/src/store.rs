//! What a store does to the token row, from memory and from the spool.

use crate::action::Action;
use crate::exchange::end;
use crate::state::{
    Answer, Broken, ExchangeStep, File, Life, OrderRow, Outcome, Row, State, Status, Step, Successor,
    TokenState,
};
use crate::{Engine, Rule, Scenario};

/// What a store finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The row has the successor already.
    Done,
    /// The row is to be written, under this generation.
    Write(u8),
    /// The row has moved on.
    Superseded,
    /// The database has no such row.
    Behind,
}

/// Compares a successor with the row.
pub(crate) fn find(
    scenario: &Scenario,
    row: &Row,
    known: bool,
    exchange: u8,
    generation: u8,
    it: Successor,
) -> Found {
    if row.exchange == Some(exchange)
        && row.state == TokenState::Active
        && scenario.has(Rule::StoreRecognisesItself)
    {
        return Found::Done;
    }
    if row.state == TokenState::None {
        return Found::Behind;
    }
    if known || !scenario.has(Rule::ArrivalDecidesAfterRestore) {
        let moved = row.generation != generation && scenario.has(Rule::StoreChecksGeneration);
        let ended = row.state != TokenState::Active && !scenario.has(Rule::LateSuccessorCounts);
        return if moved || ended { Found::Superseded } else { Found::Write(row.generation + 1) };
    }
    if row.arrived >= it.arrived && scenario.has(Rule::LaterArrivalStays) {
        return Found::Superseded;
    }
    Found::Write(row.generation.max(generation) + 1)
}

/// Stores a successor, and closes its intent.
pub(crate) fn successor(
    scenario: &Scenario,
    state: &mut State,
    user: u8,
    exchange: u8,
    generation: u8,
    it: Successor,
) -> Found {
    let known = state.intent(exchange).is_some();
    let row = state.db.rows[usize::from(user)];
    let found = find(scenario, &row, known, exchange, generation, it);
    match found {
        Found::Write(generation) => {
            let owner = state.ghost_users[usize::from(user)].grant;
            if owner != Some(it.token.grant) && !state.ghost_went_back {
                state.broke(Broken::OwnerOverruled);
            }
            let row = &mut state.db.rows[usize::from(user)];
            row.state = TokenState::Active;
            row.generation = generation;
            row.token = Some(it.token);
            row.exchange = Some(exchange);
            row.arrived = it.arrived;
            if !state.db.known.contains(&(it.token, user)) {
                state.db.known.push((it.token, user));
            }
            state.close(exchange, Outcome::Rotated);
        }
        Found::Done => state.close(exchange, Outcome::Rotated),
        Found::Superseded => {
            if row.exchange == Some(exchange) && row.state == TokenState::Active {
                state.broke(Broken::LedgerLies);
            }
            state.close(exchange, Outcome::Superseded);
        }
        Found::Behind => {}
    }
    found
}

/// Stores the end of an exchange, and ends it in memory unless the commit is in doubt.
pub(crate) fn store(scenario: &Scenario, state: &mut State, process: usize, exchange: usize, in_doubt: bool) {
    let it = state.processes[process].exchanges[exchange];
    let ExchangeStep::Answered(answer) = it.step else { return };
    let step = match answer {
        Answer::Rotated(successor) => {
            self::successor(scenario, state, it.user, it.id, it.generation, successor);
            let row = &state.db.rows[usize::from(it.user)];
            if row.exchange == Some(it.id) {
                with_token(scenario, state, process, it.order)
            } else {
                Step::Fresh
            }
        }
        Answer::Unchanged => {
            state.close(it.id, Outcome::Unchanged);
            with_token(scenario, state, process, it.order)
        }
        Answer::Invalid => rejection(scenario, state, it.user, it.id, it.generation),
        Answer::Refused | Answer::Nothing => {
            let outcome = if answer == Answer::Refused { Outcome::Refused } else { Outcome::NoAnswer };
            if !scenario.has(Rule::OnlyRejectionEnds) {
                state.db.rows[usize::from(it.user)].state = TokenState::AnswerLost;
            }
            let current = state.db.rows[usize::from(it.user)].generation == it.generation;
            if scenario.hold && answer == Answer::Nothing && current {
                state.doubt(usize::from(it.user));
            }
            state.close(it.id, outcome);
            Step::Fresh
        }
    };
    if matches!(answer, Answer::Rotated(_) | Answer::Unchanged) {
        state.processes[process].granted = true;
    }
    if scenario.engine == Engine::SharedClaims {
        let_all_go(state, process);
    }
    if in_doubt {
        state.locks[usize::from(it.user)] = None;
        state.processes[process].exchanges[exchange].failed = true;
    } else {
        end(state, process, exchange, step);
        state.processes[process]
            .attempts
            .retain(|attempt| attempt.step != Step::Waiting || Some(attempt.order) != it.order);
    }
}

/// Stores the ends of all exchanges that have an answer, in one commit.
pub(crate) fn store_together(scenario: &Scenario, state: &mut State, process: usize, in_doubt: bool) {
    let answered = |it: &&crate::state::Exchange| matches!(it.step, ExchangeStep::Answered(_));
    let ids: Vec<_> = state.processes[process].exchanges.iter().filter(answered).map(|it| it.id).collect();
    for id in ids {
        if let Some(exchange) = state.processes[process].exchanges.iter().position(|it| it.id == id) {
            store(scenario, state, process, exchange, in_doubt);
        }
    }
}

/// The commit of a shared transaction lets every lock of the session go.
fn let_all_go(state: &mut State, process: usize) {
    for lock in &mut state.locks {
        if *lock == Some(crate::ask::small(process)) {
            *lock = None;
        }
    }
}

/// In the token's commit: the access token is cached with the order, and the order marked as about
/// to be sent, if it is still this worker's.
fn with_token(scenario: &Scenario, state: &mut State, process: usize, order: Option<u8>) -> Step {
    let Some(order) = order else { return Step::Fresh };
    let me = &state.processes[process];
    let Some(attempt) = me.attempts.iter().find(|a| a.order == order && a.step == Step::Waiting) else {
        return Step::Fresh;
    };
    let row = &mut state.db.orders[usize::from(order)];
    if !is_mine(row, me.me, attempt.claim) {
        // Stays waiting, and is dropped with the exchange.
        return Step::Waiting;
    }
    row.cached = true;
    row.create_sent = true;
    renew_heartbeat(scenario, state, process);
    state.ghost_orders[usize::from(order)].about_to_send = true;
    Step::Marked
}

/// The mark renews the heartbeat, so that nobody takes the order over before it is sent.
pub(crate) fn renew_heartbeat(scenario: &Scenario, state: &mut State, process: usize) {
    if scenario.has(Rule::MarkAgainAfterSilence) {
        let me = &mut state.processes[process];
        (me.silent, me.no_heartbeat) = (0, false);
    }
}

/// Whether an order still runs under a worker's claim.
pub(crate) fn is_mine(row: &OrderRow, me: crate::state::Holder, claim: u8) -> bool {
    row.status == Status::Running && row.owner == Some(me) && row.claim == claim
}

/// `invalid_grant`: the token is dead if the question was about the present row.
fn rejection(scenario: &Scenario, state: &mut State, user: u8, exchange: u8, generation: u8) -> Step {
    let open = state.intent(exchange).is_some_and(|intent| intent.outcome.is_none());
    let lost = state.answer_ever_lost(usize::from(user)) && scenario.has(Rule::LossIsTold);
    let row = &mut state.db.rows[usize::from(user)];
    let counts = open && row.generation == generation && row.state == TokenState::Active;
    let has_token = row.token.is_some();
    if counts || (has_token && !scenario.has(Rule::RejectionIsOfThisGeneration)) {
        row.state = if lost { TokenState::AnswerLost } else { TokenState::Rejected };
        if !scenario.has(Rule::RejectedTokenStays) {
            row.token = None;
        }
        state.close(exchange, Outcome::Rejected);
        Step::Ready
    } else {
        state.close(exchange, Outcome::Superseded);
        Step::Fresh
    }
}

/// What a process does with the files in its spool.
pub(crate) fn file_actions(scenario: &Scenario, state: &State, process: usize, actions: &mut Vec<Action>) {
    let me = &state.processes[process];
    if !me.runs() || !state.reaches(process) {
        return;
    }
    if !me.taken.is_empty() {
        actions.push(Action::StoreTaken { process });
    }
    for (file, it) in me.spool.iter().enumerate() {
        if in_memory(state, process, it) {
            continue;
        }
        if !scenario.has(Rule::FileRemovedLast) {
            actions.push(Action::TakeFile { process, file });
        } else if is_stored(scenario, state, it) {
            actions.push(Action::RemoveFile { process, file });
        } else if !stays(scenario, state, it) {
            actions.push(Action::Replay { process, file });
        }
    }
}

/// Whether the process that wrote the file still works on it.
fn in_memory(state: &State, process: usize, file: &File) -> bool {
    let me = &state.processes[process];
    match file {
        File::Successor { exchange, .. } => me.exchanges.iter().any(|it| it.id == *exchange && it.spooled),
        File::Result { order, claim, .. } => {
            me.life != Life::Starting && me.attempts.iter().any(|it| it.order == *order && it.claim == *claim)
        }
    }
}

/// Whether storing the file would change nothing.
pub(crate) fn is_stored(scenario: &Scenario, state: &State, file: &File) -> bool {
    match *file {
        File::Successor { exchange, user, generation, successor } => {
            let row = &state.db.rows[usize::from(user)];
            let intent = state.intent(exchange);
            let open = intent.is_some_and(|intent| intent.outcome.is_none());
            let found = find(scenario, row, intent.is_some(), exchange, generation, successor);
            !open && matches!(found, Found::Done | Found::Superseded)
        }
        File::Result { order, claim, result } => {
            !crate::order::would_settle(scenario, state, order, claim, result)
                && !crate::order::is_sent_again(scenario, state, order, claim)
        }
    }
}

/// Whether the file waits: the database knows nothing of its user, or its order is sent again.
pub(crate) fn stays(scenario: &Scenario, state: &State, file: &File) -> bool {
    match *file {
        File::Successor { user, .. } => state.db.rows[usize::from(user)].state == TokenState::None,
        File::Result { order, claim, .. } => crate::order::is_sent_again(scenario, state, order, claim),
    }
}

/// Stores what a file contains.
pub(crate) fn replay(scenario: &Scenario, state: &mut State, file: File) {
    match file {
        File::Successor { exchange, user, generation, successor: it } => {
            successor(scenario, state, user, exchange, generation, it);
        }
        File::Result { order, claim, result } => {
            crate::order::settle_result(scenario, state, order, claim, result);
        }
    }
}
