//! Wrapped keys: `[vault.keys.<name>]` with `wrapped_by`.

use std::time::Duration;

use super::{LEAST, faults, with};
use crate::config::{KeyProgram, KeySource, Settings, WrappedKey};

const WRAPPED: &str = r#"
[vault.keys.k1]
file = "k1.wrapped"
wrapped_by = "command"
unwrap = ["/usr/bin/kms", "decrypt"]
"#;

fn faults_of(section: &str) -> Vec<String> {
    faults(&format!("{LEAST}[vault.keys.k1]\n{section}"), &[])
}

#[test]
fn a_wrapped_key_has_a_file_and_programs() {
    let text = format!(
        "{LEAST}{WRAPPED}wrap = [\"/usr/bin/kms\"]\ncommand_env = [\"REGION\"]\ncommand_timeout = \"5s\""
    );
    let settings = Settings::parse("test", &text, std::iter::empty()).unwrap();
    let program = |arguments: &[&str]| KeyProgram {
        path: "/usr/bin/kms".into(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        variables: vec!["REGION".to_owned()],
        timeout: Duration::from_secs(5),
    };
    let expected =
        WrappedKey { file: "k1.wrapped".into(), unwrap: program(&["decrypt"]), wrap: Some(program(&[])) };
    assert_eq!(settings.vault.keys["k1"], KeySource::Wrapped(expected));
    let variables = [
        ("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.wrapped"),
        ("KLARNA_WORKER__VAULT__KEYS__K1__WRAPPED_BY", "command"),
        ("KLARNA_WORKER__VAULT__KEYS__K1__UNWRAP", r#"["/usr/bin/kms", "decrypt"]"#),
    ];
    let settings = with(&variables).unwrap();
    let KeySource::Wrapped(key) = &settings.vault.keys["k1"] else { panic!("{settings:?}") };
    assert_eq!((key.unwrap.timeout, &key.wrap), (Duration::from_secs(30), &None));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    assert_eq!(
        faults_of("wrapped_by = \"command\"\nenv = \"PATH\""),
        [
            "vault.keys.k1.env: given together with wrapped_by; write file = \"…\" instead",
            "vault.keys.k1.file: missing; write file = \"…\", the file with the wrapped key",
            "vault.keys.k1.unwrap: missing; write a list such as [\"/usr/bin/aws\", \"kms\", \"decrypt\", \"…\"]",
        ]
    );
    assert_eq!(
        faults_of("file = \"k1\"\nunwrap = [\"/usr/bin/kms\"]"),
        ["vault.keys.k1.unwrap: given without wrapped_by; add wrapped_by = \"command\", or leave it out",]
    );
    let start = "file = \"k1\"\nwrapped_by = \"command\"\n";
    assert_eq!(
        faults_of(&format!("{start}unwrap = [\"kms\"]\ncommand_env = [\"A=b\"]\ncommand_timeout = \"0s\"")),
        [
            "vault.keys.k1.command_env: has what is no name of a variable; write a list such as [\"AWS_REGION\"]; the \
             values come from the environment",
            "vault.keys.k1.command_timeout: zero; write a duration such as \"10s\", \"5m\" or \"60d\"",
            "vault.keys.k1.unwrap: does not begin with the absolute path of a program; write a list such as \
             [\"/usr/bin/aws\", \"kms\", \"decrypt\", \"…\"]",
        ]
    );
    assert_eq!(
        faults_of("file = \"k1\"\nwrapped_by = \"kms\"\nunwrap = \"/usr/bin/kms\""),
        [
            "vault.keys.k1.unwrap: not a list; write a list such as [\"shop\"]",
            "vault.keys.k1.wrapped_by: not one of the values allowed here; write \"command\"",
        ]
    );
}
