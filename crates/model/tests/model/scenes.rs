//! Every scene keeps every promise.

use std::collections::BTreeSet;

use model::{Scene, explore, scenes};

fn holds(scene: &Scene) {
    let found = explore(scene, 2);
    println!("{}: {found}", scene.name);
    assert!(found.counterexample.is_none(), "{}: {found}", scene.name);
}

#[test]
fn hold() {
    for scene in scenes::small() {
        holds(&scene);
    }
}

#[test]
fn have_a_name_of_their_own() {
    let all: Vec<Scene> = scenes::small().into_iter().chain(scenes::large()).collect();
    let names: BTreeSet<&str> = all.iter().map(|scene| scene.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "{names:#?}");
}
