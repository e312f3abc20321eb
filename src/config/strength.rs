//! Refuses secrets that can be guessed.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// The fewest characters of an API key. `keys api generate` makes keys of 43.
const SHORTEST_KEY: usize = 24;

/// The fewest different characters or bytes of a secret. 24 random characters have practically
/// never fewer.
const LEAST_VARIETY: usize = 8;

/// Keys of examples and first tries. Their hashes are refused too, because a hash does not show
/// that its key is short.
const GUESSED: [&str; 28] = [
    "",
    "a",
    "abc",
    "admin",
    "api",
    "api-key",
    "api_key",
    "apikey",
    "bar",
    "change-me",
    "changeme",
    "default",
    "example",
    "foo",
    "foobar",
    "key",
    "klarna",
    "operator",
    "operator-key",
    "pass",
    "password",
    "secret",
    "shop",
    "shop-key",
    "test",
    "token",
    "123456",
    "12345678",
];

/// The installation's name in the trial of `deploy/try`, whose keys everybody can read.
const TRIAL: &str = "try";
/// The SHA-256 of its API keys, and of the bytes of its encryption key.
const KEYS_OF_TRIAL: [&str; 3] = [
    "fcafb55b1e1460a395e062bf3661050533ce72f6741f5a7fb77ed9a4be61a05a",
    "542a8c24e0ae65d991264f730c98edcf5fb9d22aba93a46ca801a5bd6e9c2c07",
    "41526d315d99f4ae061261b8b3464ee1d844af929d9ee26c3c7ee08083abf376",
];

/// Returns why an API key is too weak; `None` if it is not.
pub(super) fn weakness_of_key(key: &str) -> Option<String> {
    if key.chars().count() < SHORTEST_KEY {
        return Some(format!("shorter than {SHORTEST_KEY} characters"));
    }
    is_uniform(key.as_bytes()).then(|| "made of few different characters".to_owned())
}

/// Returns whether this is the SHA-256 of a key that anybody would try first.
pub(super) fn is_hash_of_guess(hash: &[u8; 32]) -> bool {
    GUESSED.iter().any(|guess| Sha256::digest(guess).as_slice() == hash)
}

/// Returns whether this is the SHA-256 of a key of the trial, in another installation.
pub(crate) fn is_hash_of_trial(hash: &[u8; 32], installation: &str) -> bool {
    let digits: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    installation != TRIAL && KEYS_OF_TRIAL.contains(&digits.concat().as_str())
}

/// Returns whether bytes follow a pattern: few different ones, or steps of the same size.
pub(crate) fn is_uniform(bytes: &[u8]) -> bool {
    let steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let variety = |values: BTreeSet<u8>| values.len() < LEAST_VARIETY;
    variety(bytes.iter().copied().collect()) || variety(steps.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_told_from_random_bytes() {
        let counting: Vec<u8> = (0..32).collect();
        for uniform in [
            &[0_u8; 32][..],
            &[0xff; 32],
            &counting,
            b"aaaaaaaaaaaaaaaaaaaaaaaaaaaab",
            b"0123456789abcdefghijklmnop",
        ] {
            assert!(is_uniform(uniform), "{uniform:?}");
        }
        assert!(!is_uniform(b"correct horse battery staple"), "a password of words is not a pattern");
        for _ in 0..1000 {
            assert!(!is_uniform(&rand::random::<[u8; 32]>()));
        }
    }
}
