//! The steps for two users' tokens and two processes, and random sequences of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::provider::RotationMode;

/// Orders of a user: few, so that the same order occurs again.
pub const ORDERS: usize = 2;

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFor {
    Order(usize),
    /// A sweep, which refreshes only tokens with a due date.
    Keeper,
    Manual,
    /// A program of the shop, which takes a cached access token that is valid for so many seconds
    /// more.
    Vend {
        min_validity: u64,
    },
}

/// How the endpoint answers, and whether it has processed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointAnswer {
    /// By the rules.
    Well,
    /// 503: not processed.
    Busy,
    /// 401 `invalid_client`: not processed.
    Misconfigured,
    /// 500.
    Useless { processed: bool },
    /// 504.
    Gateway { processed: bool },
    /// 200, and the connection breaks before the body.
    Cut { processed: bool },
}

/// What the database does when a successor is to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreResult {
    Works,
    /// It refuses the first tries.
    Refused,
    /// It refuses, and the process dies with the successor in the spool.
    Dies,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// An order, a sweep or a program of the shop asks for an access token. With `refused`, the
    /// database refuses intents meanwhile.
    Ask {
        process: usize,
        user: usize,
        purpose: ExchangeFor,
        refused: bool,
    },
    /// One of the requests in flight is answered.
    Answer {
        which: Index,
        how: EndpointAnswer,
        storing: StoreResult,
    },
    SignIn {
        user: usize,
    },
    /// A token that is known is registered again.
    SignInAgain {
        user: usize,
        which: Index,
    },
    Forget {
        user: usize,
    },
    /// An operator decides about an uncertain token.
    Resolve {
        user: usize,
        retry: bool,
    },
    /// The user withdraws consent.
    Revoke {
        user: usize,
    },
    Pass {
        seconds: u64,
    },
    /// The database's clock is put forward; no time passes.
    ClockForward {
        seconds: u64,
    },
    /// The process dies. The provider may have processed its requests in flight.
    Die {
        process: usize,
        processed: bool,
    },
    /// A new process starts in the folder of a dead one.
    Start {
        process: usize,
    },
    /// Others consider a living process dead.
    ThoughtDead {
        process: usize,
    },
    /// That process sends heartbeats again.
    Back {
        process: usize,
    },
    /// The database closes the connection that holds the claim of a request in flight.
    LoseClaim {
        which: Index,
    },
    Tidy {
        process: usize,
    },
}

/// The settings and steps of a sequence.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub manner: RotationMode,
    /// `vault.lost_answer = "hold"`.
    pub hold: bool,
    pub steps: Vec<Step>,
}

pub fn scenarios() -> impl Strategy<Value = Scenario> {
    let manner = prop_oneof![4 => Just(RotationMode::Strict), 2 => Just(RotationMode::Grace), 1 => Just(RotationMode::NotRotating)];
    let some = prop_oneof![16 => steps().prop_map(|step| vec![step]), 1 => overtaken(), 1 => decided(), 1 => lapsed()];
    (manner, prop::bool::weighted(0.2), vec(some, 10..50)).prop_map(|(manner, hold, steps)| Scenario {
        manner,
        hold,
        steps: steps.concat(),
    })
}

/// A process is considered dead with a request in flight, another one closes its intent, and then
/// the answer arrives. Random steps seldom do this.
fn overtaken() -> impl Strategy<Value = Vec<Step>> {
    (0..2_usize, 0..2_usize, any::<Index>()).prop_map(|(user, process, which)| {
        let ask = |process| Step::Ask { process, user, purpose: ExchangeFor::Manual, refused: false };
        vec![
            ask(process),
            Step::ThoughtDead { process },
            Step::LoseClaim { which },
            ask(1 - process),
            Step::Answer { which, how: EndpointAnswer::Well, storing: StoreResult::Works },
            Step::Back { process },
        ]
    })
}

/// An answer is lost, and an operator makes the uncertain token active again; a sweep skips it
/// until it has a due date. Random steps seldom do this.
fn decided() -> impl Strategy<Value = Vec<Step>> {
    (0..2_usize, 0..2_usize, any::<Index>()).prop_map(|(user, process, which)| {
        let ask = |purpose| Step::Ask { process, user, purpose, refused: false };
        let lost = EndpointAnswer::Gateway { processed: false };
        vec![
            Step::SignIn { user },
            ask(ExchangeFor::Manual),
            Step::Answer { which, how: lost, storing: StoreResult::Works },
            Step::Resolve { user, retry: true },
            ask(ExchangeFor::Keeper),
        ]
    })
}

/// A token lapses and is withdrawn, and then an order wants it. Chance alone seldom brings it
/// about.
fn lapsed() -> impl Strategy<Value = Vec<Step>> {
    (0..2_usize, 0..2_usize, any::<Index>()).prop_map(|(user, process, which)| {
        vec![
            Step::SignIn { user },
            Step::Pass { seconds: 61 * 24 * 60 * 60 },
            Step::Revoke { user },
            Step::Ask { process, user, purpose: ExchangeFor::Manual, refused: false },
            Step::Answer { which, how: EndpointAnswer::Well, storing: StoreResult::Works },
        ]
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let (one, which) = (|| 0..2_usize, any::<Index>);
    let purpose = prop_oneof![4 => (0..ORDERS).prop_map(ExchangeFor::Order), 2 => Just(ExchangeFor::Keeper), 1 => Just(ExchangeFor::Manual),
        3 => select(vec![0, 150, 3600]).prop_map(|min_validity| ExchangeFor::Vend { min_validity })];
    let how = prop_oneof![
        6 => Just(EndpointAnswer::Well),
        1 => Just(EndpointAnswer::Busy),
        1 => Just(EndpointAnswer::Misconfigured),
        1 => any::<bool>().prop_map(|processed| EndpointAnswer::Useless { processed }),
        2 => any::<bool>().prop_map(|processed| EndpointAnswer::Gateway { processed }),
        1 => any::<bool>().prop_map(|processed| EndpointAnswer::Cut { processed }),
    ];
    let storing = prop_oneof![6 => Just(StoreResult::Works), 1 => Just(StoreResult::Refused), 2 => Just(StoreResult::Dies)];
    prop_oneof![
        12 => (one(), one(), purpose, prop::bool::weighted(0.04))
            .prop_map(|(process, user, purpose, refused)| Step::Ask { process, user, purpose, refused }),
        9 => (which(), how, storing).prop_map(|(which, how, storing)| Step::Answer { which, how, storing }),
        2 => one().prop_map(|user| Step::SignIn { user }),
        1 => (one(), which()).prop_map(|(user, which)| Step::SignInAgain { user, which }),
        1 => one().prop_map(|user| Step::Forget { user }),
        2 => (one(), any::<bool>()).prop_map(|(user, retry)| Step::Resolve { user, retry }),
        1 => one().prop_map(|user| Step::Revoke { user }),
        5 => select(vec![1, 4, 10, 60, 200, 61 * 24 * 60 * 60]).prop_map(|seconds| Step::Pass { seconds }),
        1 => select(vec![15, 400, 24 * 60 * 60]).prop_map(|seconds| Step::ClockForward { seconds }),
        1 => (one(), any::<bool>()).prop_map(|(process, processed)| Step::Die { process, processed }),
        2 => one().prop_map(|process| Step::Start { process }),
        1 => one().prop_map(|process| Step::ThoughtDead { process }),
        1 => one().prop_map(|process| Step::Back { process }),
        1 => which().prop_map(|which| Step::LoseClaim { which }),
        1 => one().prop_map(|process| Step::Tidy { process }),
    ]
}
