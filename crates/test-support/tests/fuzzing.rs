//! The fuzz targets' code, run on random bytes and on their seeds with changes. It must not panic.

use std::fs;
use std::path::Path;

use klarna_order_worker::fuzzing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use test_support::fuzz_targets;
use test_support::issuer::{SigningKey, b64, message};
use test_support::merchant::merchant;

/// Makes a property of each target.
macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            let seeds = seeds(stringify!($name));
            for seed in &seeds {
                fuzz_targets::$name(seed);
            }
            let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
            proptest!(config, |(bytes in mangled(seeds))| fuzz_targets::$name(&bytes));
        })+
    };
}

targets![
    token_answer,
    checkout_answer,
    session_answer,
    revocation_answer,
    compressed_answer,
    id_token,
    openid_document,
    order,
    spool,
    import,
    settings,
    webhook_url,
];

/// Each of these took time with the square of its size, and would not end today.
#[test]
fn no_input_takes_more_than_its_size() {
    const MANY: usize = 500_000;
    let lines = ".\n".repeat(MANY);
    let odd = |export: String| {
        let wrong = fuzzing::exports(export.as_bytes()).into_iter().map(|(_, wrong)| wrong.len());
        wrong.sum::<usize>()
    };
    assert_eq!(odd(format!("<customers>\n<!--\n{lines}{lines}")), 0, "a comment without an end");
    assert_eq!(odd(format!("<customers>\n<customer customer-no=\"\n{lines}")), 1, "a tag without an end");
    let empty = "<customer/>".repeat(80_000) + "\n";
    assert_eq!(odd(format!("<customers>\n{}", empty.repeat(20))), 0, "many customers on a line");
    let token = "&".repeat(900_000);
    let element = "<custom-attribute attribute-id=\"kpRefreshToken\">";
    let customer = format!("<customers>\n<customer>{element}{token}</custom-attribute></customer>");
    assert_eq!(odd(customer), 1, "what looks like an entity");
    let columns = format!("customer_id\trefresh_token{}\n", "\tx".repeat(400_000));
    assert_eq!(odd(columns + &lines), 0, "a header with many columns, and short rows");

    let key = SigningKey::es256("k").jwk();
    let keys = serde_json::json!({ "keys": vec![key; 30_000] }).to_string();
    assert_eq!(fuzzing::key_set(keys.as_bytes()), 64);
    let token = message(&serde_json::json!({ "alg": "ES256" }), &serde_json::json!("x".repeat(2 * MANY)));
    let token = format!("{token}.{}", b64(&[1; 64]));
    assert!(fuzzing::id_token(&token, keys.as_bytes(), &merchant("http://klarna.test")).is_none());
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    seeds
}

/// Any bytes, or a seed with a few pieces replaced.
fn mangled(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..4),
        select(vec!["\"", "{", "}", "[]", "null", "-1e999", "\\u0000", "\n", ",", ":", "é", "\u{feff}"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let edits = vec((any::<Index>(), 0..8_usize, piece), 0..5);
    let seed = (select(seeds), edits).prop_map(|(mut bytes, edits)| {
        for (at, length, piece) in edits {
            let start = at.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece);
        }
        bytes
    });
    prop_oneof![1 => vec(any::<u8>(), 0..200), 4 => seed]
}
