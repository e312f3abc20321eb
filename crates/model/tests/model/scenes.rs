//! Every scene keeps every promise.

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
