//! The rooms' rules, read from the sources: who may know whom, and who may use what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Data's way through: a room knows only rooms of earlier rows.
const ORDER: [&[&str]; 12] = [
    &["meter", "clock", "words", "backoff"],
    &["breaker", "crash", "telemetry", "lifecycle", "order", "token"],
    &["config", "queue"],
    &["store", "klarna"],
    &["intake", "vault"],
    &["keeper"],
    &["delivery"],
    &["worker"],
    &["api", "ops", "pages"],
    &["app"],
    &["cli"],
    &["fuzzing"],
];

/// The rooms that may name a crate; all others may not.
const TOOLS: [(&str, &[&str]); 11] = [
    ("sqlx", &["store"]),
    ("apalis", &["queue"]),
    ("apalis_core", &["queue"]),
    ("apalis_cron", &["keeper"]),
    ("reqwest", &["klarna", "delivery"]),
    ("metrics", &["meter", "ops"]),
    ("metrics_exporter_prometheus", &["ops"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
];

/// Each room's code, without its tests and comments.
fn rooms() -> BTreeMap<String, String> {
    let mut rooms = BTreeMap::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), None, &mut rooms);
    for outside in ["lib", "main"] {
        rooms.remove(outside);
    }
    rooms
}

fn gather(folder: &Path, room: Option<&str>, rooms: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let room = room.unwrap_or(&name);
        if path.is_dir() {
            if name != "tests" {
                gather(&path, Some(room), rooms);
            }
        } else if name != "tests" && path.extension().is_some_and(|extension| extension == "rs") {
            rooms.entry(room.to_owned()).or_default().push_str(&(code(&fs::read_to_string(&path).unwrap()) + "\n"));
        }
    }
}

/// Without comments, and without what follows `#[cfg(test)]` where that begins a file's tests at its end.
fn code(source: &str) -> String {
    let source = match source.rfind("\n#[cfg(test)]") {
        Some(at) if source[at..].contains("mod tests") => &source[..at],
        _ => source,
    };
    let lines = source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `prefix`, also within braces: `crate::{a, b::c}` names `a` and `b`.
fn named<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let word = |text: &'a str| {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut expects_name) = (0, true);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => expects_name = true,
                letter if expects_name && !letter.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    expects_name = false;
                }
                _ => {}
            }
        }
    }
    names
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
    assert_eq!(named(code, "crate::"), BTreeSet::from(["a", "c", "e", "f", "j"]));
    assert!(names_crate("use sqlx::Row;", "sqlx") && names_crate("(sqlx::Error)", "sqlx"));
    assert!(!names_crate("use apalis_core::x;", "apalis") && !names_crate("self::sqlx::x", "sqlx"));
}

#[test]
fn every_room_has_its_place() {
    for room in rooms().keys() {
        assert!(ORDER.iter().any(|row| row.contains(&room.as_str())), "{room} has no place in the order of rooms");
    }
}

#[test]
fn data_goes_one_way() {
    let place = |room: &str| ORDER.iter().position(|row| row.contains(&room));
    for (room, code) in rooms() {
        for other in named(&code, "crate::").into_iter().filter(|other| **other != room) {
            let Some(others_place) = place(other) else { continue };
            assert!(Some(others_place) < place(&room), "{room} knows {other}, which does not come before it");
        }
    }
}

#[test]
fn orders_and_tokens_know_no_room_and_the_vault_no_order() {
    let rooms = rooms();
    let known = |room: &str| {
        let names = named(&rooms[room], "crate::").into_iter();
        names.filter(|name| *name != room && rooms.contains_key(*name)).collect::<BTreeSet<_>>()
    };
    assert_eq!(known("order"), BTreeSet::new());
    assert_eq!(known("token"), BTreeSet::from(["clock", "words"]));
    assert!(!known("vault").contains("order"));
    assert!(known("vault").contains("store"), "this test finds no names at all");
}

#[test]
fn each_tool_stays_in_its_rooms() {
    for (tool, allowed) in TOOLS {
        for (room, code) in rooms() {
            if !allowed.contains(&room.as_str()) {
                assert!(!names_crate(&code, tool), "{room} names {tool}, which is for {allowed:?}");
            }
        }
    }
    assert!(names_crate(&rooms()["store"], "sqlx") && names_crate(&rooms()["queue"], "apalis"));
}
