//! An encryption key that a key service has encrypted ("wrapped"), in `[vault.keys.<name>]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::WrappedBy;
use super::reader::Reader;

const UNWRAP_EXPECTED: &str = r#"write a list such as ["/usr/bin/aws", "kms", "decrypt", "…"]"#;
const TIMEOUT: Duration = Duration::from_secs(30);

/// The settings that only a wrapped key has.
const OWN: [&str; 4] = ["unwrap", "wrap", "command_env", "command_timeout"];

/// A wrapped key, and the programs of the key service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The file with the wrapped key, as the program of `wrap` printed it.
    pub file: PathBuf,
    /// Reads the wrapped key from its standard input, and prints the key.
    pub unwrap: KeyProgram,
    /// Reads a new key from its standard input, and prints it wrapped. Only `keys generate --wrap`
    /// runs it.
    pub wrap: Option<KeyProgram>,
}

/// A program that wraps or unwraps a key. It is run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProgram {
    /// The absolute path of the program.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The names of the variables that it gets of this process's environment, besides
    /// [`KeyProgram::ALWAYS`].
    pub variables: Vec<String>,
    /// How long it may run before it is killed.
    pub timeout: Duration,
}

impl KeyProgram {
    /// The variables that each program gets, if this process has them.
    pub const ALWAYS: [&str; 2] = ["HOME", "PATH"];
}

/// Returns whether the settings say that the key of this section is wrapped.
pub(super) fn is_given(reader: &mut Reader, section: &str) -> bool {
    let key = |name: &str| format!("{section}.{name}");
    let is_given = reader.has(&key("wrapped_by"));
    // Its value says nothing more: there is one way so far.
    let _: Option<WrappedBy> = reader.get(&key("wrapped_by"));
    for name in OWN.map(key) {
        reader.known.insert(name.clone());
        if !is_given && reader.has(&name) {
            reader.fault(&name, "given without wrapped_by", "add wrapped_by = \"command\", or leave it out");
        }
    }
    is_given
}

impl WrappedKey {
    /// Reads the rest of the section.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Option<Self> {
        let key = |name: &str| format!("{section}.{name}");
        reader.known.insert(key("env"));
        if reader.has(&key("env")) {
            reader.fault(&key("env"), "given together with wrapped_by", "write file = \"…\" instead");
        }
        let file = reader.require(&key("file"), "file = \"…\", the file with the wrapped key");
        if !reader.has(&key("unwrap")) {
            reader.fault(&key("unwrap"), "missing", UNWRAP_EXPECTED);
        }
        let variables: Vec<String> = reader.get(&key("command_env")).unwrap_or_default();
        if variables.iter().any(|name| !is_variable(name)) {
            let instead = r#"write a list such as ["AWS_REGION"]; the values come from the environment"#;
            reader.fault(&key("command_env"), "has what is no name of a variable", instead);
        }
        let timeout = reader.lasting(&key("command_timeout"), TIMEOUT);
        let mut program = |name: &str| {
            let words: Vec<String> = reader.get(&key(name))?;
            let (path, arguments) = words.split_first()?;
            if !Path::new(path).is_absolute() {
                reader.fault(
                    &key(name),
                    "does not begin with the absolute path of a program",
                    UNWRAP_EXPECTED,
                );
            }
            let (path, arguments) = (path.into(), arguments.to_vec());
            Some(KeyProgram { path, arguments, variables: variables.clone(), timeout })
        };
        let (unwrap, wrap) = (program("unwrap"), program("wrap"));
        Some(Self { file: file?, unwrap: unwrap?, wrap })
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
