//! Checks the texts of migrations against the rules in CONTRIBUTING.md: programs of two releases
//! use the database while a migration runs.

use std::fs;
use std::path::{Path, PathBuf};

use klarna_order_worker::store::{OLDEST_PROGRAM, PROGRAM_LEVEL};
use sha2::{Digest as _, Sha256};

/// Digests of migrations that databases have run. A changed one is refused by those databases.
const WRITTEN: [(&str, &str); 2] =
    [("postgres/0001_baseline.sql", "0ce24f538741e7e8"), ("sqlite/0001_baseline.sql", "1808c52a83de62c7")];
/// The number of the baseline, which the rules for later migrations do not bind.
const BASELINE: u32 = 1;

fn files(engine: &str) -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let number = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
    let mut files: Vec<_> = paths.map(|path| (number(&path), path)).collect();
    files.sort();
    files
}

#[test]
fn what_was_written_stays_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for (file, digest) in WRITTEN {
        let text = fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found = u64::from_be_bytes(Sha256::digest(text)[..8].try_into().unwrap());
        assert_eq!(format!("{found:016x}"), digest, "{file} was changed: write another migration");
    }
    let old = |engine| files(engine).iter().filter(|(number, _)| *number <= BASELINE).count();
    assert_eq!(
        (old("postgres"), old("sqlite")),
        (1, 1),
        "a migration with an old number would run after newer ones"
    );
}

#[test]
fn new_migrations_keep_the_rules() {
    let mut faults = Vec::new();
    let mut raised = 1;
    for engine in ["postgres", "sqlite"] {
        for (number, path) in files(engine) {
            let migration = Migration::read(&fs::read_to_string(&path).unwrap());
            raised = raised.max(migration.raises.unwrap_or_default());
            if number > BASELINE {
                let file = path.display();
                faults.extend(migration.faults(engine == "postgres").map(|fault| format!("{file}: {fault}")));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(raised, OLDEST_PROGRAM, "OLDEST_PROGRAM says what the migrations raise minimum_program to");
    const { assert!(OLDEST_PROGRAM <= PROGRAM_LEVEL) };
}

/// A migration's text, without comments, in capitals.
struct Migration {
    /// Whether it runs outside a transaction.
    beside: bool,
    /// Whether a comment explains why a seeming removal breaks no older program.
    excused: bool,
    statements: Vec<String>,
    /// The level to which it raises `minimum_program`.
    raises: Option<i64>,
}

impl Migration {
    fn read(text: &str) -> Self {
        let code = text.lines().map(|line| line.split("--").next().unwrap()).collect::<Vec<_>>().join(" ");
        let code = code.to_uppercase().replace("KLARNA_WORKER.", "").replace(['(', ')', ','], " ");
        // The parts between `$$` are bodies of functions, whose semicolons end no statement.
        let outside = code.split("$$").enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, part)| part);
        let statements = outside.collect::<Vec<_>>().join(" BODY ");
        let statements =
            statements.split(';').map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
        let statements: Vec<String> = statements.filter(|one| !one.is_empty()).collect();
        let raises = statements.iter().find_map(|one| {
            let to = one.strip_prefix("UPDATE INSTALLATION SET MINIMUM_PROGRAM = ")?;
            to.split(' ').find_map(|word| word.parse().ok())
        });
        Self {
            beside: text.starts_with("-- no-transaction"),
            excused: text.lines().any(|line| line.starts_with("-- Older programs live with it: ")),
            statements,
            raises,
        }
    }

    fn faults(&self, postgres: bool) -> impl Iterator<Item = String> {
        let made = |one: &String| Some(one.strip_prefix("CREATE TABLE ")?.split(' ').next()?.to_owned());
        let made: Vec<String> = self.statements.iter().filter_map(made).collect();
        let mut faults = Vec::new();
        for one in &self.statements {
            let new = made
                .iter()
                .any(|table| one.contains(&format!(" {table} ")) || one.ends_with(&format!(" {table}")));
            if !new {
                faults.extend(self.takes_away(one));
                faults.extend(backfills(one));
                faults.extend(postgres.then(|| self.stalls(one)).flatten());
            }
        }
        let altered = |one: &String| Some(one.strip_prefix("ALTER TABLE ")?.split(' ').next()?.to_owned());
        let mut altered: Vec<String> = self.statements.iter().filter_map(altered).collect();
        altered.retain(|table| !made.contains(table));
        altered.dedup();
        if postgres && altered.len() > 1 {
            faults.push(format!(
                "alters {altered:?}: the first one's lock is held while the next is waited for"
            ));
        }
        if self.beside && self.statements.len() != 1 {
            faults.push("-- no-transaction, and not one statement: nobody knows how far it came".to_owned());
        }
        if self.raises.is_some_and(|level| level > PROGRAM_LEVEL) {
            faults.push(
                "raises minimum_program over PROGRAM_LEVEL: this very program would be refused".to_owned(),
            );
        }
        faults.into_iter()
    }

    /// Returns what is wrong with a statement that could break older programs: it removes
    /// something, or requires something that they do not write.
    fn takes_away(&self, one: &str) -> Option<String> {
        let goes = [
            "DROP TABLE ",
            " DROP COLUMN ",
            " RENAME ",
            "DROP FUNCTION ",
            " SET NOT NULL",
            " DROP DEFAULT",
            " TYPE ",
        ];
        let goes = goes.iter().any(|word| one.contains(word));
        let asks = one.contains(" ADD ") && one.contains(" NOT NULL") && !one.contains(" DEFAULT ");
        let found = (goes || asks) && !one.starts_with("CREATE ");
        (found && self.raises.is_none() && !self.excused).then(|| {
            format!("an older program cannot live with it, and minimum_program is not raised: {one}")
        })
    }

    /// Returns what is wrong with a statement that holds a lock while it reads or writes a whole
    /// table.
    fn stalls(&self, one: &str) -> Option<String> {
        let index = one.starts_with("CREATE INDEX ") || one.starts_with("CREATE UNIQUE INDEX ");
        let beside = self.beside && one.contains(" CONCURRENTLY IF ");
        let stalls = (index || one.starts_with("DROP INDEX ")) && !beside
            || one.contains(" ADD CONSTRAINT ") && !one.ends_with(" NOT VALID")
            || one.contains(" ADD COLUMN ") && one.contains(" DEFAULT ") && calls(one);
        stalls.then(|| format!("orders would wait for it: {one}"))
    }
}

/// Returns whether a default is calculated for each row, which rewrites the table.
fn calls(one: &str) -> bool {
    let default = one.split(" DEFAULT ").nth(1).unwrap_or_default();
    ["CLOCK_TIMESTAMP", "RANDOM", "GEN_RANDOM_UUID", "NEXTVAL"].iter().any(|call| default.starts_with(call))
}

/// Returns what is wrong with a statement that updates existing rows. The program does that in
/// batches.
fn backfills(one: &str) -> Option<String> {
    let rows =
        one.starts_with("UPDATE ") || one.starts_with("DELETE FROM ") || one.starts_with("INSERT INTO ");
    (rows && !one.starts_with("UPDATE INSTALLATION "))
        .then(|| format!("rows of a table at work are changed: {one}"))
}

/// Breaks each rule once, and checks statements that break none.
#[test]
fn the_rules_find_what_breaks_them() {
    let faults = |postgres, text: &str| Migration::read(text).faults(postgres).collect::<Vec<_>>();
    let table = "CREATE TABLE klarna_worker.notes (id bigint NOT NULL, order_id uuid);\n";
    for (breach, text) in [
        ("orders would wait", "CREATE INDEX orders_x ON klarna_worker.orders (x);"),
        ("orders would wait", "CREATE UNIQUE INDEX CONCURRENTLY orders_x ON klarna_worker.orders (x);"),
        (
            "orders would wait",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY orders_x ON klarna_worker.orders (x);",
        ),
        ("orders would wait", "DROP INDEX klarna_worker.orders_x;"),
        ("orders would wait", "ALTER TABLE klarna_worker.orders ADD CONSTRAINT c CHECK (x > 0);"),
        (
            "orders would wait",
            "ALTER TABLE klarna_worker.orders ADD COLUMN x uuid DEFAULT gen_random_uuid();",
        ),
        (
            "not one statement",
            "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS a; DROP INDEX CONCURRENTLY IF EXISTS b;",
        ),
        ("cannot live with it", "-- Goes.\nALTER TABLE klarna_worker.orders DROP COLUMN x;"),
        ("cannot live with it", "ALTER TABLE klarna_worker.orders RENAME COLUMN x TO y;"),
        ("cannot live with it", "ALTER TABLE klarna_worker.orders ADD COLUMN x text NOT NULL;"),
        ("cannot live with it", "ALTER TABLE klarna_worker.orders ALTER COLUMN x SET NOT NULL;"),
        ("cannot live with it", "DROP TABLE klarna_worker.order_attempts;"),
        (
            "lock is held",
            "ALTER TABLE klarna_worker.orders ADD COLUMN x text; ALTER TABLE klarna_worker.tokens ADD COLUMN x text;",
        ),
        ("rows of a table at work", "UPDATE klarna_worker.orders SET x = 1;"),
        ("rows of a table at work", "DELETE FROM klarna_worker.tokens;"),
        (
            "would be refused",
            "UPDATE klarna_worker.installation SET minimum_program = greatest(minimum_program, 99);",
        ),
    ] {
        let found = faults(true, text);
        assert!(found.len() == 1 && found[0].contains(breach), "{text}: {found:?}");
    }
    for sound in [
        "-- no-transaction\n-- Why.\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_x ON klarna_worker.orders (x);",
        "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS klarna_worker.orders_x;",
        &format!("{table}CREATE INDEX notes_order ON klarna_worker.notes (order_id);"),
        "ALTER TABLE klarna_worker.orders ADD COLUMN x text NOT NULL DEFAULT '';",
        "ALTER TABLE klarna_worker.orders ADD CONSTRAINT c CHECK (x > 0) NOT VALID;",
        "CREATE FUNCTION klarna_worker.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM x; RETURN NULL; END $$;",
        "ALTER TABLE klarna_worker.orders DROP COLUMN x;\nUPDATE klarna_worker.installation SET minimum_program = greatest(minimum_program, 1);",
        "-- Older programs live with it: none has ever read it.\nALTER TABLE klarna_worker.orders DROP COLUMN x;",
    ] {
        let found = faults(true, sound);
        assert!(found.is_empty(), "{sound}: {found:?}");
    }
    assert!(faults(false, "CREATE INDEX orders_x ON orders (x);").is_empty(), "SQLite has no other way");
    assert_eq!(faults(false, "ALTER TABLE orders DROP COLUMN x;").len(), 1);
}
