//! Finds unknown settings, and suggests what was meant.

use std::collections::BTreeSet;

use super::layers::Layers;

/// The most unknown paths that are told, and the longest one that is compared with known ones, in
/// bytes: each costs a comparison with all others.
const MOST: usize = 100;
const LONGEST: usize = 200;

/// The maximum edit distance at which a path of this length is considered a misspelling of another
/// one.
fn tolerance(path: &str) -> usize {
    (1 + path.len() / 8).min(3)
}

/// A path that is none of the settings'.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownPath {
    pub(super) path: String,
    /// What is wrong with it.
    pub(super) wrong: &'static str,
    /// What to write instead.
    pub(super) instead: String,
}

/// Returns the unknown paths. Settings below an unknown section are not reported separately.
pub(super) fn find(layers: &Layers, keys: &BTreeSet<String>, groups: &BTreeSet<String>) -> Vec<UnknownPath> {
    let sections: BTreeSet<&str> = keys.iter().chain(groups).flat_map(|path| ancestors(path)).collect();
    let mut found: Vec<UnknownPath> = Vec::new();
    for path in layers.paths() {
        if found.len() == MOST {
            break;
        }
        let below_unknown = ancestors(path).any(|above| found.iter().any(|unknown| unknown.path == above));
        let is_section = layers.is_section(path);
        let fits =
            if is_section { sections.contains(path) || groups.contains(path) } else { keys.contains(path) };
        if fits || below_unknown {
            continue;
        }
        let (wrong, instead) = if is_section && keys.contains(path) {
            ("a section where a value belongs", "write a plain value".to_owned())
        } else if !is_section && (sections.contains(path) || groups.contains(path)) {
            ("a value where a section belongs", format!("write [{path}] and its keys below it"))
        } else {
            ("not a key of these settings", advice(path, keys, &sections))
        };
        found.push(UnknownPath { path: path.to_owned(), wrong, instead });
    }
    found
}

/// `a.b` and `a` for `a.b.c`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(dot, _)| &path[..dot])
}

fn advice(path: &str, keys: &BTreeSet<String>, sections: &BTreeSet<&str>) -> String {
    if path.len() > LONGEST {
        return "leave it out".to_owned();
    }
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
    let candidates = || keys.iter().map(String::as_str).chain(sections.iter().copied());
    let closest = candidates().map(|key| (strsim::osa_distance(key, path), key)).min();
    let elsewhere = || candidates().find(|key| last(key) == last(path));
    let meant =
        closest.filter(|(distance, _)| *distance <= tolerance(path)).map(|(_, key)| key).or_else(elsewhere);
    meant.map_or_else(
        || "leave it out".to_owned(),
        |key| format!("write {key} if you meant that, or leave it out"),
    )
}
