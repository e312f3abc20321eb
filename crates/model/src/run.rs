//! Explores a scenario, and tells what it found.

use std::fmt;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Path};

use crate::state::State;
use crate::trace::{PathStep, Trace};
use crate::{Action, Scenario};

/// What an exploration found.
#[derive(Debug)]
pub struct Found {
    /// How many different states were visited.
    pub states: usize,
    /// How many steps the longest shortest way to a state has.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// The first broken promise.
    pub counterexample: Option<Counterexample>,
}

/// A broken promise, and the steps that lead there.
#[derive(Debug)]
pub struct Counterexample {
    /// The promises that no shorter way breaks.
    pub promises: Vec<&'static str>,
    /// The steps from the beginning.
    pub steps: Vec<Action>,
    /// The steps, with what each has changed.
    pub trace: Trace,
}

/// No scenario of the tests takes so many steps. A change that makes the states endless ends here.
const TOO_MANY: usize = 100_000_000;

/// Visits every state of a scenario, or stops at the first counterexample.
///
/// With one thread the counterexample is as short as any.
///
/// # Panics
/// The states seem to be endless.
pub fn explore(scenario: &Scenario, threads: usize) -> Found {
    let begun = Instant::now();
    let checker = scenario
        .clone()
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(TOO_MANY)
        .spawn_bfs()
        .join();
    assert!(checker.state_count() < TOO_MANY, "{}: more than {TOO_MANY} steps", scenario.name);
    let broken = checker.discoveries().into_iter();
    let mut broken: Vec<_> = broken.map(|(promise, path)| Broken { promise, path: steps(path) }).collect();
    broken.sort_by_key(|it| (it.path.len(), it.promise));
    let shortest = broken.first().map_or(0, |it| it.path.len());
    let promises = broken.iter().filter(|it| it.path.len() == shortest).map(|it| it.promise).collect();
    let counterexample = broken.first().map(|first| Counterexample {
        promises,
        steps: first.path.iter().filter_map(|step| step.action).collect(),
        trace: Trace::of(&first.path),
    });
    Found {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time: begun.elapsed(),
        counterexample,
    }
}

/// A promise that does not hold, and the way there.
struct Broken {
    promise: &'static str,
    path: Vec<PathStep>,
}

fn steps(path: Path<State, Action>) -> Vec<PathStep> {
    path.into_vec().into_iter().map(|(state, action)| PathStep { state, action }).collect()
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (states, depth, seconds) = (self.states, self.depth, self.time.as_secs_f64());
        write!(f, "{states} states, depth {depth}, {seconds:.1} s")?;
        match &self.counterexample {
            None => write!(f, ", every promise holds"),
            Some(it) => write!(f, "\nbroken: {}\n{}", it.promises.join("; "), it.trace),
        }
    }
}
