//! The steps of one exchange: claim, intent, request, answer, store.

use crate::action::Action;
use crate::ask::small;
use crate::state::{
    Answer, Broken, Exchange, ExchangeStep, Intent, Life, Outcome, State, Step, TokenRequest, TokenState,
};
use crate::{Engine, Rule, Scenario};

/// The steps that are possible.
pub(crate) fn actions(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    for process in 0..state.processes.len() {
        claims(scenario, state, process, actions);
        if scenario.engine == Engine::SharedClaims && state.reaches(process) {
            in_company(state, process, actions);
        }
        for (exchange, it) in state.processes[process].exchanges.iter().enumerate() {
            let reaches = state.reaches(process);
            match it.step {
                ExchangeStep::Claimed if reaches => actions.push(Action::Intend { process, exchange }),
                ExchangeStep::Intended => actions.push(Action::Send { process, exchange }),
                ExchangeStep::Overdue if reaches => actions.push(Action::DropUnsent { process, exchange }),
                ExchangeStep::Sent if !scenario.has(Rule::OneRequestPerIntent) => {
                    actions.push(Action::SendAgain { process, exchange });
                }
                ExchangeStep::Answered(_) => {
                    if reaches {
                        actions.push(Action::Store { process, exchange });
                    }
                    if may_spool(scenario, state, process, it) {
                        actions.push(Action::Spool { process, exchange });
                    }
                }
                _ => {}
            }
        }
    }
}

/// What a session does for several of its claims at once.
fn in_company(state: &State, process: usize, actions: &mut Vec<Action>) {
    let exchanges = &state.processes[process].exchanges;
    if answered(state, process) > 1 {
        actions.push(Action::StoreTogether { process });
    }
    if exchanges.iter().any(|it| goes_on(it) && state.locks[usize::from(it.user)].is_none()) {
        actions.push(Action::LockAgain { process });
    }
}

/// How many exchanges of a process have an answer that is not stored.
pub(crate) fn answered(state: &State, process: usize) -> usize {
    let answered = |it: &&Exchange| matches!(it.step, ExchangeStep::Answered(_));
    state.processes[process].exchanges.iter().filter(answered).count()
}

/// Whether the intent of an exchange is committed.
fn goes_on(exchange: &Exchange) -> bool {
    exchange.step != ExchangeStep::Claimed
}

/// After a commit has let all locks of a session go, it takes those again that are free and that
/// its exchanges need.
pub(crate) fn lock_again(state: &mut State, process: usize) {
    for user in
        state.processes[process].exchanges.iter().filter(|it| goes_on(it)).map(|it| usize::from(it.user))
    {
        state.locks[user].get_or_insert(small(process));
    }
}

/// A successor goes to the spool after the first failure of its store, until the spool has it.
pub(crate) fn may_spool(scenario: &Scenario, state: &State, process: usize, exchange: &Exchange) -> bool {
    let me = &state.processes[process];
    matches!(exchange.step, ExchangeStep::Answered(Answer::Rotated(_)))
        && !exchange.spooled
        && (exchange.failed || !state.reaches(process))
        && scenario.has(Rule::SpoolAfterFailure)
        && (!exchange.spool_failed || (!me.disk_out && scenario.has(Rule::SpoolIsTriedAgain)))
}

fn claims(scenario: &Scenario, state: &State, process: usize, actions: &mut Vec<Action>) {
    let me = &state.processes[process];
    if !matches!(me.life, Life::Up | Life::Stopping) || !state.reaches(process) {
        return;
    }
    for user in 0..state.db.rows.len() {
        if state
            .open_intents(user)
            .any(|intent| intent.holder == me.me && state.orphaned(scenario, process, intent))
        {
            actions.push(Action::CloseForDead { process, user });
            continue;
        }
        let fresh = |step| step == Step::Fresh;
        let orders = me.attempts.iter().filter(|attempt| fresh(attempt.step)).map(|attempt| attempt.order);
        let order = orders.into_iter().find(|order| scenario.orders[usize::from(*order)] == user);
        // The keeper goes by due date: in a scenario with many users, one after the other.
        let turn =
            usize::from(scenario.refreshes - state.refreshes) % scenario.users == user || !scenario.unbound;
        let keeper = state.refreshes > 0 && me.life == Life::Up && turn;
        if order.is_none() && !keeper || !may_look(scenario, state, process, user) {
            continue;
        }
        if scenario.has(Rule::LookForOpenIntents) {
            if state.open_intents(user).any(|intent| !state.orphaned(scenario, process, intent)) {
                continue;
            }
            if state.open_intents(user).next().is_some() {
                actions.push(Action::CloseForDead { process, user });
                continue;
            }
        }
        let Some(token) = state.db.rows[user].token else { continue };
        let under_way = state.token_requests.iter().any(|request| request.token == token);
        if state.answer_was_lost(user) && under_way && scenario.has(Rule::ReplayWaits) {
            continue;
        }
        if let Some(order) = order {
            actions.push(Action::Claim { process, user, order: Some(order) });
        }
        if keeper {
            actions.push(Action::Claim { process, user, order: None });
        }
    }
}

/// Whether a process may try to claim a token: what its memory, the lock and the row say.
fn may_look(scenario: &Scenario, state: &State, process: usize, user: usize) -> bool {
    let me = &state.processes[process];
    let alone = me.granted || me.exchanges.is_empty() || !scenario.has(Rule::OneAtATimeAtFirst);
    let locked =
        scenario.engine != Engine::Sqlite && scenario.has(Rule::ClaimIsLocked) && state.locks[user].is_some();
    !me.exchanges.iter().any(|exchange| usize::from(exchange.user) == user)
        && alone
        && !locked
        && state.db.rows[user].state == TokenState::Active
        && asks_own_provider(scenario, state, process)
        && !state.stopped(scenario)
}

/// Whether the settings of a process name the provider that issued the tokens, as far as their rows
/// tell.
pub(crate) fn asks_own_provider(scenario: &Scenario, state: &State, process: usize) -> bool {
    !state.processes[process].wrong_settings || scenario.unbound || !scenario.has(Rule::OwnProviderOnly)
}

/// Closes the open intents of a user that nobody will close.
pub(crate) fn close_for_dead(scenario: &Scenario, state: &mut State, process: usize, user: usize) {
    let orphans: Vec<_> = state
        .open_intents(user)
        .filter(|intent| state.orphaned(scenario, process, intent))
        .map(|intent| (intent.exchange, intent.holder == state.processes[process].me))
        .collect();
    for (exchange, own) in orphans {
        // Of its own intents a process knows that they were not sent.
        let not_sent = own && scenario.has(Rule::ExchangeGoesOn);
        state.close(exchange, if not_sent { Outcome::NotSent } else { Outcome::NoAnswer });
        if scenario.hold && !not_sent {
            state.doubt(user);
        }
    }
}

/// Claims a token. On SQLite this is one transaction with the intent.
pub(crate) fn claim(scenario: &Scenario, state: &mut State, process: usize, user: usize, order: Option<u8>) {
    let row = state.db.rows[user];
    let Some(token) = row.token else { return };
    let earlier = state
        .db
        .ledger
        .iter()
        .filter(|intent| usize::from(intent.user) == user && intent.generation == row.generation);
    let presentation = small(earlier.count()) + 1;
    let me = &mut state.processes[process];
    me.exchanges.push(Exchange {
        user: small(user),
        step: ExchangeStep::Claimed,
        id: u8::MAX,
        generation: row.generation,
        presentation,
        token,
        order,
        spooled: false,
        failed: false,
        spool_failed: false,
    });
    let exchange = me.exchanges.len() - 1;
    match order {
        None => state.refreshes -= 1,
        Some(order) => {
            if let Some(attempt) = me.attempts.iter_mut().find(|attempt| attempt.order == order) {
                attempt.step = Step::Waiting;
            }
        }
    }
    if scenario.engine == Engine::Sqlite {
        intend(scenario, state, process, exchange);
    } else {
        state.locks[user] = Some(small(process));
    }
}

/// Commits the intent, or lets the claim go if row or ledger have changed since they were read.
pub(crate) fn intend(scenario: &Scenario, state: &mut State, process: usize, exchange: usize) {
    let it = state.processes[process].exchanges[exchange];
    let row = state.db.rows[usize::from(it.user)];
    let changed = row.generation != it.generation || row.state != TokenState::Active;
    let taken = state.db.ledger.iter().any(|intent| {
        intent.user == it.user && intent.generation == it.generation && intent.presentation == it.presentation
    });
    if changed && scenario.has(Rule::IntentChecksRow) || taken && scenario.has(Rule::PresentationIsUnique) {
        end(state, process, exchange, Step::Fresh);
        return;
    }
    if changed {
        state.broke(Broken::StalePresented);
    }
    let me = &mut state.processes[process];
    let id = state.next_exchange;
    state.next_exchange += 1;
    me.exchanges[exchange].id = id;
    me.exchanges[exchange].step = ExchangeStep::Intended;
    // The intent renews its holder's heartbeat.
    (me.silent, me.no_heartbeat) = (0, false);
    if scenario.has(Rule::IntentFirst) {
        state.db.ledger.push(Intent {
            exchange: id,
            user: it.user,
            generation: it.generation,
            presentation: it.presentation,
            holder: me.me,
            outcome: None,
            ghost_token: it.token,
        });
    }
}

/// Sends the request, and compares with the ledger.
pub(crate) fn send(state: &mut State, process: usize, exchange: usize) {
    let me = &mut state.processes[process];
    let it = me.exchanges[exchange];
    me.exchanges[exchange].step = ExchangeStep::Sent;
    state.token_requests.push(TokenRequest {
        exchange: it.id,
        user: it.user,
        token: it.token,
        elsewhere: me.wrong_settings,
        listener: Some(small(process)),
        answer: None,
    });
    if state.intent(it.id).is_none_or(|intent| intent.outcome.is_some()) {
        state.broke(Broken::Unrecorded);
    }
    let other = |intent: &Intent| intent.exchange != it.id && intent.ghost_token == it.token;
    let unaware = |intent: &Intent| matches!(intent.outcome, None | Some(Outcome::Rotated));
    if state.db.ledger.iter().any(|intent| other(intent) && unaware(intent)) {
        state.broke(Broken::PresentedTwice);
    }
}

/// Ends an exchange in memory: its lock is free, and the attempt that waited for it continues
/// there.
pub(crate) fn end(state: &mut State, process: usize, exchange: usize, step: Step) {
    let it = state.processes[process].exchanges.remove(exchange);
    if state.locks[usize::from(it.user)] == Some(small(process)) {
        state.locks[usize::from(it.user)] = None;
    }
    let attempts = &mut state.processes[process].attempts;
    let waiting = attempts.iter_mut().find(|a| Some(a.order) == it.order && a.step == Step::Waiting);
    if let Some(attempt) = waiting {
        attempt.step = step;
    }
}
