//! How processes start, stop and are watched, and what operators do.

use crate::action::Action;
use crate::ask::small;
use crate::order::requeue;
use crate::state::{
    Answer, Exchange, ExchangeStep, File, Life, Process, State, Status, Step, TokenState, WorkerRow,
};
use crate::store::{file_actions, is_stored, stays};
use crate::{Engine, Rule, Scenario};

/// The steps that are possible.
pub(crate) fn actions(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    for process in 0..state.processes.len() {
        let me = &state.processes[process];
        match me.life {
            Life::Down if may_start(scenario, state, process) => actions.push(Action::Start { process }),
            Life::Down if may_replace(state, process) => actions.push(Action::StartOnNewMachine { process }),
            Life::Starting if state.reaches(process) && may_register(scenario, state, process) => {
                actions.push(Action::Register { process });
            }
            Life::Stopping if may_end(scenario, state, process) => actions.push(Action::End { process }),
            _ => {}
        }
        file_actions(scenario, state, process, actions);
        if may_be_silent(scenario, state, process) {
            actions.push(Action::Silence { process });
        }
        if me.runs() && (me.cut_off || me.no_heartbeat) {
            actions.push(Action::Reconnect { process });
        }
        if me.life == Life::Up && me.wrong_settings && me.exchanges.is_empty() {
            actions.push(Action::CorrectSettings { process });
        }
        if me.disk_out && me.life != Life::Gone {
            actions.push(Action::DiskReturns { process });
        }
    }
    if state.database_out {
        actions.push(Action::DatabaseReturns);
    }
    if state.restored && scenario.has(Rule::RestoreIsNoticed) && !state.processes.iter().any(Process::runs) {
        actions.push(Action::AfterRestore);
    }
    operator(scenario, state, actions);
}

fn operator(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    if state.database_out || state.restored {
        return;
    }
    let left = |user: usize| {
        let of_user =
            |file: &File| matches!(file, File::Successor { user: u, .. } if usize::from(*u) == user);
        state.processes.iter().any(|process| process.spool.iter().any(of_user))
    };
    for (user, row) in state.db.rows.iter().enumerate() {
        let may = !left(user) || !scenario.has(Rule::ResolveAfterSpools);
        if row.state == TokenState::Uncertain && may {
            actions.push(Action::Resolve { user });
        }
    }
    let right = state.processes.iter().any(|process| process.life == Life::Up && !process.wrong_settings);
    if scenario.unbound
        && right
        && state.db.rows.iter().any(|row| row.state == TokenState::Rejected && row.token.is_some())
    {
        actions.push(Action::ResolveRejected);
    }
}

/// Takes the lock of the instance folder.
pub(crate) fn start(state: &mut State, process: usize) {
    let me = &mut state.processes[process];
    let registered = state.db.workers[usize::from(me.me.folder)].start;
    me.life = Life::Starting;
    me.me.start = me.me.start.max(registered) + 1;
    me.cut_off = false;
    me.no_heartbeat = false;
    me.wrong_settings = false;
    me.granted = false;
}

/// The instance folder remembers a heartbeat that a restored database does not know. A new one
/// remembers nothing: the last process on the database must have ended, or live.
fn may_start(scenario: &Scenario, state: &State, process: usize) -> bool {
    if state.processes[process].new_folder {
        !state.database_out && (!state.left_open() || !scenario.has(Rule::NewFolderRefused))
    } else {
        !state.restored || !scenario.has(Rule::RestoreIsNoticed)
    }
}

/// `serve --new-machine`: an operator knows that the machines of the processes that have not ended
/// are gone for good, and that no backup was restored.
fn may_replace(state: &State, process: usize) -> bool {
    let mut rows = state.processes.iter().zip(&state.db.workers);
    state.processes[process].new_folder
        && !state.database_out
        && !state.restored
        && rows.all(|(other, row)| !row.is_open() || other.life == Life::Gone)
}

/// The spool has been stored, as far as the database can take it.
fn may_register(scenario: &Scenario, state: &State, process: usize) -> bool {
    state.processes[process].spool.iter().all(|file| {
        let first = match file {
            File::Successor { .. } => Rule::SpoolReplayedFirst,
            File::Result { .. } => Rule::ResultsReplayedFirst,
        };
        !scenario.has(first) || stays(scenario, state, file) || is_stored(scenario, state, file)
    })
}

/// From here on, earlier starts in this folder are known to be dead.
pub(crate) fn register(scenario: &Scenario, state: &mut State, process: usize) {
    let me = &mut state.processes[process];
    let (folder, start) = (me.me.folder, me.me.start);
    me.life = Life::Up;
    me.silent = 0;
    me.new_folder = false;
    state.db.workers[usize::from(folder)] = WorkerRow::begun(start);
    for order in 0..state.db.orders.len() {
        let row = &state.db.orders[order];
        let mine = row.owner.is_some_and(|owner| owner.folder == folder && owner.start < start);
        if row.status == Status::Running && mine {
            requeue(scenario, state, order);
        }
    }
}

/// A stop waits until nothing is under way, and what came is in the database or in the spool.
fn may_end(scenario: &Scenario, state: &State, process: usize) -> bool {
    let me = &state.processes[process];
    let exchange = |it: &Exchange| match it.step {
        ExchangeStep::Answered(Answer::Rotated(_)) => it.spooled,
        // The database alone is missing: the open intent tells the rest.
        ExchangeStep::Answered(_) | ExchangeStep::Overdue => !state.reaches(process),
        ExchangeStep::Claimed | ExchangeStep::Intended | ExchangeStep::Sent => false,
    };
    let attempts = me.attempts.iter().all(|it| match it.step {
        Step::Sent => false,
        Step::Answered(_) => it.spooled || !scenario.has(Rule::ResultsHaveASpool),
        Step::Fresh | Step::Waiting | Step::Ready | Step::Marked => true,
    });
    attempts && (me.exchanges.iter().all(exchange) || !scenario.has(Rule::StopWaits))
}

/// Ends a process. It says so in the database if its hands are empty.
pub(crate) fn end(scenario: &Scenario, state: &mut State, process: usize) {
    let reaches = state.reaches(process);
    let me = &state.processes[process];
    let empty = me.spool.is_empty() && me.exchanges.is_empty();
    let holder = me.me;
    if reaches {
        let kept: Vec<u8> = me.attempts.iter().filter(|it| it.spooled).map(|it| it.order).collect();
        for order in 0..state.db.orders.len() {
            if state.db.orders[order].owner == Some(holder) && !kept.contains(&small(order)) {
                requeue(scenario, state, order);
            }
        }
        let row = &mut state.db.workers[usize::from(holder.folder)];
        row.ended = row.start == holder.start && (empty || !scenario.has(Rule::EndHoldsNothing));
        if row.ended {
            account_for_silent(state);
        }
    }
    stop_running(state, process);
}

/// Somebody has worked on after the silent, and has ended in order.
fn account_for_silent(state: &mut State) {
    if state.has_new_folder() {
        for (row, process) in state.db.workers.iter_mut().zip(&state.processes) {
            row.accounted |= process.silent > 0;
        }
    }
}

/// What is only in memory is gone, and nobody waits for answers.
pub(crate) fn stop_running(state: &mut State, process: usize) {
    let number = small(process);
    for lock in state.locks.iter_mut().filter(|lock| **lock == Some(number)) {
        *lock = None;
    }
    // What is still on its way arrives; an answer on its way back reaches nobody.
    let reads = |listener: Option<u8>| listener == Some(number);
    state.token_requests.retain(|request| !reads(request.listener) || request.answer.is_none());
    state.create_requests.retain(|request| !reads(request.listener) || request.answer.is_none());
    for listener in state.token_requests.iter_mut().map(|request| &mut request.listener) {
        *listener = listener.filter(|it| *it != number);
    }
    for listener in state.create_requests.iter_mut().map(|request| &mut request.listener) {
        *listener = listener.filter(|it| *it != number);
    }
    let me = &mut state.processes[process];
    me.life = Life::Down;
    me.exchanges.clear();
    me.attempts.clear();
    me.taken.clear();
    me.cut_off = false;
    me.no_heartbeat = false;
    me.wrong_settings = false;
}

/// Whether another process can watch that this one sends no heartbeats.
fn may_be_silent(scenario: &Scenario, state: &State, process: usize) -> bool {
    let me = &state.processes[process];
    let folder = usize::from(me.me.folder);
    let observed = (0..state.processes.len())
        .any(|other| other != process && state.processes[other].runs() && state.reaches(other));
    let living = matches!(me.life, Life::Up | Life::Stopping);
    if folder != process || state.db.workers[folder].ended || !observed || me.silent == 2 {
        return false;
    }
    if !living {
        return true;
    }
    // `orphan_after` is longer than any request.
    let listens = state.token_requests.iter().any(|request| request.listener == Some(small(process)));
    (me.cut_off || me.no_heartbeat) && (me.silent == 0 || (scenario.long_silence && !listens))
}

/// The silence of a process becomes longer than `worker_lost_after`, then than `orphan_after`.
pub(crate) fn silence(scenario: &Scenario, state: &mut State, process: usize) {
    let me = &mut state.processes[process];
    me.silent += 1;
    if scenario.has(Rule::StalledSendsNothing) {
        for exchange in me.exchanges.iter_mut().filter(|it| it.step == ExchangeStep::Intended) {
            exchange.step = ExchangeStep::Overdue;
        }
    }
    if scenario.has(Rule::MarkAgainAfterSilence) {
        // The mark asks whether the claim still holds.
        for attempt in me.attempts.iter_mut().filter(|it| it.step == Step::Marked) {
            attempt.step = Step::Ready;
        }
    }
    if me.silent < 2 {
        return;
    }
    // What a process that counts as dead has in memory or in its spool can come too late.
    let held = |it: &&Exchange| {
        let locked =
            scenario.engine == Engine::Postgres && state.locks[usize::from(it.user)] == Some(small(process));
        matches!(it.step, ExchangeStep::Answered(Answer::Rotated(_))) && !locked
    };
    let in_file = |it: &File| match it {
        File::Successor { user, .. } => Some(*user),
        File::Result { .. } => None,
    };
    let exchanges = me.exchanges.iter().filter(held).map(|it| it.user);
    for user in exchanges.chain(me.spool.iter().filter_map(in_file)) {
        state.ghost_users[usize::from(user)].at_risk = true;
    }
}

/// `tokens after-restore`: whatever may have happened since the backup is in doubt.
pub(crate) fn after_restore(state: &mut State) {
    state.restored = false;
    if state.has_new_folder() {
        state.db.workers.iter_mut().for_each(|row| row.accounted = true);
    }
    for row in state.db.rows.iter_mut().filter(|row| row.state == TokenState::Active) {
        row.state = TokenState::Uncertain;
    }
    for order in &mut state.db.orders {
        if matches!(order.status, Status::Queued | Status::Running) {
            order.status = Status::Failed;
            order.flagged = true;
            order.claim += 1;
        }
    }
}

/// `tokens resolve --rejected --retry`: the rows become active again at the same generation.
pub(crate) fn resolve_rejected(state: &mut State) {
    state.db.streak_from = small(state.db.ledger.len());
    for row in state.db.rows.iter_mut().filter(|row| row.state == TokenState::Rejected && row.token.is_some())
    {
        row.state = TokenState::Active;
    }
}
