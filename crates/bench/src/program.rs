//! The program that is measured: `klarna-order-worker`, built like this one. And others, on PATH.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::BenchError;

const NAME: &str = "klarna-order-worker";

/// Finds the program in the folder of this one, in the same profile. Under `cargo run` it is built
/// first, so that the present sources are measured.
///
/// # Errors
/// If it cannot be built or does not exist.
pub async fn find() -> Result<PathBuf, BenchError> {
    let own = std::env::current_exe().map_err(BenchError::io("find this program"))?;
    let program = own.with_file_name(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    if let Some(cargo) = std::env::var_os("CARGO") {
        build(Path::new(&cargo), &own).await?;
    }
    if program.is_file() { Ok(program) } else { Err(BenchError::NoProgram(program)) }
}

/// Looks for a program on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Builds it. `own` is the path of this program, `TARGET/PROFILE/bench`, which gives folder and
/// profile.
async fn build(cargo: &Path, own: &Path) -> Result<(), BenchError> {
    let folders = || Some((own.parent()?.parent()?, own.parent()?.file_name()?));
    let (target, profile) = folders().ok_or_else(|| BenchError::NoProgram(own.to_owned()))?;
    let profile = if profile == "debug" { "dev".as_ref() } else { profile };
    let status = Command::new(cargo)
        .args(["build", "--package", NAME, "--bin", NAME, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .arg("--profile")
        .arg(profile)
        .kill_on_drop(true)
        .status()
        .await
        .map_err(BenchError::io("run Cargo"))?;
    if status.success() { Ok(()) } else { Err(BenchError::NotBuilt) }
}
