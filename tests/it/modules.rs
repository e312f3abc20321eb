//! Checks the rules for modules in the sources: which modules a module may import, and which crates it may
//! use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules in the direction of the data: a module imports only modules of earlier rows.
const ORDER: [&[&str]; 13] = [
    &["ids", "cause", "clock", "words", "backoff", "bounded", "received"],
    &["meter", "silence", "when"],
    &["breaker", "bulkhead", "crash", "telemetry", "lifecycle", "order", "pauses", "tls", "token"],
    &["config", "queue"],
    &["store", "klarna"],
    &["intake", "vault"],
    &["keeper", "audit"],
    &["delivery", "history"],
    &["worker", "sessions"],
    &["api", "ops", "pages"],
    &["app"],
    &["cli"],
    &["fuzzing"],
];

/// What a module must not know, although it comes before it.
const HIDDEN: [(&str, &[&str]); 3] =
    [("queue", &["order", "token"]), ("vault", &["order"]), ("keeper", &["order"])];

/// The only modules that may use a crate.
const TOOLS: [(&str, &[&str]); 15] = [
    ("axum", &["api", "app", "pages", "telemetry", "fuzzing"]),
    ("sqlx", &["store"]),
    ("apalis", &["queue"]),
    ("apalis_core", &["queue"]),
    ("apalis_cron", &["keeper"]),
    ("reqwest", &["klarna", "delivery", "telemetry"]),
    ("metrics", &["meter", "ops"]),
    ("metrics_exporter_prometheus", &["ops"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("rustls_platform_verifier", &["klarna"]),
    ("tokio_rustls", &["tls", "klarna"]),
];

/// Returns the code of each file by its module path, without tests and comments.
fn files() -> BTreeMap<Vec<String>, String> {
    let mut files = BTreeMap::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut files);
    files.retain(|path, _| path[..] != ["lib"] && path[..] != ["main"]);
    files
}

fn gather(folder: &Path, module: &[String], files: &mut BTreeMap<Vec<String>, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut module = module.to_vec();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" {
            continue;
        }
        if name != "mod" {
            module.push(name);
        }
        if path.is_dir() {
            gather(&path, &module, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(module, code(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Returns the code of each module.
fn modules() -> BTreeMap<String, String> {
    let mut modules = BTreeMap::<String, String>::new();
    for (path, code) in files() {
        modules.entry(path[0].clone()).or_default().push_str(&(code + "\n"));
    }
    modules
}

/// Removes comments, and the tests at the end of a file, which begin with `#[cfg(test)]`.
fn code(source: &str) -> String {
    let source = match source.rfind("\n#[cfg(test)]") {
        Some(at) if source[at..].contains("mod tests") => &source[..at],
        _ => source,
    };
    let lines = source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns all paths that begin with `root`, including those in braces: `crate::{a, b::C}` gives `a`
/// and `b::C`.
fn paths(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].chars().next_back().is_none_or(|letter| !is_word(letter) && letter != ':') {
            read_tree(&code[at + root.len() + 2..], &[], &mut found);
        }
    }
    found
}

/// Reads a path, or a list of paths, after `prefix`. Returns how many bytes it read.
fn read_tree(text: &str, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let start = text.len() - text.trim_start().len();
    let rest = &text[start..];
    if let Some(list) = rest.strip_prefix('{') {
        let mut at = 0;
        while !list[at..].trim_start().starts_with('}') && at < list.len() {
            at += read_tree(&list[at..], prefix, found);
            at += list[at..]
                .find([',', '}'])
                .map_or(list.len() - at, |end| end + usize::from(list[at + end..].starts_with(',')));
        }
        return start + 1 + at;
    }
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    let path = [prefix, &[rest[..end].to_owned()]].concat();
    if let Some(more) = rest[end..].strip_prefix("::") {
        return start + end + 2 + read_tree(more, &path, found);
    }
    found.push(path);
    start + end
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the modules that the code names.
fn named(code: &str) -> BTreeSet<String> {
    paths(code, "crate").into_iter().map(|path| path[0].clone()).collect()
}

/// Returns which other files each file imports from, except parents and children.
fn arrows() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files = files();
    let mut arrows = BTreeMap::new();
    for (from, code) in &files {
        let absolute = paths(code, "crate").into_iter();
        let relative = paths(code, "super").into_iter().map(|path| {
            let up = 1 + path.iter().take_while(|name| *name == "super").count();
            [&from[..from.len().saturating_sub(up)], &path[up - 1..]].concat()
        });
        let named = absolute.chain(relative).filter_map(|path| {
            (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|module| files.contains_key(module))
        });
        let kin = |other: &Vec<String>| other.starts_with(from) || from.starts_with(other);
        arrows.insert(from.clone(), named.filter(|other| !kin(other)).collect::<BTreeSet<_>>());
    }
    arrows
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != ':')
            && (after.starts_with("::") || after.starts_with(';'))
    })
}

#[test]
fn names_are_found_alone_and_in_braces() {
    let code = "use crate::a::B;\nuse crate::{c::D, e, f::{G, h::I}};\nfn x() -> crate::j::K {}";
    let found: Vec<String> = paths(code, "crate").iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::B", "c::D", "e", "f::G", "f::h::I", "j::K"]);
    assert!(names_crate("use sqlx::Row;", "sqlx") && names_crate("(sqlx::Error)", "sqlx"));
    assert!(!names_crate("use apalis_core::x;", "apalis") && !names_crate("self::sqlx::x", "sqlx"));
}

#[test]
fn every_module_has_its_place() {
    for module in modules().keys() {
        assert!(
            ORDER.iter().any(|row| row.contains(&module.as_str())),
            "{module} has no place in the order of modules"
        );
    }
}

#[test]
fn data_goes_one_way() {
    let place = |module: &str| ORDER.iter().position(|row| row.contains(&module));
    for (module, code) in modules() {
        for other in named(&code).into_iter().filter(|other| *other != module) {
            let Some(others_place) = place(&other) else { continue };
            assert!(
                Some(others_place) < place(&module),
                "{module} knows {other}, which does not come before it"
            );
        }
    }
}

#[test]
fn no_module_knows_what_it_must_not_know() {
    let modules = modules();
    let known = |module: &str| {
        let names = named(&modules[module]).into_iter();
        names.filter(|name| *name != module && modules.contains_key(name)).collect::<BTreeSet<_>>()
    };
    assert_eq!(known("order"), BTreeSet::from(["ids", "words"].map(str::to_owned)));
    assert_eq!(
        known("token"),
        BTreeSet::from(["cause", "clock", "ids", "received", "words"].map(str::to_owned))
    );
    for (module, hidden) in HIDDEN {
        let known = known(module);
        assert!(hidden.iter().all(|other| !known.contains(*other)), "{module} knows {known:?}");
    }
    assert!(known("vault").contains("store"), "this test finds no names at all");
}

#[test]
fn each_tool_stays_in_its_modules() {
    for (tool, allowed) in TOOLS {
        for (module, code) in modules() {
            if !allowed.contains(&module.as_str()) {
                assert!(!names_crate(&code, tool), "{module} names {tool}, which is for {allowed:?}");
            }
        }
    }
    assert!(names_crate(&modules()["store"], "sqlx") && names_crate(&modules()["queue"], "apalis"));
}

#[test]
fn no_files_go_round_in_a_circle() {
    let mut arrows = arrows();
    assert!(!arrows.values().all(BTreeSet::is_empty), "this test finds no arrows at all");
    // A file that imports no remaining file, or that no remaining file imports, is in no circle.
    loop {
        let given: BTreeSet<_> = arrows.values().flatten().cloned().collect();
        let left: BTreeSet<_> = arrows.keys().cloned().collect();
        let before = arrows.clone();
        arrows.retain(|from, to| given.contains(from) && !to.is_disjoint(&left));
        for to in arrows.values_mut() {
            to.retain(|other| left.contains(other));
        }
        if arrows == before {
            break;
        }
    }
    let show = |path: &[String]| path.join("::");
    let circles: Vec<String> = arrows
        .iter()
        .flat_map(|(from, to)| {
            to.iter().map(move |other| format!("{} takes from {}", show(from), show(other)))
        })
        .collect();
    assert!(circles.is_empty(), "files go round in a circle:\n{}", circles.join("\n"));
}
