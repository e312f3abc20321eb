//! Processes a backlog in turns with another worker for the same job: a plain one on
//! graphile-worker, in Node (`others/graphile-worker`). Each turn has a new database on the same
//! server, and a new stand-in for Klarna.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use sqlx::Connection;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::sleep;
use uuid::Uuid;

use crate::dir::Databases;
use crate::drain::{Drain, STUCK, clean, watch};
use crate::env::{API_CREDENTIALS, BenchEnv, CLIENT_ID, Workload};
use crate::process::Program;
use crate::program::on_path;
use crate::{BenchError, Options, per, rate};

/// The files of the other worker. They are in this program, so that nothing is installed in the
/// repository.
const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("../others/graphile-worker/package.json")),
    ("package-lock.json", include_str!("../others/graphile-worker/package-lock.json")),
    (WORKER, include_str!("../others/graphile-worker/worker.mjs")),
];
const WORKER: &str = "worker.mjs";
const UNFINISHED: &str = "SELECT EXISTS (SELECT FROM orders WHERE status <> 'submitted')";

/// Both workers' drains.
#[derive(Clone, Debug, Serialize)]
pub struct Compare {
    /// The other worker's library, with its version.
    pub with: String,
    /// The version of Node.
    pub node: String,
    /// Orders in each backlog, each of a different user.
    pub orders: u64,
    /// Orders that each worker processes at once.
    pub concurrency: usize,
    /// The turns, in their order.
    pub turns: Vec<Turn>,
    /// The median of the turns' ratios.
    pub ratio: f64,
}

/// A drain of ours, and then one of the other worker.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    /// Ours.
    pub ours: Side,
    /// The other worker's.
    pub other: Side,
    /// Our rate divided by the other's.
    pub ratio: f64,
}

/// The measurement of one drain.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Side {
    /// Orders a second, from the first exchange to the last result on disk.
    pub per_second: f64,
    /// Processor time of the worker for an order, in milliseconds; without the start of Node.
    pub cpu_ms: f64,
    /// Peak memory of the worker, in KiB.
    pub peak_memory_kb: u64,
}

impl Compare {
    /// Checks that everything is there that [`Compare::run`] needs.
    ///
    /// # Errors
    /// If there is no server, Node or npm.
    pub fn check(options: &Options) -> Result<(), BenchError> {
        options.database.as_ref().ok_or(BenchError::NoServer)?;
        Tools::find().map(drop)
    }

    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let node = Node::install().await?;
        let workload = Workload::new(options.orders, options);
        let mut turns = Vec::new();
        for turn in 0..options.turns {
            // Each goes first as often as the other.
            let (ours, other) = if turn % 2 == 0 {
                let ours = ours(databases, options, workload).await?;
                (ours, node.drain(databases, options, workload).await?)
            } else {
                let other = node.drain(databases, options, workload).await?;
                (ours(databases, options, workload).await?, other)
            };
            turns.push(Turn { ours, other, ratio: ours.per_second / other.per_second });
        }
        Ok(Self {
            with: node.library,
            node: node.version,
            orders: workload.users,
            concurrency: workload.concurrency,
            ratio: median(&turns.iter().map(|turn| turn.ratio).collect::<Vec<_>>()),
            turns,
        })
    }
}

async fn ours(databases: &Databases, options: &Options, workload: Workload) -> Result<Side, BenchError> {
    let drain = Drain::run(databases, options, workload).await?;
    Ok(Side { per_second: drain.per_second, cpu_ms: drain.cpu_ms, peak_memory_kb: drain.peak_memory_kb })
}

/// Returns the median; 0 of none.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) =
        (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2))
    else {
        return 0.0;
    };
    f64::midpoint(*low, *high)
}

/// What runs JavaScript and installs its packages.
struct Tools {
    node: PathBuf,
    npm: PathBuf,
}

impl Tools {
    fn find() -> Result<Self, BenchError> {
        let find = |name| on_path(name).ok_or(BenchError::NoNode(name));
        Ok(Self { node: find("node")?, npm: find("npm")? })
    }
}

/// The other worker, installed in a temporary folder.
struct Node {
    folder: TempDir,
    program: PathBuf,
    version: String,
    library: String,
}

impl Node {
    /// Writes the worker's files to a temporary folder, and lets npm install there what they need.
    async fn install() -> Result<Self, BenchError> {
        let Tools { node, npm } = Tools::find()?;
        let version = output(Command::new(&node).arg("--version")).await?;
        let folder = tempfile::Builder::new().prefix("klarna-order-worker-bench-node-").tempdir();
        let folder = folder.map_err(BenchError::io("make a temporary folder"))?;
        for (name, text) in FILES {
            let written = std::fs::write(folder.path().join(name), text);
            written.map_err(BenchError::io(format!("write {name}")))?;
        }
        let options = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        output(Command::new(npm).args(options).current_dir(folder.path())).await?;
        let package: Value = serde_json::from_str(FILES[0].1).unwrap_or_default();
        let library = package["dependencies"]["graphile-worker"].as_str().unwrap_or_default();
        Ok(Self { folder, program: node, version, library: format!("graphile-worker {library}") })
    }

    /// Processes a backlog as [`Drain::run`] does.
    async fn drain(
        &self,
        databases: &Databases,
        options: &Options,
        workload: Workload,
    ) -> Result<Side, BenchError> {
        let orders = workload.users;
        let env = BenchEnv::start(databases, options, workload).await?;
        env.write_orders(orders, |number| format!("u-{number}"))?;
        let mut program = Program::another(&self.program, env.dir.folder());
        for (variable, value) in [
            ("DATABASE_URL", env.dir.url()),
            ("KLARNA_URL", env.klarna_url()),
            ("CLIENT_ID", CLIENT_ID.to_owned()),
            ("API_USERNAME", API_CREDENTIALS.to_owned()),
            ("API_PASSWORD", API_CREDENTIALS.to_owned()),
            ("TOKEN_KEY", format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())),
            ("CONCURRENCY", workload.concurrency.to_string()),
            ("NODE_ENV", "production".to_owned()),
        ] {
            program.set(variable, value);
        }
        let script = self.folder.path().join(WORKER);
        let script = text_of(&script)?;
        program.run(&[script, "fill"]).await?;
        let worker = program.start(&[script, "run"]).await?;
        let started = worker.usage();
        let progress = watch(&env, orders).await?;
        settled(&env, orders).await?;
        let seconds = progress.begun.elapsed().as_secs_f64();
        let usage = worker.usage();
        clean(&env, orders).await?;
        worker.stop().await?;
        env.tear_down().await?;
        Ok(Side {
            per_second: rate(orders, seconds),
            cpu_ms: per(usage.cpu_ms.saturating_sub(started.cpu_ms), orders),
            peak_memory_kb: usage.peak_memory_kb,
        })
    }
}

/// Waits until the other worker has stored every result.
async fn settled(env: &BenchEnv, orders: u64) -> Result<(), BenchError> {
    let begun = Instant::now();
    let Some(scratch) = &env.dir.scratch else { return Err(BenchError::NoServer) };
    let mut database = scratch.connect().await?;
    while sqlx::query_scalar::<_, bool>(UNFINISHED).fetch_one(&mut database).await? {
        if begun.elapsed() > STUCK {
            return Err(BenchError::Unclean(format!("some of {orders} orders never ended in Node")));
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok(database.close().await?)
}

fn text_of(path: &Path) -> Result<&str, BenchError> {
    let error =
        || BenchError::io(format!("read {}", path.display()))(std::io::ErrorKind::InvalidFilename.into());
    path.to_str().ok_or_else(error)
}

/// Runs a command to its end and returns the first line of its output.
async fn output(command: &mut Command) -> Result<String, BenchError> {
    let what = command.as_std().get_program().display().to_string();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(BenchError::io(format!("run {what}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(BenchError::Process { what, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_two() {
        for (figures, expected) in [
            (&[][..], 0.0),
            (&[2.0], 2.0),
            (&[3.0, 1.0], 2.0),
            (&[9.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 2.0, 9.0], 3.0),
        ] {
            assert!((median(figures) - expected).abs() < f64::EPSILON, "{figures:?}");
        }
    }

    #[test]
    fn the_other_worker_is_pinned_and_no_registry_is_named() {
        let [(_, package), (_, lock), (_, worker)] = FILES;
        let [package, lock]: [Value; 2] = [package, lock].map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(lock["packages"][""]["dependencies"], package["dependencies"]);
        for (name, version) in package["dependencies"].as_object().unwrap() {
            let version = version.as_str().unwrap();
            assert!(
                version.chars().all(|character| character.is_ascii_digit() || character == '.'),
                "{name}"
            );
            assert_eq!(lock["packages"][format!("node_modules/{name}")]["version"], version, "{name}");
            assert!(worker.contains(&format!("from '{name}'")), "{name}");
        }
        for (name, package) in lock["packages"].as_object().unwrap() {
            assert!(package.get("resolved").is_none(), "{name}");
            assert!(name.is_empty() || package["integrity"].is_string(), "{name}");
        }
    }
}
