//! `docs/sandbox.md` names every fault, option and case.

use clap::ValueEnum;
use klarna_sandbox::{Behaviour, Failure, Rotation, Torture};
use serde_json::{Value, json};

#[test]
fn the_page_names_every_fault_option_and_case() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");
    let page = std::fs::read_to_string(page).unwrap();
    // Words that the page sets as code, in a table or its text.
    let words: Vec<&str> = page.split('`').skip(1).step_by(2).collect();

    let mut named: Vec<String> = Failure::value_variants().iter().map(ToString::to_string).collect();
    for rotation in Rotation::value_variants() {
        named.push(rotation.to_possible_value().unwrap().get_name().to_owned());
    }
    let Value::Object(options) = json!(Behaviour::default()) else { panic!() };
    named.extend(options["token"].as_object().unwrap().keys().cloned());
    named.extend(options.keys().cloned());
    let cases = Torture::cases();
    named.extend(cases.lines().map(|line| line.split(' ').next().unwrap().to_owned()));
    assert!(named.len() > 100, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !words.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "docs/sandbox.md says nothing of {missing:#?}");
}
