//! The promises: what must hold in every state.

use stateright::Property;

use crate::Scenario;
use crate::action::Action;
use crate::ask::STREAK;
use crate::state::{Answer, ExchangeStep, Intent, Life, Outcome, State, Status, Step, TokenState};

/// The promises, each with its name.
pub(crate) fn all() -> Vec<Property<Scenario>> {
    vec![
        Property::always("no step breaks a promise", |_, state: &State| state.ghost_broken.is_none()),
        Property::always("at most one request of a token is under way", one_request),
        Property::always("no valid token is called invalid", no_valid_token_is_called_invalid),
        Property::always("few tokens meet a wrong address", few_meet_a_wrong_address),
        Property::always("no user is blamed for a lost answer", nobody_is_blamed),
        Property::always("what was received can be made durable", nothing_stuck_in_memory),
        Property::always("an order that was created twice is flagged", no_double_unflagged),
        Property::always("no order is created twice without need", no_double_without_need),
        Property::always("no order is flagged that nobody was about to send", no_false_alarm),
        Property::always("in the end every token that could be kept works", kept_in_the_end),
        Property::always("in the end every lost token is told", told_in_the_end),
        Property::always("in the end every order has its result", submitted_in_the_end),
    ]
}

fn one_request(_: &Scenario, state: &State) -> bool {
    let requests = &state.token_requests;
    !requests.iter().enumerate().any(|(at, it)| requests[..at].iter().any(|other| other.token == it.token))
}

fn is_false(scenario: &Scenario, state: &State, user: usize) -> bool {
    let row = &state.db.rows[user];
    matches!(row.state, TokenState::Rejected | TokenState::AnswerLost)
        && row.token.is_none_or(|token| state.valid(scenario, token))
}

fn no_valid_token_is_called_invalid(scenario: &Scenario, state: &State) -> bool {
    scenario.unbound || !(0..scenario.users).any(|user| is_false(scenario, state, user))
}

fn few_meet_a_wrong_address(scenario: &Scenario, state: &State) -> bool {
    !scenario.unbound || (0..scenario.users).filter(|user| is_false(scenario, state, *user)).count() <= STREAK
}

fn nobody_is_blamed(scenario: &Scenario, state: &State) -> bool {
    // After a restore, the ledger has forgotten which answers were lost.
    let rejected = |user: usize| state.db.rows[user].state == TokenState::Rejected;
    scenario.unbound
        || state.ghost_went_back
        || !(0..scenario.users).any(|user| rejected(user) && !state.ghost_users[user].withdrawn)
}

fn nothing_stuck_in_memory(scenario: &Scenario, state: &State) -> bool {
    state.processes.iter().enumerate().all(|(process, me)| {
        state.reaches(process)
            || me.disk_out
            || !me.runs()
            || (me.exchanges.iter().all(|it| {
                let received = matches!(it.step, ExchangeStep::Answered(Answer::Rotated(_)));
                !received || it.spooled || crate::exchange::may_spool(scenario, state, process, it)
            }) && me.attempts.iter().all(|it| {
                let received = matches!(it.step, Step::Answered(Some(_)));
                !received || it.spooled || crate::order::may_spool(scenario, state, process, it)
            }))
    })
}

fn no_double_unflagged(_: &Scenario, state: &State) -> bool {
    state
        .db
        .orders
        .iter()
        .zip(&state.ghost_orders)
        .all(|(order, ghost)| ghost.created < 2 || order.flagged || order.status != Status::Submitted)
}

fn no_double_without_need(_: &Scenario, state: &State) -> bool {
    state.ghost_orders.iter().all(|ghost| ghost.created < 2 || ghost.at_risk)
}

fn no_false_alarm(_: &Scenario, state: &State) -> bool {
    state
        .db
        .orders
        .iter()
        .zip(&state.ghost_orders)
        .all(|(order, ghost)| !order.flagged || ghost.about_to_send || order.status == Status::Failed)
}

/// Whether nothing happens any more by itself.
fn is_the_end(scenario: &Scenario, state: &State) -> bool {
    let mut actions: Vec<Action> = Vec::new();
    crate::model::without_faults(scenario, state, &mut actions);
    actions.is_empty()
}

fn kept_in_the_end(scenario: &Scenario, state: &State) -> bool {
    let kept = |user: usize| {
        let (row, ghost) = (&state.db.rows[user], &state.ghost_users[user]);
        let Some(grant) = ghost.grant else { return true };
        let works = row.state == TokenState::Active
            && row.token.is_some_and(|token| token.grant == grant && state.valid(scenario, token));
        works || ghost.at_risk || ghost.withdrawn
    };
    (0..scenario.users).all(kept) || !is_the_end(scenario, state)
}

fn told_in_the_end(scenario: &Scenario, state: &State) -> bool {
    let told = |user: usize| {
        let (row, ghost) = (&state.db.rows[user], &state.ghost_users[user]);
        let works = row.token.is_some_and(|token| state.valid(scenario, token));
        let unknown = |intent: &Intent| {
            usize::from(intent.user) == user
                && intent.generation >= row.registered
                && matches!(intent.outcome, None | Some(Outcome::NoAnswer))
        };
        works || row.state != TokenState::Active || ghost.withdrawn || state.db.ledger.iter().any(unknown)
    };
    state.ghost_went_back || (0..scenario.users).all(told) || !is_the_end(scenario, state)
}

fn submitted_in_the_end(scenario: &Scenario, state: &State) -> bool {
    let ended = state.db.orders.iter().all(|order| match order.status {
        Status::Submitted => order.result.is_some(),
        Status::Failed => state.ghost_went_back,
        Status::Queued | Status::Running => false,
    });
    let anybody = state.processes.iter().any(|process| process.life != Life::Gone);
    ended || !anybody || !is_the_end(scenario, state)
}
