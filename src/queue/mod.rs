//! A durable job queue over rows of a database. It is generic: it knows neither orders nor SQL.
//!
//! The row is the job. A job that is due is *claimed* (one update that gives it to this worker
//! under a new claim number), *run* by a handler, and *settled* (the handler writes its result, its
//! next attempt or its end into the same row). There is no second table to keep in step, and no
//! acknowledgement that could be lost.
//!
//! ```text
//!            Wake ──► feeder ──claim──► Source (the rows)
//!   due time, poll ─►   │                  ▲
//!                       │ jobs, each with  │ settle: done, retry at, snooze, fail
//!                       │ its slot         │
//!                       ▼                  │
//!                    apalis' worker ──► Handler        Heartbeat ──► WorkerRows
//! ```
//!
//! # Use
//!
//! 1. Implement [`Source`] for where the rows are: `claim`, `next_due`, `give_back`, `claims`,
//!    `recover`.
//! 2. Implement [`Handler`] for the work on one job. It settles the job before it returns.
//! 3. Start it with [`Queue::start`], and stop it with [`Running::stop`].
//!
//! ```
//! use std::collections::VecDeque;
//! use std::convert::Infallible;
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//!
//! use async_trait::async_trait;
//! use klarna_order_worker::queue::{
//!     ClaimBatch, Claimed, Handler, Load, Options, Queue, Slot, Source, Stopped, Wake,
//! };
//! use tokio::sync::mpsc;
//!
//! /// Rows in memory; those that are here are due.
//! #[derive(Default)]
//! struct Greetings(Mutex<VecDeque<String>>);
//!
//! #[async_trait]
//! impl Source for Greetings {
//!     type Job = String;
//!     type Id = String;
//!     type Error = Infallible;
//!
//!     fn id(job: &String) -> String {
//!         job.clone()
//!     }
//!
//!     async fn claim(
//!         &self,
//!         free: usize,
//!         _load: &Load,
//!         _recent: Option<Duration>,
//!     ) -> Result<ClaimBatch<String>, Infallible> {
//!         let mut due = self.0.lock().unwrap();
//!         let count = free.min(due.len());
//!         let claimed = due.drain(..count).map(|job| Claimed { group: "all".into(), job }).collect();
//!         Ok(ClaimBatch::new(claimed, !due.is_empty()))
//!     }
//!
//!     async fn next_due(&self) -> Result<Option<Duration>, Infallible> {
//!         Ok(None) // Each job is due from the beginning.
//!     }
//!
//!     async fn give_back(&self, jobs: Vec<String>) -> Result<(), Infallible> {
//!         self.0.lock().unwrap().extend(jobs);
//!         Ok(())
//!     }
//!
//!     async fn claims(&self) -> Result<Vec<String>, Infallible> {
//!         Ok(Vec::new()) // A claim in memory is never lost.
//!     }
//!
//!     async fn recover(&self, _lost: &[String]) -> Result<usize, Infallible> {
//!         Ok(0)
//!     }
//! }
//!
//! /// Sends each greeting on.
//! struct Greet(mpsc::UnboundedSender<String>);
//!
//! #[async_trait]
//! impl Handler<String> for Greet {
//!     async fn run(&self, job: String, _slot: &mut Slot) {
//!         let _ = self.0.send(format!("Hello {job}"));
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() {
//! let source = Arc::new(Greetings::default());
//! let (greet, mut greeted) = mpsc::unbounded_channel();
//! let wake = Wake::new();
//! let queue = Queue::start(Arc::clone(&source), Arc::new(Greet(greet)), Options::new("greetings", 4), &wake);
//!
//! source.0.lock().unwrap().push_back("Alma".to_owned());
//! wake.notify(); // Otherwise the next poll, at most a second later, finds the row.
//! assert_eq!(greeted.recv().await.as_deref(), Some("Hello Alma"));
//! assert_eq!(queue.stop(Duration::from_secs(5)).await, Stopped::Clean);
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Nothing claimed waits in a buffer.** A claim takes at most as many rows as there are free
//!   slots, so a crash leaves behind only jobs that were running.
//! - **Fair shares.** Free slots are shared among the groups that have due rows ([`share()`]), so
//!   one group's backlog does not delay the others. Where there are several groups, none uses all
//!   slots.
//! - **Waiting takes no slot.** A handler that waits for somebody else does so outside its slot
//!   ([`Slot::outside`]). A group of which very many jobs wait gets no more until some have gone
//!   on.
//! - **Wake-ups are never missed, and not needed.** A [`Wake`] between a claim and the wait after
//!   it ends that wait at once. Without any, the queue claims when the next row is due, and polls
//!   at least once a second.
//! - **An outage of the source ends nothing.** The queue tries again with growing pauses, and logs
//!   the outage once.
//! - **A panic of a handler ends nothing.** The row is recovered and runs again.
//! - **A new row can start at once.** Who inserts a row may insert it with a claim, in a slot that
//!   was taken before ([`DirectStarts`]). The same rules for slots apply, and nobody looks for the
//!   row.
//! - **A stop loses nothing.** Claimed jobs that have not started are given back, and running
//!   handlers are waited for, never cancelled.
//!
//! # Lost workers
//!
//! A process that dies leaves its claims in the rows. [`Heartbeat`] renews this worker's row
//! through a [`WorkerRows`] and reclaims the jobs of workers whose heartbeats stopped. A worker
//! that was wrongly considered lost registers again; its old claim numbers no longer match, so its
//! late results change nothing.
//!
//! # Without a queue
//!
//! [`work_by_group`] is for rows that are few and need neither slots nor a claim that outlives a
//! process: it works on what is due, group by group.
//!
//! # Tests
//!
//! [`run_one`] runs one due job in the caller's task, and [`drain`] runs all of them: a test steps
//! the queue instead of polling a worker beside it.

mod backend;
mod by_group;
mod direct;
mod feeder;
mod heartbeat;
mod share;
mod slots;
mod source;
mod step;
mod wake;
mod worker;

pub use by_group::{work_by_group, work_on_groups};
pub use direct::{DirectStart, DirectStarts};
pub use heartbeat::{Heartbeat, HeartbeatMonitor, HeartbeatOptions, HeartbeatOutcome, WorkerRows};
pub use share::{Load, share};
pub use slots::Slot;
pub use source::{ClaimBatch, Claimed, Handler, Source};
pub use step::{drain, run_one};
pub use wake::{Wake, WakeListener};
pub use worker::{Options, Queue, Running, Stopped};

#[cfg(test)]
mod tests;
