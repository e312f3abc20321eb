//! Explores scenarios by hand: see the documentation of the library.

use std::process::ExitCode;

use model::{Rule, Scenario, explore, scenarios};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (chosen, rule) = match words[..] {
        ["small"] => (scenarios::small(), None),
        ["large"] => (scenarios::large(), None),
        [scenario] => (named(scenario), None),
        [scenario, rule] => {
            let found = Rule::ALL.iter().find(|it| format!("{it:?}") == rule);
            let Some(found) = found else { return usage() };
            (named(scenario), Some(*found))
        }
        _ => return usage(),
    };
    if chosen.is_empty() {
        return usage();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut broken = false;
    for mut scenario in chosen {
        scenario.without = rule;
        let found = explore(&scenario, threads);
        println!("{}: {found}", scenario.name);
        broken |= found.counterexample.is_some();
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn named(name: &str) -> Vec<Scenario> {
    scenarios::small()
        .into_iter()
        .chain(scenarios::large())
        .filter(|scenario| scenario.name == name)
        .collect()
}

fn usage() -> ExitCode {
    eprintln!("usage: model small | large | SCENARIO [RULE]\n\nscenarios:");
    for scenario in scenarios::small().iter().chain(&scenarios::large()) {
        eprintln!("  {}", scenario.name);
    }
    eprintln!("\nrules:");
    for rule in Rule::ALL {
        eprintln!("  {rule:?}: {rule}");
    }
    ExitCode::FAILURE
}
