//! The settings as a whole, from texts and environments.

mod api_keys;
mod faults;
mod merchants;
mod reference;
mod reload;
mod secrets;
mod wrapped_keys;

use super::{ConfigError, Settings};

/// The smallest valid settings.
const LEAST: &str = r#"
installation = "test"
[merchants.shop]
region = "eu"
environment = "production"
client_id = "client"
checkout_provider = "klarna"
api_username = "user"
api_password = "password"
"#;

fn env<'a>(variables: &'a [(&str, &str)]) -> impl Iterator<Item = (String, String)> + 'a {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

/// The settings of [`LEAST`] with these variables.
fn with(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::parse("test", LEAST, env(variables))
}

/// Returns every fault of a text, as a user reads it.
fn faults(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match Settings::parse("test", text, env(variables)) {
        Err(ConfigError::Faults { faults, .. }) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("no faults, but {other:?}"),
    }
}

/// Returns the paths of the invalid keys.
fn faulty_keys(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    faults(text, variables).iter().map(|fault| fault.split([':', ' ']).next().unwrap().to_owned()).collect()
}
