//! Measures one run of the keeper over tokens that expire soon.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::{BenchError, Options, rate};

/// The age of the tokens: all are due, and none has expired.
const AGE: Duration = Duration::from_hours(24 * 45);

/// The rate of one keeper run.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// Tokens that were due.
    pub tokens: u64,
    /// From the first exchange to the end of the sweep.
    pub seconds: f64,
    /// Tokens a second.
    pub per_second: f64,
}

impl Sweep {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let tokens = options.tokens;
        let env =
            BenchEnv::prepare(databases, options, Workload { age: AGE, ..Workload::new(tokens, options) })
                .await?;
        let begun = async {
            while env.shop.stats().await?.exchanges.total == 0 {
                sleep(Duration::from_millis(2)).await;
            }
            Ok::<_, BenchError>(Instant::now())
        };
        let sweep = async { env.refresh().await?.end().await };
        let (begun, _) = tokio::try_join!(begun, sweep)?;
        let seconds = begun.elapsed().as_secs_f64();
        let rotated = env.shop.stats().await?.exchanges.rotated;
        env.tear_down().await?;
        if rotated != tokens {
            return Err(BenchError::Unclean(format!("{rotated} of {tokens} due tokens were refreshed")));
        }
        Ok(Self { tokens, seconds, per_second: rate(tokens, seconds) })
    }
}
