//! Reads secrets from the settings file, from environment variables, or from files of their own.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::layers::Given;
use super::reader::Reader;
use super::setting::OneOrTwo;
use crate::bounded;

/// The most bytes of a file with a secret.
const LARGEST: usize = 64 * 1024;

impl Reader {
    /// Returns which of the keys, which exclude each other, is given: its index in `keys` and its
    /// value.
    ///
    /// A variable replaces any form in the file, so that the file of a container image can be
    /// overridden.
    pub(super) fn one_of(&mut self, section: &str, keys: &[&str]) -> Option<(usize, SecretString)> {
        let paths: Vec<String> = keys.iter().map(|key| format!("{section}.{key}")).collect();
        let chosen = self.chosen(&paths)?;
        Some((chosen, self.get(&paths[chosen])?))
    }

    /// The index in `paths` of the key that counts.
    fn chosen(&mut self, paths: &[String]) -> Option<usize> {
        self.known.extend(paths.iter().cloned());
        let is_variable =
            |path: &String| self.layers.get(path).is_some_and(|given| given.variable().is_some());
        let variables_only = paths.iter().any(is_variable);
        let mut given =
            (0..paths.len()).filter(|&i| self.has(&paths[i]) && (!variables_only || is_variable(&paths[i])));
        let chosen = given.next()?;
        if let Some(other) = given.next() {
            self.fault(
                &paths[other],
                format!("given together with {}", paths[chosen]),
                "leave one of them out",
            );
            return None;
        }
        Some(chosen)
    }

    /// A secret under `key`, `key_env` or `key_file`; `None` if none is given, or it is invalid and
    /// recorded as a fault.
    pub(super) fn secret(&mut self, section: &str, key: &str) -> Option<SecretString> {
        let [env_key, file_key] = [format!("{key}_env"), format!("{key}_file")];
        self.note_secret(&format!("{section}.{key}"));
        match self.one_of(section, &[key, &env_key, &file_key])? {
            (0, secret) => Some(secret),
            (1, name) => self.secret_of_variable(&format!("{section}.{env_key}"), &name),
            (_, path) => self.secret_of_file(&format!("{section}.{file_key}"), &path),
        }
    }

    /// Like [`Reader::secret`], for a key with several secrets, separated by white space in a
    /// variable or file.
    pub(super) fn secrets(&mut self, section: &str, key: &str) -> Option<Vec<SecretString>> {
        let paths = ["", "_env", "_file"].map(|form| format!("{section}.{key}{form}"));
        self.note_secret(&paths[0]);
        let form = self.chosen(&paths)?;
        if form == 0 {
            return self.get(&paths[0]);
        }
        let place = self.get(&paths[form])?;
        let text = match form {
            1 => self.secret_of_variable(&paths[1], &place),
            _ => self.secret_of_file(&paths[2], &place),
        }?;
        Some(text.expose_secret().split_whitespace().map(SecretString::from).collect())
    }

    /// Like [`Reader::secret`], for a key with one secret or a list of two; in a variable or file,
    /// each on a line of its own.
    pub(super) fn one_or_two(&mut self, section: &str, key: &str) -> Option<Vec<SecretString>> {
        let paths = ["", "_env", "_file"].map(|form| format!("{section}.{key}{form}"));
        let form = self.chosen(&paths)?;
        if form == 0 {
            return self.get::<OneOrTwo>(&paths[0]).map(|OneOrTwo(secrets)| secrets);
        }
        let place = self.get(&paths[form])?;
        let text = match form {
            1 => self.secret_of_variable(&paths[1], &place),
            _ => self.secret_of_file(&paths[2], &place),
        }?;
        let lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<SecretString> = lines.map(SecretString::from).collect();
        if secrets.len() > 2 {
            self.fault(
                &paths[form],
                "that has more than two lines",
                "write one secret, or two on a line each",
            );
            return None;
        }
        Some(secrets)
    }

    /// Notes a key whose value is a secret, if the settings file has the value itself.
    pub(super) fn note_secret(&mut self, key: &str) {
        if matches!(self.layers.get(key), Some(Given::File(_))) {
            self.secrets_within.insert(key.to_owned());
        }
    }

    /// Whether a secret is given in any of its forms, by a variable (`Some(true)`) or in the file
    /// (`Some(false)`).
    pub(super) fn secret_source(&self, section: &str, key: &str) -> Option<bool> {
        let forms = ["", "_env", "_file"].map(|form| format!("{section}.{key}{form}"));
        forms.iter().filter_map(|path| Some(self.layers.get(path)?.variable().is_some())).max()
    }

    /// Records a fault if a secret is given in none of its forms.
    pub(super) fn require_source(&mut self, section: &str, key: &str) {
        if self.secret_source(section, key).is_none() {
            let path = format!("{section}.{key}");
            self.fault(&path, "missing", format!("write it, or {key}_env or {key}_file"));
        }
    }

    /// The content of the variable that `key` names. The name is never shown, because it may be the
    /// secret itself by mistake.
    pub(super) fn secret_of_variable(&mut self, key: &str, name: &SecretString) -> Option<SecretString> {
        let found = self.layers.variable(name.expose_secret()).map(str::trim).unwrap_or_default();
        if found.is_empty() {
            self.fault(
                key,
                "the environment variable that it names is not set, or is empty",
                "name a variable that is set",
            );
            return None;
        }
        Some(found.into())
    }

    /// The trimmed content of the file that `key` names.
    pub(super) fn secret_of_file(&mut self, key: &str, path: &SecretString) -> Option<SecretString> {
        let wrong = match bounded::read_text(Path::new(path.expose_secret()), LARGEST) {
            Ok(text) if text.trim().is_empty() => "that file is empty".to_owned(),
            Ok(text) => {
                self.secret_files.insert(key.to_owned(), path.expose_secret().into());
                let secret: SecretString = text.trim().into();
                self.secrets_of_files.insert(key.to_owned(), secret.clone());
                return Some(secret);
            }
            Err(error) => format!("that file cannot be read ({})", error.kind()),
        };
        self.fault(key, wrong, "name a file that contains only the secret");
        None
    }
}
