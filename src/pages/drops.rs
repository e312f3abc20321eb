//! Log lines that were dropped, as the strip on the overview tells of them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use maud::html;
use tokio::time::Instant;

use super::attention::Item;
use super::pieces::number;
use crate::meter;

/// How long it is told that log lines were dropped.
const DROPPED_FOR: Duration = Duration::from_hours(1);

/// When log lines were last seen to be dropped.
#[derive(Default)]
pub(super) struct Drops(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// How many in all.
    lines: u64,
    /// When this number last rose.
    at: Option<Instant>,
}

impl Drops {
    pub(super) fn item(&self) -> Option<Item> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = meter::log_lines_dropped();
        if lines > seen.lines {
            *seen = Seen { lines, at: Some(Instant::now()) };
        }
        seen.at.filter(|at| at.elapsed() < DROPPED_FOR).map(|_| Item {
            tone: "warn",
            title: "Log lines were dropped".to_owned(),
            about: html! {
                (number(lines)) " since this process started, because standard error was not read fast enough."
            },
            href: "/#workers".to_owned(),
        })
    }
}
