//! The fuzz targets' code, run on random bytes and on their seeds with changes. It must not panic.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use test_support::fuzz_targets;

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

targets![token_answer, checkout_answer, id_token, openid_document, order, spool, import];

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
