//! `completions` and `man`

use std::collections::BTreeMap;
use std::path::Path;

use crate::program::Home;

#[test]
fn every_shell_gets_a_script() {
    let home = Home::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = home.run(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("klarna-order-worker") && script.contains("enqueue"), "{shell}");
    }
    home.run(&["completions", "tcsh"]).exits(2);
    assert!(home.run(&["man"]).exits(0).stdout.starts_with(".ie"), "the first page is printed");
}

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_committed_pages_are_the_programs() {
    let home = Home::empty();
    home.run(&["man", "--out", "pages"]).exits(0);
    let (made, committed) =
        (pages(&home.path("pages")), pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man")));
    assert!(made.contains_key("klarna-order-worker-orders-retry.1"), "{:?}", made.keys());
    let same = made == committed;
    assert!(
        same,
        "man/ does not match the program; generate it again: rm -r man && cargo run -- man --out man"
    );
}
