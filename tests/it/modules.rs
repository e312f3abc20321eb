//! Checks the rules for modules in the sources: which modules a module may import, and which crates
//! it may use.

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
fn files() -> Files {
    let mut files = BTreeMap::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut files);
    files.retain(|path, _| path[..] != ["lib"] && path[..] != ["main"]);
    files
}

fn gather(folder: &Path, module: &[String], files: &mut Files) {
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

/// Removes comments, and the module of tests at the end of a file.
fn code(source: &str) -> String {
    let source = source.rfind("\nmod tests {").map_or(source, |at| &source[..at]);
    let lines = source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// A path that the code names.
struct Named {
    /// Its words, without the root that was asked for.
    path: Vec<String>,
    /// What a `use` line calls it: its last word, or what follows `as`.
    name: String,
}

/// Returns all paths that begin with `root`, including those in braces: `crate::{a, b::C}` gives
/// `a` and `b::C`.
fn paths(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].chars().next_back().is_none_or(|letter| !is_word(letter) && letter != ':') {
            read_tree(&code[at + root.len() + 2..], &[], &mut found);
        }
    }
    found.into_iter().map(|named| named.path).collect()
}

/// Returns all paths of the `use` lines.
fn imports(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let line = code[..at].rsplit('\n').next().unwrap_or_default().trim();
        if line.is_empty() || line == "pub" || (line.starts_with("pub(") && line.ends_with(')')) {
            read_tree(&code[at + "use ".len()..], &[], &mut found);
        }
    }
    found
}

/// Reads a path, or a list of paths, after `prefix`. Returns how many bytes it read.
fn read_tree(text: &str, prefix: &[String], found: &mut Vec<Named>) -> usize {
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
    let path = if path.len() > 1 && path.ends_with(&["self".to_owned()]) { prefix.to_vec() } else { path };
    let renamed = rest[end..].trim_start().strip_prefix("as ").map(str::trim_start);
    let name = renamed.and_then(|new| new.split(|letter| !is_word(letter)).next());
    let name = name.or(path.last().map(String::as_str)).unwrap_or_default().to_owned();
    found.push(Named { path, name });
    start + end
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the modules that the code names.
fn named(code: &str) -> BTreeSet<String> {
    paths(code, "crate").into_iter().map(|path| path[0].clone()).collect()
}

/// The code of each file by its module path.
type Files = BTreeMap<Vec<String>, String>;

/// What the `use` lines of each file call by a name: the path from the crate.
type Uses = BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>;

/// Returns a path of a file from the crate; `None` if it leads to another crate.
fn from_crate(files: &Files, file: &[String], path: &[String]) -> Option<Vec<String>> {
    let first = path.first()?;
    match first.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([file, &path[1..]].concat()),
        "super" => {
            let up = path.iter().take_while(|word| *word == "super").count();
            Some([&file[..file.len().saturating_sub(up)], &path[up..]].concat())
        }
        _ => files.contains_key(&[file, std::slice::from_ref(first)].concat()).then(|| [file, path].concat()),
    }
}

fn uses(files: &Files) -> Uses {
    let mut uses = Uses::new();
    for (file, code) in files {
        let named = imports(code).into_iter();
        let of_crate = named.filter_map(|named| Some((named.name, from_crate(files, file, &named.path)?)));
        uses.insert(file.clone(), of_crate.collect());
    }
    uses
}

/// Returns the file that defines what a path from the crate names, through the `use` lines of the
/// files on the way.
fn definer(files: &Files, uses: &Uses, mut path: Vec<String>) -> Option<Vec<String>> {
    for _ in 0..16 {
        let end = (1..=path.len()).rev().find(|end| files.contains_key(&path[..*end]))?;
        let (file, names) = path.split_at(end);
        let Some(meant) = names.first().and_then(|name| uses[file].get(name)) else {
            return Some(file.to_vec());
        };
        path = [&meant[..], &names[1..]].concat();
    }
    panic!("{} leads nowhere", path.join("::"));
}

/// Returns which other files each file takes names from, except parents and children.
fn arrows(files: &Files) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let uses = uses(files);
    let mut arrows = BTreeMap::new();
    for (from, code) in files {
        let rooted = ["crate", "self", "super"].into_iter().flat_map(|root| {
            let named = paths(code, root).into_iter();
            named.filter_map(move |path| from_crate(files, from, &[&[root.to_owned()][..], &path].concat()))
        });
        let imported = uses[from].iter().flat_map(|(name, meant)| {
            let named = paths(code, name).into_iter().map(move |path| [&meant[..], &path].concat());
            named.chain([meant.clone()])
        });
        let others = rooted.chain(imported).filter_map(|path| definer(files, &uses, path));
        let kin = |other: &Vec<String>| other.starts_with(from) || from.starts_with(other);
        arrows.insert(from.clone(), others.filter(|other| !kin(other)).collect::<BTreeSet<_>>());
    }
    arrows
}

/// Returns the arrows that lie in a circle, or between circles, each as a sentence.
fn circles(files: &Files) -> Vec<String> {
    let mut arrows = arrows(files);
    // A file that takes from no remaining file, or that no remaining file takes from, is in no
    // circle.
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
    let sentence =
        |from: &[String], to: &[String]| format!("{} takes from {}", from.join("::"), to.join("::"));
    arrows.iter().flat_map(|(from, to)| to.iter().map(move |other| sentence(from, other))).collect()
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
fn code_ends_where_its_tests_begin() {
    assert_eq!(
        code("#[cfg(test)]\nmod tests;\nuse x; // y\n#[cfg(unix)]\nfn z() {}\n").matches("fn z").count(),
        1
    );
    assert!(!code("use x;\n#[cfg(all(test, unix))]\nmod tests {\n    use super::*;\n}\n").contains("super"));
    assert!(!code("use x; // crate::y").contains("crate"));
}

/// Returns files of these module paths and codes.
fn written(files: &[(&str, &str)]) -> Files {
    let path = |module: &str| module.split("::").map(str::to_owned).collect();
    files.iter().map(|(module, code)| (path(module), (*code).to_owned())).collect()
}

#[test]
fn a_circle_is_found_through_the_names_of_its_parent() {
    let parent = "mod b;\nmod c;\npub use self::b::B;\npub(crate) use c::{C as Other, Unused};";
    let there_and_back = ["a::b takes from a::c", "a::c takes from a::b"];
    for (of_b, of_c) in [
        ("use super::Other;", "use super::{B, x::Y};"),
        ("use crate::a::Other;", "fn x() -> super::B {}"),
        ("use crate::a;\nfn x() -> a::Other {}", "use crate::a::{self as all};\nfn x() -> all::B {}"),
        ("use super::c;\nuse super::c::C as B;", "use super::b::{self, B};"),
    ] {
        let files = written(&[("a", parent), ("a::b", of_b), ("a::c", of_c)]);
        assert_eq!(circles(&files), there_and_back, "{of_b} and {of_c}");
    }
    let longer = [
        ("a", parent),
        ("a::b", "use crate::e::Far;"),
        ("a::c", "use super::B;"),
        ("e", "pub use self::f::Far;"),
        ("e::f", "use crate::a::Other as Name;"),
    ];
    assert_eq!(
        circles(&written(&longer)),
        ["a::b takes from e::f", "a::c takes from a::b", "e::f takes from a::c"]
    );
    let files = written(&[("a", parent), ("a::b", "use super::Other;"), ("a::c", "use std::mem::B;")]);
    assert_eq!(circles(&files), Vec::<String>::new());
    assert_eq!(arrows(&files)[&["a", "b"].map(str::to_owned)[..]].len(), 1);
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
fn only_the_app_holds_all_storage_traits() {
    let holds = |code: &str| {
        let mut ends = code.match_indices("dyn Store").map(|(at, name)| &code[at + name.len()..]);
        ends.any(|rest| !rest.starts_with(is_word))
    };
    let holders = files().into_iter().filter(|(path, code)| path[0] != "store" && holds(code));
    let holders: Vec<String> = holders.map(|(path, _)| path.join("::")).collect();
    assert_eq!(holders, ["app"], "take the storage traits that the module uses");
}

#[test]
fn no_files_go_round_in_a_circle() {
    let files = files();
    let arrows = arrows(&files);
    assert!(!arrows.values().all(BTreeSet::is_empty), "this test finds no arrows at all");
    for (file, code) in &files {
        for named in imports(code).iter().filter(|named| named.name.is_empty()) {
            let all_of = from_crate(&files, file, &named.path[..named.path.len() - 1]);
            // A file that takes nothing is in no circle, whatever is taken from it.
            let is_seen = all_of.is_none_or(|other| arrows.get(&other).is_some_and(BTreeSet::is_empty));
            assert!(is_seen, "{} imports names that this test cannot see", file.join("::"));
        }
    }
    let circles = circles(&files);
    assert!(circles.is_empty(), "files go round in a circle:\n{}", circles.join("\n"));
}
