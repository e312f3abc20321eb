//! Every scenario keeps every promise.

use std::collections::BTreeSet;

use model::{Scenario, explore, scenarios};

fn holds(scenario: &Scenario) {
    let found = explore(scenario, 2);
    println!("{}: {found}", scenario.name);
    assert!(found.counterexample.is_none(), "{}: {found}", scenario.name);
}

#[test]
fn hold() {
    for scenario in scenarios::small() {
        holds(&scenario);
    }
}

#[test]
fn have_a_name_of_their_own() {
    let all: Vec<Scenario> = scenarios::small().into_iter().chain(scenarios::large()).collect();
    let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "{names:#?}");
}
