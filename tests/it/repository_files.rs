//! Rules for the project's files that no tool checks.

use std::collections::BTreeSet;
use std::iter;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn read(file: impl AsRef<Path>) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The crates of the workspace, as folders; the first is the product.
fn crates() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let others =
        std::fs::read_dir(folder).unwrap().map(|entry| Path::new("crates").join(entry.unwrap().file_name()));
    iter::once(PathBuf::new()).chain(others).collect()
}

/// Returns all dependencies of a crate's manifest, of every kind and platform.
fn requirements(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let sections = platforms.filter_map(Value::as_table).chain([manifest]).flat_map(|table| {
        ["dependencies", "dev-dependencies", "build-dependencies"]
            .into_iter()
            .filter_map(|name| table.get(name))
    });
    sections.filter_map(Value::as_table).flatten()
}

#[test]
fn each_version_is_named_in_the_workspace_alone() {
    let mut required = BTreeSet::new();
    for folder in crates() {
        let manifest = read(folder.join("Cargo.toml"));
        for (name, requirement) in requirements(&manifest) {
            let inherited = requirement.get("workspace").and_then(Value::as_bool) == Some(true);
            assert!(inherited, "{}: {name} is not the workspace's", folder.display());
            required.insert(name.clone());
        }
    }
    let workspace = read("Cargo.toml");
    let named: BTreeSet<String> =
        workspace["workspace"]["dependencies"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(named, required, "the workspace names a crate that none requires");
}

#[test]
fn each_direct_dependency_is_held_to_one_version() {
    let manifest = read("Cargo.toml");
    let own = |requirement: &Value| requirement.get("path").is_some();
    let direct: BTreeSet<&str> = manifest["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .iter()
        .filter_map(|(name, requirement)| (!own(requirement)).then_some(name.as_str()))
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

/// Collects the messages that the sources log as a warning or an error.
fn messages(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            messages(&path, found);
        } else if path.is_file() && name != "tests" {
            let source = std::fs::read_to_string(&path).unwrap();
            let code = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            for level in ["warn", "error"] {
                let start = format!("tracing::{level}!(");
                let calls = code.split(&start).skip(1);
                found.extend(calls.map(|call| format!("{level}: {}", message(call))));
            }
        }
    }
}

/// Returns the last string of a call. `call` begins after its opening parenthesis.
fn message(call: &str) -> String {
    let (mut depth, mut last, mut rest) = (1, "", call);
    while let Some(at) = rest.find(['(', ')', '"']).filter(|_| depth > 0) {
        let (sign, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = behind;
        match sign {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => (last, rest) = behind.split_once('"').unwrap(),
        }
    }
    last.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The runbook has no row for a message that no longer exists either.
#[test]
fn each_warning_and_error_is_in_the_runbook() {
    let mut logged = BTreeSet::new();
    messages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut logged);
    assert!(logged.len() > 50, "{logged:?}");
    let filled: Vec<_> = logged.iter().filter(|message| message.contains('{')).collect();
    assert!(filled.is_empty(), "a message is a fixed sentence, and its data are fields: {filled:#?}");
    let runbook =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap();
    let rows = runbook.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let told = rows
        .filter(|row| row.starts_with("warn: ") || row.starts_with("error: "))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = logged.difference(&told).collect();
    assert!(missing.is_empty(), "docs/runbook.md says nothing of {missing:#?}");
    let gone: Vec<_> = told.difference(&logged).collect();
    assert!(gone.is_empty(), "docs/runbook.md knows what no program says: {gone:#?}");
}

/// Collects the sources, without tests.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.is_file()
            && name != "tests"
            && path.extension().is_some_and(|extension| extension == "rs")
        {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Returns the first line of prose in a comment that has more than 100 columns. Examples and
/// drawings, which stand between fences, are no prose.
fn wide_prose(source: &str) -> Option<&str> {
    let mut fenced = false;
    source.lines().find(|line| {
        let text = line.trim_start();
        let comment = text.starts_with("//");
        fenced = comment && (fenced != text.contains("```"));
        comment && !fenced && line.chars().count() > 100
    })
}

/// rustfmt leaves strings, macros and comments as they are.
#[test]
fn no_source_is_too_long_or_too_wide() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 300, "{}", found.len());
    for (path, source) in found {
        assert!(source.lines().count() <= 400, "divide {}", path.display());
        let code = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let wide = code.lines().find(|line| line.chars().count() > 120);
        assert_eq!(wide, None, "break this line of {}", path.display());
        assert_eq!(wide_prose(&source), None, "break this comment of {}", path.display());
    }
}

/// Collects the names of all tests in the sources.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.extend(
                source.split("fn ").skip(1).filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())),
            );
        }
    }
}

#[test]
fn each_test_that_the_page_on_security_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there = BTreeSet::new();
    for folder in ["src", "tests", "crates/test-support/tests"] {
        tests(&root.join(folder), &mut there);
    }
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let is_name = |text: &&str| {
        text.matches('_').count() > 1 && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
    };
    // Names of settings and variables have a dot or upper case.
    let named: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_name)
        .filter(|name| **name == name.to_lowercase())
        .collect();
    let missing: Vec<_> = named.iter().filter(|name| !there.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that are not there: {missing:#?}");
    assert!(named.len() > 30, "{named:?}");
}

/// Whether a file, or one in a folder, has tests.
fn has_tests(path: &Path) -> bool {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().any(|entry| has_tests(&entry.unwrap().path()));
    }
    let is_script = path.extension().is_some_and(|extension| extension == "sh");
    let marks = ["#[test]", "#[tokio::test", "both_engines!", "postgres_alone!", "proptest!"];
    std::fs::read_to_string(path)
        .is_ok_and(|source| is_script || marks.iter().any(|mark| source.contains(mark)))
}

#[test]
fn each_promise_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise |"));
    let mut promises = 0;
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row}");
        for name in named {
            // A file or a folder, and perhaps the test's name behind it.
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            assert!(has_tests(&root.join(file)), "{name}: {row}");
            let source = || std::fs::read_to_string(root.join(file)).unwrap();
            assert!(test.is_empty() || source().contains(&format!("fn {test}(")), "{name}: {row}");
        }
        promises += 1;
    }
    assert!(promises > 40, "{promises}");
}

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = in_folder(root).chain(in_folder(&root.join("docs")));
    let mut links = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            let found = || {
                let text = std::fs::read_to_string(&target).unwrap();
                text.lines()
                    .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == heading)
            };
            assert!(heading.is_empty() || found(), "{}: {link}", page.display());
            links += 1;
        }
    }
    assert!(links > 30, "{links}");
}
