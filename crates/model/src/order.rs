//! The steps of one order: claim, token, mark, create, settle.

use crate::action::Action;
use crate::ask::small;
use crate::exchange::asks_own_provider;
use crate::state::{
    Answer, Attempt, Broken, CreateRequest, ExchangeStep, File, Life, OrderRow, State, Status, Step,
    TokenState,
};
use crate::store::{is_mine, renew_heartbeat};
use crate::{Rule, Scenario};

/// The steps that are possible.
pub(crate) fn actions(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    for process in 0..state.processes.len() {
        let me = &state.processes[process];
        let reaches = state.reaches(process);
        if me.life == Life::Up && reaches {
            for order in 0..state.db.orders.len() {
                if may_take(scenario, state, process, order) {
                    actions.push(Action::TakeOrder { process, order });
                }
            }
        }
        for (attempt, it) in me.attempts.iter().enumerate() {
            match it.step {
                Step::Fresh if reaches && may_go_on(scenario, state, process, it) => {
                    actions.push(Action::GoOn { process, attempt });
                }
                Step::Waiting if may_use_spooled(scenario, state, process, it) => {
                    actions.push(Action::UseSpooled { process, attempt });
                }
                Step::Ready if reaches => actions.push(Action::Mark { process, attempt }),
                Step::Marked => actions.push(Action::Create { process, attempt }),
                Step::Answered(_) => {
                    if reaches && !waits(scenario, state, it) {
                        actions.push(Action::Settle { process, attempt });
                    }
                    if may_spool(scenario, state, process, it) {
                        actions.push(Action::SpoolResult { process, attempt });
                    }
                }
                _ => {}
            }
        }
    }
}

/// A result goes to the spool after the first failure to settle it.
pub(crate) fn may_spool(scenario: &Scenario, state: &State, process: usize, attempt: &Attempt) -> bool {
    matches!(attempt.step, Step::Answered(Some(_)))
        && !attempt.spooled
        && (attempt.failed || !state.reaches(process) || waits(scenario, state, attempt))
        && !state.processes[process].disk_out
        && scenario.has(Rule::ResultsHaveASpool)
}

fn may_take(scenario: &Scenario, state: &State, process: usize, order: usize) -> bool {
    let row = &state.db.orders[order];
    let me = &state.processes[process];
    let busy = me.attempts.iter().any(|attempt| usize::from(attempt.order) == order);
    let lost = |owner| owner != me.me && state.dead(scenario, owner, 1);
    !busy
        && match row.status {
            Status::Queued => true,
            Status::Running => row.owner.is_some_and(lost),
            Status::Submitted | Status::Failed => false,
        }
}

/// Whether an attempt needs no exchange: a token is cached, or there is none to present.
fn may_go_on(scenario: &Scenario, state: &State, process: usize, attempt: &Attempt) -> bool {
    let row = &state.db.rows[scenario.orders[usize::from(attempt.order)]];
    state.db.orders[usize::from(attempt.order)].cached
        || row.state != TokenState::Active
        || !asks_own_provider(scenario, state, process)
        || state.stopped(scenario)
}

/// Whether the attempt's exchange has a successor that is durable in the spool.
fn may_use_spooled(scenario: &Scenario, state: &State, process: usize, attempt: &Attempt) -> bool {
    state.processes[process].exchanges.iter().any(|exchange| {
        exchange.order == Some(attempt.order)
            && matches!(exchange.step, ExchangeStep::Answered(Answer::Rotated(_)))
            && (exchange.spooled || !scenario.has(Rule::StoreBeforeUse))
    })
}

/// Claims an order, also from a worker that is lost.
pub(crate) fn take(scenario: &Scenario, state: &mut State, process: usize, order: usize) {
    if state.db.orders[order].status == Status::Running {
        requeue(scenario, state, order);
    }
    let row = &mut state.db.orders[order];
    row.status = Status::Running;
    row.owner = Some(state.processes[process].me);
    row.claim += 1;
    let attempt =
        Attempt { order: small(order), claim: row.claim, step: Step::Fresh, spooled: false, failed: false };
    state.processes[process].attempts.push(attempt);
}

/// Makes the order of a lost worker due again, as a possible duplicate if it may have been sent.
pub(crate) fn requeue(scenario: &Scenario, state: &mut State, order: usize) {
    let row = &state.db.orders[order];
    let under_way = |it: &Attempt| {
        usize::from(it.order) == order
            && it.claim == row.claim
            && matches!(it.step, Step::Sent | Step::Answered(_))
    };
    let in_file = |it: &File| matches!(it, File::Result { order: o, .. } if usize::from(*o) == order);
    // A result that somebody still has can come too late.
    let at_risk = state
        .processes
        .iter()
        .any(|process| process.attempts.iter().any(under_way) || process.spool.iter().any(in_file));
    state.ghost_orders[order].at_risk |= at_risk && scenario.has(Rule::ResultsReplayedFirst);
    let row = &mut state.db.orders[order];
    let sent = row.create_sent || !scenario.has(Rule::MarkTellsSent);
    row.flagged |= sent && scenario.has(Rule::TakeoverIsFlagged);
    back_to_queue(row);
}

fn back_to_queue(row: &mut OrderRow) {
    row.status = Status::Queued;
    row.owner = None;
    row.create_sent = false;
}

/// Goes on with the token in memory. The mark was to be part of the token's commit, which has
/// failed.
pub(crate) fn use_spooled(scenario: &Scenario, state: &mut State, process: usize, attempt: usize) {
    let me = &mut state.processes[process];
    let it = &mut me.attempts[attempt];
    let durable = me.exchanges.iter().any(|exchange| exchange.order == Some(it.order) && exchange.spooled);
    let order = usize::from(it.order);
    it.step = if scenario.has(Rule::MarkAfterSpooledToken) { Step::Ready } else { Step::Marked };
    state.ghost_orders[order].about_to_send |= it.step == Step::Marked;
    if !durable {
        state.broke(Broken::UsedBeforeStored);
    }
}

/// Commits the mark, if the order is still this worker's.
pub(crate) fn mark(scenario: &Scenario, state: &mut State, process: usize, attempt: usize) {
    let me = &mut state.processes[process];
    let it = &mut me.attempts[attempt];
    let row = &mut state.db.orders[usize::from(it.order)];
    if !is_mine(row, me.me, it.claim) {
        me.attempts.remove(attempt);
        return;
    }
    it.step = Step::Marked;
    row.create_sent |= scenario.has(Rule::MarkBeforeCreate);
    state.ghost_orders[usize::from(it.order)].about_to_send = true;
    renew_heartbeat(scenario, state, process);
}

/// Sends the create-order call.
pub(crate) fn create(state: &mut State, process: usize, attempt: usize) {
    let it = &mut state.processes[process].attempts[attempt];
    it.step = Step::Sent;
    let (order, claim) = (it.order, it.claim);
    state.create_requests.push(CreateRequest { order, claim, listener: Some(small(process)), answer: None });
}

/// Settles an attempt, and ends it in memory unless the commit is in doubt.
pub(crate) fn settle(scenario: &Scenario, state: &mut State, process: usize, attempt: usize, in_doubt: bool) {
    let it = state.processes[process].attempts[attempt];
    let Step::Answered(answer) = it.step else { return };
    if waits(scenario, state, &it) {
        // The commit in doubt has written nothing.
        state.processes[process].attempts[attempt].failed |= in_doubt;
        return;
    }
    if let Some(result) = answer {
        settle_result(scenario, state, it.order, it.claim, result);
    } else {
        let me = state.processes[process].me;
        let row = &mut state.db.orders[usize::from(it.order)];
        if is_mine(row, me, it.claim) || !scenario.has(Rule::ClaimNumberFences) {
            row.flagged |= scenario.has(Rule::LostCreateIsFlagged);
            back_to_queue(row);
        }
    }
    if in_doubt {
        state.processes[process].attempts[attempt].failed = true;
    } else {
        state.processes[process].attempts.remove(attempt);
    }
}

/// Whether an attempt's result waits for a later claim.
fn waits(scenario: &Scenario, state: &State, attempt: &Attempt) -> bool {
    matches!(attempt.step, Step::Answered(Some(_)))
        && is_sent_again(scenario, state, attempt.order, attempt.claim)
}

/// Whether a late result waits, because a later claim of a living worker was marked: if that one
/// ends without a result, the late one counts.
pub(crate) fn is_sent_again(scenario: &Scenario, state: &State, order: u8, claim: u8) -> bool {
    let row = &state.db.orders[usize::from(order)];
    let lives = row.owner.is_some_and(|owner| !state.dead(scenario, owner, 1));
    scenario.has(Rule::LateResultSettles)
        && scenario.has(Rule::ClaimNumberFences)
        && row.status == Status::Running
        && row.claim != claim
        && row.create_sent
        && lives
}

/// Whether a result would end its order: under its own claim, or late, where no later claim of a
/// living worker was marked.
pub(crate) fn would_settle(scenario: &Scenario, state: &State, order: u8, claim: u8, result: u8) -> bool {
    let row = &state.db.orders[usize::from(order)];
    if !scenario.has(Rule::ClaimNumberFences) {
        return row.result != Some(result);
    }
    match row.status {
        Status::Submitted | Status::Failed => false,
        Status::Running if row.claim == claim => true,
        Status::Running | Status::Queued => {
            !is_sent_again(scenario, state, order, claim) && scenario.has(Rule::LateResultSettles)
        }
    }
}

/// Stores a result, if it would end its order.
pub(crate) fn settle_result(scenario: &Scenario, state: &mut State, order: u8, claim: u8, result: u8) {
    let settles = would_settle(scenario, state, order, claim, result);
    let row = &state.db.orders[usize::from(order)];
    if settles && row.status == Status::Running && row.claim != claim && row.create_sent {
        // The worker of the later claim is lost.
        requeue(scenario, state, usize::from(order));
    }
    let row = &mut state.db.orders[usize::from(order)];
    if settles {
        if row.result.is_some_and(|earlier| earlier != result) {
            state.ghost_broken.get_or_insert(Broken::TwoResults);
        }
        row.status = Status::Submitted;
        row.result = Some(result);
        row.owner = None;
        row.cached = false;
        // A late result fences the present claim.
        row.claim += u8::from(row.claim != claim);
    } else if matches!(row.status, Status::Running | Status::Queued) {
        state.ghost_broken.get_or_insert(Broken::ResultThrownAway);
    }
}
