//! The least SQL of one order, run by `pgbench`: what the same server does for a worker that does nothing else.

use std::path::PathBuf;
use std::process::Stdio;

use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::process::Command;
use url::Url;

use super::dir::BenchDirs;
use super::{BenchError, Options};

/// `pgbench`'s clients.
const CLIENTS: u32 = 32;
/// Orders of each.
const EACH: u32 = 250;

/// `pgbench`'s figure, and ours beside it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// Orders a second before the drain.
    pub before: f64,
    /// And after it.
    pub after: f64,
    /// The drain's rate by the mean of both.
    pub ratio: f64,
}

impl Bound {
    pub(super) fn new(before: f64, after: f64, drain: f64) -> Self {
        Self { before, after, ratio: drain / f64::midpoint(before, after) }
    }
}

/// Orders a second; `None` where it was not asked for.
pub(super) async fn measure(dirs: &BenchDirs, options: &Options) -> Result<Option<f64>, BenchError> {
    let (true, Some(url)) = (options.bound, &options.database) else { return Ok(None) };
    let program = pgbench().ok_or(BenchError::NoPgbench)?;
    let dir = dirs.make(Some(url)).await?;
    let Some(scratch) = &dir.scratch else { return Ok(None) };
    let script = dir.join("bound.sql");
    let bound = scratch.bound(CLIENTS * EACH).await?;
    std::fs::write(&script, bound.script).map_err(BenchError::io("write pgbench's script"))?;
    // The password not as an argument, which all users of the machine can see.
    let url = scratch.url();
    let mut url: Url = url.expose_secret().parse().map_err(|_| BenchError::Http("the URL cannot be read".into()))?;
    let password = url.password().unwrap_or_default().to_owned();
    let _ = url.set_password(None);
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--transactions={EACH}"))
        .arg("--file")
        .arg(script)
        .arg(url.as_str())
        .env("PGPASSWORD", password)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(BenchError::io("run pgbench"))?;
    dir.remove().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    let wrong = || {
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        BenchError::Process { what: "pgbench".into(), said: last }
    };
    rate.filter(|_| output.status.success()).map(Some).ok_or_else(wrong)
}

/// On PATH, or where Debian keeps it.
fn pgbench() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    std::env::split_paths(&path).chain(debian).map(|folder| folder.join("pgbench")).find(|file| file.is_file())
}
