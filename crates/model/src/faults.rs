//! What may go wrong, and what users, shops and operators do.

use crate::action::Action;
use crate::ask::small;
use crate::network::{answered, created};
use crate::process::stop_running;
use crate::scenario::PossibleFault;
use crate::state::{
    Answer, Exchange, ExchangeStep, File, GhostUser, Grant, Holder, Life, Process, State, Step, Token,
    TokenState,
};
use crate::{Engine, Fault, Rule, Scenario};

/// The faults that are possible.
pub(crate) fn actions(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    if state.total == 0 {
        return;
    }
    for (place, PossibleFault { fault, .. }) in scenario.faults.iter().enumerate() {
        let candidates = if state.faults[place] == 0 { 0 } else { candidates(state, *fault) };
        for whom in 0..candidates {
            if possible(scenario, state, *fault, whom) {
                actions.push(Action::Happens { fault: *fault, whom });
            }
        }
    }
}

/// How many processes, users, exchanges, attempts or requests a fault may concern.
fn candidates(state: &State, fault: Fault) -> usize {
    match fault {
        Fault::DatabaseOut | Fault::ClockStep | Fault::Backup | Fault::Restore => 1,
        Fault::Lost | Fault::Slow | Fault::Refused => {
            state.token_requests.len() + state.create_requests.len()
        }
        Fault::SignIn
        | Fault::Repeat
        | Fault::OlderSignIn
        | Fault::OtherUser
        | Fault::Forget
        | Fault::Withdraw => state.db.rows.len(),
        Fault::CommitInDoubt => 2 * PLACES * state.processes.len(),
        Fault::OddError | Fault::PatienceOver => PLACES * state.processes.len(),
        _ => state.processes.len(),
    }
}

/// More exchanges or attempts than a process has in any scenario.
const PLACES: usize = 6;

/// The process and the place in one of its lists that a number stands for.
fn place(whom: usize) -> (usize, usize) {
    (whom / PLACES, whom % PLACES)
}

fn possible(scenario: &Scenario, state: &State, fault: Fault, whom: usize) -> bool {
    match fault {
        Fault::Crash => state.processes[whom].runs(),
        Fault::MachineLost => state.processes[whom].life != Life::Gone,
        Fault::Stop | Fault::CopiedFolder => state.processes[whom].life == Life::Up,
        Fault::WrongSettings => state.processes[whom].life == Life::Up && is_idle(&state.processes[whom]),
        Fault::Lost => true,
        Fault::Slow => {
            if let Some(request) = state.token_requests.get(whom) {
                request.answer.is_none() && request.listener.is_some()
            } else {
                let request = state.create_requests[whom - state.token_requests.len()];
                request.answer.is_none() && request.listener.is_some()
            }
        }
        Fault::Refused => state.token_requests.get(whom).is_some_and(|request| request.answer.is_none()),
        Fault::DatabaseOut | Fault::SignIn => !state.database_out,
        Fault::CommitInDoubt => in_doubt_is_possible(state, whom),
        Fault::OddError => {
            let (process, attempt) = place(whom);
            let attempt = state.processes[process].attempts.get(attempt);
            state.reaches(process) && attempt.is_some_and(|it| matches!(it.step, Step::Answered(Some(_))))
        }
        Fault::StoreRefused => state.reaches(whom) && crate::exchange::answered(state, whom) > 1,
        Fault::PatienceOver => {
            let (process, attempt) = place(whom);
            let attempt = state.processes[process].attempts.get(attempt);
            attempt.is_some_and(|it| matches!(it.step, Step::Fresh | Step::Waiting))
        }
        Fault::DiskOut => !state.processes[whom].disk_out && state.processes[whom].life != Life::Gone,
        Fault::CutOff | Fault::NoHeartbeat => {
            let it = &state.processes[whom];
            it.life == Life::Up && !it.cut_off && !it.no_heartbeat
        }
        Fault::SessionLost => state.locks.contains(&Some(small(whom))),
        Fault::ClockStep => !state.clock_stepped,
        Fault::Backup => state.backup.is_none() && !state.database_out,
        // A restore takes longer than any request.
        Fault::Restore => {
            state.backup.is_some()
                && !state.processes.iter().any(Process::runs)
                && state.token_requests.is_empty()
                && state.create_requests.is_empty()
        }
        Fault::Repeat => !state.database_out && state.ghost_users[whom].grant.is_some(),
        Fault::OlderSignIn => !state.database_out && state.db.rows[whom].state == TokenState::Active,
        Fault::OtherUser => {
            !state.database_out && whom + 1 < scenario.users && state.db.rows[whom].token.is_some()
        }
        Fault::Forget => !state.database_out && state.db.rows[whom].state != TokenState::Forgotten,
        Fault::Withdraw => !state.ghost_users[whom].withdrawn,
    }
}

fn is_idle(process: &Process) -> bool {
    process.exchanges.is_empty() && process.attempts.is_empty() && process.spool.is_empty()
}

/// The first half of the numbers are exchanges, the second attempts.
fn in_doubt_is_possible(state: &State, whom: usize) -> bool {
    let half = PLACES * state.processes.len();
    let (process, at) = place(whom % half);
    let me = &state.processes[process];
    state.reaches(process)
        && if whom < half {
            me.exchanges
                .get(at)
                .is_some_and(|it| matches!(it.step, ExchangeStep::Claimed | ExchangeStep::Answered(_)))
        } else {
            me.attempts.get(at).is_some_and(|it| matches!(it.step, Step::Answered(_)))
        }
}

/// A fault happens.
pub(crate) fn happen(scenario: &Scenario, state: &mut State, fault: Fault, whom: usize) {
    state.total -= 1;
    if let Some(at) = scenario.faults.iter().position(|other| other.fault == fault) {
        state.faults[at] -= 1;
    }
    match fault {
        Fault::Crash => crash(state, whom),
        Fault::MachineLost => machine_lost(state, whom),
        Fault::Stop => state.processes[whom].life = Life::Stopping,
        Fault::WrongSettings => {
            state.processes[whom].wrong_settings = true;
            state.processes[whom].granted = false;
        }
        Fault::Lost | Fault::Slow => lost(state, whom, fault == Fault::Slow),
        Fault::Refused => state.token_requests[whom].answer = Some(Answer::Refused),
        Fault::DatabaseOut => {
            state.database_out = true;
            state.locks.fill(None);
        }
        Fault::CommitInDoubt => {
            let half = PLACES * state.processes.len();
            let (process, at) = place(whom % half);
            if whom >= half {
                crate::order::settle(scenario, state, process, at, true);
            } else if state.processes[process].exchanges[at].step == ExchangeStep::Claimed {
                intent_in_doubt(scenario, state, process, at);
            } else if scenario.engine == Engine::SharedClaims {
                crate::store::store_together(scenario, state, process, true);
            } else {
                crate::store::store(scenario, state, process, at, true);
            }
        }
        Fault::OddError => odd_error(scenario, state, whom),
        Fault::StoreRefused => store_refused(scenario, state, whom),
        Fault::PatienceOver => patience_over(scenario, state, whom),
        Fault::DiskOut => state.processes[whom].disk_out = true,
        Fault::CutOff => {
            state.processes[whom].cut_off = true;
            let_locks_go(state, whom);
        }
        Fault::NoHeartbeat => state.processes[whom].no_heartbeat = true,
        Fault::SessionLost => let_locks_go(state, whom),
        Fault::ClockStep => state.clock_stepped = true,
        Fault::CopiedFolder => copied_folder(scenario, state, whom),
        Fault::Backup => state.backup = Some(Box::new(state.db.clone())),
        Fault::Restore => restore(state),
        _ => registration(scenario, state, fault, whom),
    }
}

fn let_locks_go(state: &mut State, process: usize) {
    for lock in state.locks.iter_mut().filter(|lock| **lock == Some(small(process))) {
        *lock = None;
    }
}

/// What was only in memory, or on its way, cannot be kept by any protocol.
fn crash(state: &mut State, process: usize) {
    let me = &state.processes[process];
    let exposed = |it: &&Exchange| match it.step {
        ExchangeStep::Sent => true,
        ExchangeStep::Answered(Answer::Rotated(_)) => !it.spooled,
        _ => false,
    };
    for user in me.exchanges.iter().filter(exposed).map(|it| it.user) {
        state.ghost_users[usize::from(user)].at_risk = true;
    }
    let sent = me
        .attempts
        .iter()
        .filter(|it| matches!(it.step, Step::Sent | Step::Answered(Some(_))) && !it.spooled);
    for order in sent.map(|it| it.order) {
        state.ghost_orders[usize::from(order)].at_risk = true;
    }
    stop_running(state, process);
}

fn machine_lost(state: &mut State, process: usize) {
    crash(state, process);
    for file in state.processes[process].spool.drain(..) {
        match file {
            File::Successor { user, .. } => state.ghost_users[usize::from(user)].at_risk = true,
            File::Result { order, .. } => state.ghost_orders[usize::from(order)].at_risk = true,
        }
    }
    state.processes[process].life = Life::Gone;
}

/// A request or its answer is lost, or the caller stops waiting for it.
fn lost(state: &mut State, whom: usize, slow: bool) {
    if let Some(request) = state.token_requests.get_mut(whom) {
        let it = *request;
        if slow {
            request.listener = None;
        } else {
            state.token_requests.remove(whom);
        }
        state.ghost_users[usize::from(it.user)].at_risk |=
            slow || matches!(it.answer, Some(Answer::Rotated(_)));
        answered(state, it.listener, it.exchange, Answer::Nothing);
    } else {
        let at = whom - state.token_requests.len();
        let it = state.create_requests[at];
        if slow {
            state.create_requests[at].listener = None;
        } else {
            state.create_requests.remove(at);
        }
        state.ghost_orders[usize::from(it.order)].at_risk |= slow || it.answer.is_some();
        created(state, it.listener, it.order, it.claim, None);
    }
}

/// The intent is committed, and its process, which cannot know, sends nothing.
fn intent_in_doubt(scenario: &Scenario, state: &mut State, process: usize, exchange: usize) {
    let before = state.next_exchange;
    crate::exchange::intend(scenario, state, process, exchange);
    if state.next_exchange > before {
        crate::exchange::end(state, process, exchange, Step::Fresh);
    }
}

/// The database refuses a result with an unknown error.
fn odd_error(scenario: &Scenario, state: &mut State, whom: usize) {
    let (process, attempt) = place(whom);
    let me = &mut state.processes[process];
    if scenario.has(Rule::ResultIsNeverGivenUp) {
        me.attempts[attempt].failed = true;
    } else {
        let order = usize::from(me.attempts.remove(attempt).order);
        crate::order::requeue(scenario, state, order);
    }
}

/// The engine refuses a successor. Nothing of the shared commit is stored, and the session's locks
/// are free.
fn store_refused(scenario: &Scenario, state: &mut State, process: usize) {
    let_locks_go(state, process);
    let me = &mut state.processes[process];
    if scenario.has(Rule::StoredByItself) {
        let answered = |it: &&mut Exchange| matches!(it.step, ExchangeStep::Answered(_));
        me.exchanges.iter_mut().filter(answered).for_each(|it| it.failed = true);
    } else {
        me.exchanges.retain(|it| !matches!(it.step, ExchangeStep::Answered(_)));
    }
}

/// The order goes without a token. The exchange goes on.
fn patience_over(scenario: &Scenario, state: &mut State, whom: usize) {
    let (process, attempt) = place(whom);
    let me = &mut state.processes[process];
    let order = me.attempts[attempt].order;
    me.attempts[attempt].step = Step::Ready;
    let exchange = me.exchanges.iter().position(|it| it.order == Some(order));
    if let Some(at) = exchange.filter(|_| !scenario.has(Rule::ExchangeGoesOn)) {
        let id = me.exchanges.remove(at).id;
        state.token_requests.retain(|it| it.exchange != id || it.answer.is_none());
        state.token_requests.iter_mut().filter(|it| it.exchange == id).for_each(|it| it.listener = None);
        let_locks_go(state, process);
    }
}

/// Without its rule, a second process works in the name of the first one's folder.
fn copied_folder(scenario: &Scenario, state: &mut State, process: usize) {
    if scenario.has(Rule::CopiedFolderRefused) {
        return;
    }
    let mut copy = state.processes[process].clone();
    copy.life = Life::Starting;
    copy.me = Holder { folder: copy.me.folder, start: copy.me.start + 1 };
    copy.exchanges.clear();
    copy.attempts.clear();
    state.processes.push(copy);
}

/// The database goes back. What only the newer one had is lost.
fn restore(state: &mut State) {
    let Some(backup) = state.backup.clone() else { return };
    // A new instance folder cannot tell a backup of a time when everybody had ended.
    let unseen = state.has_new_folder() && !backup.workers.iter().any(|row| row.is_open());
    for user in 0..state.db.rows.len() {
        let newest = state.db.rows[user].token;
        let works = |token: Token| {
            let newest = newest.is_some_and(|it| it.grant == token.grant);
            newest && state.grants[usize::from(token.grant)].current == token.serial
        };
        let spooled = |file: &File| match file {
            File::Successor { user: of, successor, .. } => usize::from(*of) == user && works(successor.token),
            File::Result { .. } => false,
        };
        // Without a row, the file stays in the spool.
        let row = backup.rows[user].state != TokenState::None;
        let saved = row && state.processes.iter().any(|process| process.spool.iter().any(spooled));
        state.ghost_users[user].at_risk |= unseen || newest != backup.rows[user].token && !saved;
    }
    for order in &mut state.ghost_orders {
        order.at_risk = true;
    }
    state.db = *backup;
    state.restored = true;
    state.ghost_went_back = true;
}

/// What shops and users do.
fn registration(scenario: &Scenario, state: &mut State, fault: Fault, user: usize) {
    match fault {
        Fault::SignIn => {
            let grant = small(state.grants.len());
            state.grants.push(Grant { user: small(user), current: 0, revoked: false });
            let issued = state.db.rows[user].issued + 1;
            put(scenario, state, user, Token { grant, serial: 0 }, issued);
            state.ghost_users[user] = GhostUser { grant: Some(grant), at_risk: false, withdrawn: false };
        }
        Fault::Repeat => {
            let Some(grant) = state.ghost_users[user].grant else { return };
            let issued = state.db.rows[user].issued;
            put(scenario, state, user, Token { grant, serial: 0 }, issued);
        }
        Fault::OlderSignIn => {
            let grant = small(state.grants.len());
            // The provider has replaced it by the newer one.
            state.grants.push(Grant { user: small(user), current: 0, revoked: true });
            put(scenario, state, user, Token { grant, serial: 0 }, 0);
        }
        Fault::OtherUser => {
            let Some(token) = state.db.rows[user].token else { return };
            let issued = state.db.rows[user + 1].issued;
            put(scenario, state, user + 1, token, issued);
        }
        Fault::Forget => {
            let arrived = state.tick(user);
            let row = &mut state.db.rows[user];
            row.state = TokenState::Forgotten;
            row.token = None;
            row.exchange = None;
            row.arrived = arrived;
            row.generation =
                if scenario.has(Rule::TombstoneKeepsGeneration) { row.generation + 1 } else { 0 };
            state.ghost_users[user].grant = None;
        }
        Fault::Withdraw => {
            for grant in state.grants.iter_mut().filter(|grant| usize::from(grant.user) == user) {
                grant.revoked = true;
            }
            state.ghost_users[user].withdrawn = true;
        }
        _ => {}
    }
}

/// A registration.
fn put(scenario: &Scenario, state: &mut State, user: usize, token: Token, issued: u8) {
    let mine = (token, small(user));
    if scenario.has(Rule::KnownTokenChangesNothing) && state.db.known.contains(&mine) {
        return;
    }
    let elsewhere = state.db.known.iter().any(|(known, row)| *known == token && usize::from(*row) != user);
    if scenario.has(Rule::OneGrantOneRow) && elsewhere {
        return;
    }
    if scenario.has(Rule::NewestSignInWins) && issued < state.db.rows[user].issued {
        return;
    }
    let arrived = state.tick(user);
    let row = &mut state.db.rows[user];
    row.state = TokenState::Active;
    row.generation += 1;
    row.token = Some(token);
    row.exchange = None;
    row.arrived = arrived;
    row.registered = row.generation;
    row.issued = issued;
    state.db.known.push(mine);
}
