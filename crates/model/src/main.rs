//! Explores scenes by hand: see the documentation of the library.

use std::process::ExitCode;

use model::{Rule, Scene, explore, scenes};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (chosen, rule) = match words[..] {
        ["small"] => (scenes::small(), None),
        ["large"] => (scenes::large(), None),
        [scene] => (named(scene), None),
        [scene, rule] => {
            let found = Rule::ALL.iter().find(|it| format!("{it:?}") == rule);
            let Some(found) = found else { return usage() };
            (named(scene), Some(*found))
        }
        _ => return usage(),
    };
    if chosen.is_empty() {
        return usage();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut broken = false;
    for mut scene in chosen {
        scene.without = rule;
        let found = explore(&scene, threads);
        println!("{}: {found}", scene.name);
        broken |= found.counterexample.is_some();
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn named(name: &str) -> Vec<Scene> {
    scenes::small().into_iter().chain(scenes::large()).filter(|scene| scene.name == name).collect()
}

fn usage() -> ExitCode {
    eprintln!("usage: model small | large | SCENE [RULE]\n\nscenes:");
    for scene in scenes::small().iter().chain(&scenes::large()) {
        eprintln!("  {}", scene.name);
    }
    eprintln!("\nrules:");
    for rule in Rule::ALL {
        eprintln!("  {rule:?}: {rule}");
    }
    ExitCode::FAILURE
}
