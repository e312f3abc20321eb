//! The model: which steps are possible in a state, and what each does.

use stateright::{Model, Property};

use crate::Scenario;
use crate::action::Action;
use crate::state::{Answer, ExchangeStep, File, State, Step, TokenState};
use crate::{exchange, faults, network, order, process, properties, store};

/// The steps that happen by themselves: everything but faults.
pub(crate) fn without_faults(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    exchange::actions(scenario, state, actions);
    order::actions(scenario, state, actions);
    network::actions(state, actions);
    process::actions(scenario, state, actions);
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // A broken promise ends the path.
        if state.ghost_broken.is_none() {
            without_faults(self, state, actions);
            faults::actions(self, state, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        apply(self, &mut next, action);
        (next != *state).then_some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

fn apply(scenario: &Scenario, state: &mut State, action: Action) {
    match action {
        Action::CloseForDead { process, user } => exchange::close_for_dead(scenario, state, process, user),
        Action::Claim { process, user, order } => exchange::claim(scenario, state, process, user, order),
        Action::Intend { process, exchange } => exchange::intend(scenario, state, process, exchange),
        Action::Send { process, exchange } | Action::SendAgain { process, exchange } => {
            exchange::send(state, process, exchange);
        }
        Action::DropUnsent { process, exchange } => {
            let id = state.processes[process].exchanges[exchange].id;
            state.close(id, crate::state::Outcome::NotSent);
            exchange::end(state, process, exchange, Step::Fresh);
        }
        Action::Store { process, exchange } => store::store(scenario, state, process, exchange, false),
        Action::StoreTogether { process } => store::store_together(scenario, state, process, false),
        Action::LockAgain { process } => exchange::lock_again(state, process),
        Action::Spool { process, exchange } => spool(state, process, exchange),
        Action::ProviderSees { request } => network::provider_sees(scenario, state, request),
        Action::ReadAnswer { request } => network::read_answer(state, request),
        Action::TakeOrder { process, order } => order::take(scenario, state, process, order),
        Action::GoOn { process, attempt } => state.processes[process].attempts[attempt].step = Step::Ready,
        Action::UseSpooled { process, attempt } => order::use_spooled(scenario, state, process, attempt),
        Action::Mark { process, attempt } => order::mark(scenario, state, process, attempt),
        Action::Create { process, attempt } => order::create(state, process, attempt),
        Action::KlarnaSees { request } => network::klarna_sees(state, request),
        Action::ReadResult { request } => network::read_result(state, request),
        Action::Settle { process, attempt } => order::settle(scenario, state, process, attempt, false),
        Action::SpoolResult { process, attempt } => spool_result(state, process, attempt),
        Action::Start { process } | Action::StartOnNewMachine { process } => process::start(state, process),
        Action::Replay { process, file } => {
            let file = state.processes[process].spool[file];
            store::replay(scenario, state, file);
        }
        Action::RemoveFile { process, file } => {
            state.processes[process].spool.remove(file);
        }
        Action::TakeFile { process, file } => {
            let file = state.processes[process].spool.remove(file);
            state.processes[process].taken.push(file);
        }
        Action::StoreTaken { process } => {
            if let Some(file) = state.processes[process].taken.pop() {
                store::replay(scenario, state, file);
            }
        }
        Action::Register { process } => process::register(scenario, state, process),
        Action::End { process } => process::end(scenario, state, process),
        Action::Silence { process } => process::silence(scenario, state, process),
        Action::Reconnect { process } => {
            let me = &mut state.processes[process];
            (me.cut_off, me.no_heartbeat, me.silent) = (false, false, 0);
        }
        Action::CorrectSettings { process } => {
            let me = &mut state.processes[process];
            (me.wrong_settings, me.granted) = (false, false);
        }
        Action::DatabaseReturns => state.database_out = false,
        Action::DiskReturns { process } => state.processes[process].disk_out = false,
        Action::AfterRestore => process::after_restore(state),
        Action::Resolve { user } => state.db.rows[user].state = TokenState::Active,
        Action::ResolveRejected => process::resolve_rejected(state),
        Action::Happens { fault, whom } => faults::happen(scenario, state, fault, whom),
    }
}

fn spool(state: &mut State, process: usize, exchange: usize) {
    let me = &mut state.processes[process];
    let disk_out = me.disk_out;
    let it = &mut me.exchanges[exchange];
    let ExchangeStep::Answered(Answer::Rotated(successor)) = it.step else { return };
    it.spooled = !disk_out;
    it.spool_failed = disk_out;
    let (exchange, user, generation) = (it.id, it.user, it.generation);
    if !disk_out {
        me.spool.push(File::Successor { exchange, user, generation, successor });
    }
}

fn spool_result(state: &mut State, process: usize, attempt: usize) {
    let me = &mut state.processes[process];
    let it = &mut me.attempts[attempt];
    let Step::Answered(Some(result)) = it.step else { return };
    it.spooled = true;
    let (order, claim) = (it.order, it.claim);
    me.spool.push(File::Result { order, claim, result });
}
