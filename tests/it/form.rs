//! The form of the project, where no tool looks.

use std::collections::BTreeSet;
use std::path::Path;

use toml::Table;

fn read(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn each_direct_dependency_is_held_to_one_version() {
    let manifest = read("Cargo.toml");
    let everywhere = ["dependencies", "dev-dependencies"].map(|section| &manifest[section]);
    let on_some = manifest["target"].as_table().unwrap().values().map(|target| &target["dependencies"]);
    let direct: BTreeSet<&str> = everywhere
        .into_iter()
        .chain(on_some)
        .flat_map(|section| section.as_table().unwrap().keys())
        .map(String::as_str)
        .collect();
    let deny = read("deny.toml");
    let held: BTreeSet<&str> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["deny-multiple-versions"].as_bool() == Some(true))
        .map(|entry| entry["crate"].as_str().unwrap())
        .collect();
    assert_eq!(held, direct, "deny.toml and Cargo.toml name different crates");
}
