//! The settings of a real process, with its own environment and working directory. Both belong to
//! the whole process, so each case runs this binary again in a process of its own.

use std::path::Path;
use std::process::Command;

use klarna_order_worker::config::Settings;

/// Set for the processes that the cases start.
const CHILD: &str = "SETTINGS_TEST_CHILD";

/// Reads this process's settings, as the other cases' child.
#[test]
fn the_shipped_file_is_found_in_the_working_directory() {
    let settings = Settings::load(None, std::env::vars());
    if std::env::var_os(CHILD).is_some() {
        match settings {
            Ok(settings) => println!("loaded {settings:?}"),
            Err(error) => println!("refused {error}"),
        }
        return;
    }
    assert_eq!(settings.unwrap().installation, "local");
}

fn load_in(folder: &Path, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "the_shipped_file_is_found_in_the_working_directory", "--nocapture"])
        .current_dir(folder)
        .env(CHILD, "1")
        .envs(variables.iter().copied());
    String::from_utf8(child.output().unwrap().stdout).unwrap()
}

#[test]
fn the_environment_alone_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let told = load_in(
        folder.path(),
        &[
            ("KLARNA_WORKER__INSTALLATION", "from-the-environment"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__REGION", "eu"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__ENVIRONMENT", "playground"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_PROVIDER", "kustom"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_ID", "client"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__API_USERNAME", "user"),
            ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_ENV", "PASSWORD"),
            ("PASSWORD", "password"),
        ],
    );
    assert!(told.contains(r#"loaded Settings { installation: "from-the-environment""#), "{told}");
}

#[test]
fn an_empty_folder_is_told_as_such() {
    let told = load_in(tempfile::tempdir().unwrap().path(), &[]);
    assert!(told.contains("refused settings (no config.toml in this folder"), "{told}");
    assert!(told.contains("merchants: none given; write a [merchants.<name>] section"), "{told}");
}

#[test]
fn the_environment_wins_over_the_file_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy("config.toml", folder.path().join("config.toml")).unwrap();
    let told = load_in(folder.path(), &[("KLARNA_WORKER__QUEUE__CONCURRENCY", "7")]);
    assert!(told.contains("concurrency: 7"), "{told}");
    assert!(told.contains(r#"installation: "local""#), "{told}");
}
