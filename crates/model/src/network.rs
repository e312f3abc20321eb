//! The network, the provider and Klarna.

use crate::action::Action;
use crate::state::{Answer, Broken, ExchangeStep, State, Step, Successor, Token};
use crate::{Provider, Scenario};

/// The steps that are possible.
pub(crate) fn actions(state: &State, actions: &mut Vec<Action>) {
    for (request, it) in state.token_requests.iter().enumerate() {
        match (it.answer, it.listener) {
            (None, _) => actions.push(Action::ProviderSees { request }),
            (Some(_), Some(_)) => actions.push(Action::ReadAnswer { request }),
            (Some(_), None) => {}
        }
    }
    for (request, it) in state.create_requests.iter().enumerate() {
        match (it.answer, it.listener) {
            (None, _) => actions.push(Action::KlarnaSees { request }),
            (Some(_), Some(_)) => actions.push(Action::ReadResult { request }),
            (Some(_), None) => {}
        }
    }
}

/// The provider answers a request, and spends its token.
pub(crate) fn provider_sees(scenario: &Scenario, state: &mut State, request: usize) {
    let it = state.token_requests[request];
    let answer =
        if it.elsewhere { Answer::Invalid } else { grant(scenario, state, usize::from(it.user), it.token) };
    state.token_requests[request].answer = Some(answer);
    if it.listener.is_none() {
        state.token_requests.remove(request);
    }
}

fn grant(scenario: &Scenario, state: &mut State, user: usize, token: Token) -> Answer {
    let excused = state.ghost_users[user].at_risk || state.ghost_users[user].withdrawn;
    let grant = &mut state.grants[usize::from(token.grant)];
    if grant.revoked {
        return Answer::Invalid;
    }
    if scenario.provider == Provider::NotRotating {
        return Answer::Unchanged;
    }
    if token.serial == grant.current {
        grant.current += 1;
    } else if scenario.provider == Provider::Strict || token.serial + 1 < grant.current {
        // Its owner may have signed in again, and lost interest in this grant.
        let wanted = state.ghost_users[user].grant == Some(token.grant);
        grant.revoked = true;
        if !excused && wanted {
            state.broke(Broken::SpentPresented);
        }
        return Answer::Invalid;
    }
    let token = Token { grant: token.grant, serial: grant.current };
    // The time of arrival is set when the answer is read.
    Answer::Rotated(Successor { token, arrived: 0 })
}

/// The answer reaches the process that waits for it.
pub(crate) fn read_answer(state: &mut State, request: usize) {
    let it = state.token_requests.remove(request);
    let answer = match it.answer {
        Some(Answer::Rotated(Successor { token, .. })) => {
            Answer::Rotated(Successor { token, arrived: state.tick(usize::from(it.user)) })
        }
        answer => answer.unwrap_or(Answer::Nothing),
    };
    answered(state, it.listener, it.exchange, answer);
}

/// Tells an exchange its answer.
pub(crate) fn answered(state: &mut State, listener: Option<u8>, exchange: u8, answer: Answer) {
    let Some(process) = listener else { return };
    let exchanges = &mut state.processes[usize::from(process)].exchanges;
    if let Some(it) = exchanges.iter_mut().find(|it| it.id == exchange && it.step == ExchangeStep::Sent) {
        it.step = ExchangeStep::Answered(answer);
    }
}

/// Klarna creates an order.
pub(crate) fn klarna_sees(state: &mut State, request: usize) {
    let it = state.create_requests[request];
    let order = &mut state.ghost_orders[usize::from(it.order)];
    order.created += 1;
    state.create_requests[request].answer = Some(order.created);
    if it.listener.is_none() {
        state.create_requests.remove(request);
    }
}

/// Klarna's answer reaches the process that waits for it.
pub(crate) fn read_result(state: &mut State, request: usize) {
    let it = state.create_requests.remove(request);
    created(state, it.listener, it.order, it.claim, it.answer);
}

/// Tells an attempt its answer.
pub(crate) fn created(state: &mut State, listener: Option<u8>, order: u8, claim: u8, answer: Option<u8>) {
    let Some(process) = listener else { return };
    let attempts = &mut state.processes[usize::from(process)].attempts;
    let waiting =
        |it: &&mut crate::state::Attempt| it.order == order && it.claim == claim && it.step == Step::Sent;
    if let Some(it) = attempts.iter_mut().find(waiting) {
        it.step = Step::Answered(answer);
    }
}
