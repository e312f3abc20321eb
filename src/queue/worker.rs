//! Runs the queue: apalis' worker, fed with claimed rows.

use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::WorkerError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::event::Event;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::backend::{Rows, SlottedJob};
use super::direct::DirectStarts;
use super::feeder::{Feeder, RecoveryRequest, Stopping, give_back};
use super::slots::Slots;
use super::source::{Handler, Source};
use super::wake::Wake;
use crate::bulkhead::OnlyMerchant;

/// The options of a queue.
#[derive(Clone, Debug)]
pub struct Options {
    /// The maximum number of concurrent jobs, without those that wait
    /// [outside](super::Slot::outside) their slots; at least one.
    pub concurrency: usize,
    /// Whether there is only one group of jobs, which may have all slots. Otherwise none may.
    pub lone: OnlyMerchant,
    /// The maximum wait between two claims, if neither a wake-up nor a due time ends it earlier.
    pub poll: Duration,
    /// The queue's name in the log.
    pub name: String,
}

impl Options {
    /// Options for several groups, with a poll every second, in case wake-ups do not arrive.
    #[must_use]
    pub fn new(name: impl Into<String>, concurrency: usize) -> Self {
        Self { concurrency, lone: false.into(), poll: Duration::from_secs(1), name: name.into() }
    }
}

/// Starts queues: see [`Queue::start`].
#[derive(Debug)]
pub struct Queue;

impl Queue {
    /// Runs the due jobs of `source`, each in a task of its own, until [`Running::stop`]. Neither
    /// an outage of the source nor a panic of the handler ends it.
    ///
    /// Start only one queue for a source and worker, because [`Source::recover`] reclaims all rows
    /// of the worker that this queue does not run. Call it within a tokio runtime.
    pub fn start<S, H>(source: Arc<S>, handler: Arc<H>, options: Options, wake: &Wake) -> Running
    where
        S: Source,
        H: Handler<S::Job>,
    {
        Self::start_with_direct(source, handler, options, wake).0
    }

    /// As [`Queue::start`]. Also returns how to start jobs whose rows are inserted with a claim of
    /// this worker.
    pub fn start_with_direct<S, H>(
        source: Arc<S>,
        handler: Arc<H>,
        options: Options,
        wake: &Wake,
    ) -> (Running, DirectStarts<S>)
    where
        S: Source,
        H: Handler<S::Job>,
    {
        let concurrency = options.concurrency.max(1);
        let (stop, stopping) = watch::channel(false);
        let stopping = Stopping(stopping);
        let recovery = RecoveryRequest::default();
        let (jobs, rows) = mpsc::channel(concurrency);
        let slots = Slots::new(concurrency, options.lone.clone());
        let direct = DirectStarts {
            source: Arc::clone(&source),
            slots: slots.clone(),
            jobs: jobs.downgrade(),
            stopping: stopping.clone(),
            recovery: recovery.clone(),
            wake: wake.clone(),
        };
        let feeder = Feeder {
            source: Arc::clone(&source),
            slots,
            jobs,
            woken: wake.subscribe(),
            stopping: stopping.clone(),
            recovery: recovery.clone(),
            poll: options.poll,
            blocked: None,
            held_back: false,
        };
        let context = WorkerContext::new(&options.name);
        let events = build(&context, Rows(rows), source, handler, stopping.clone());
        tokio::spawn(feeder.run());
        let driver = tokio::spawn(drive(events, options.name, recovery, wake.clone(), stopping));
        (Running { stop, context, driver }, direct)
    }
}

/// apalis' worker as a stream of its events. It makes progress only while the stream is polled.
fn build<S, H>(
    context: &WorkerContext,
    rows: Rows<S>,
    source: Arc<S>,
    handler: Arc<H>,
    stopping: Stopping,
) -> BoxStream<'static, Result<Event, WorkerError>>
where
    S: Source,
    H: Handler<S::Job>,
{
    let work = move |SlottedJob { job, mut claim }: SlottedJob<S>| {
        let (source, handler, stopping) = (Arc::clone(&source), Arc::clone(&handler), stopping.clone());
        async move {
            // Dropped last, after the job is settled.
            if stopping.is_requested() {
                give_back(&*source, vec![job]).await;
            } else {
                handler.run(job, &mut claim.slot).await;
            }
            drop(claim);
        }
    };
    WorkerBuilder::new(context)
        .backend(rows)
        .catch_panic()
        .parallelize(tokio::spawn)
        .build(work)
        .stream()
        .boxed()
}

async fn drive(
    mut events: BoxStream<'static, Result<Event, WorkerError>>,
    name: String,
    recovery: RecoveryRequest,
    wake: Wake,
    stopping: Stopping,
) {
    while let Some(event) = events.next().await {
        // The error's text is left out: it may be a panic's message, and that may hold a secret.
        match event {
            Ok(Event::Error(_)) => {
                tracing::error!(queue = name, "A job's handler panicked; the job is tried again");
                recovery.raise();
                wake.notify();
            }
            Err(_) => tracing::error!(queue = name, "The queue's worker reported an error"),
            Ok(_) => {}
        }
    }
    if !stopping.is_requested() {
        tracing::error!(queue = name, "The queue ended unexpectedly");
    }
}

/// A running queue. Dropping it stops claiming; running handlers continue.
#[must_use = "a queue stops feeding when this is dropped"]
pub struct Running {
    stop: watch::Sender<bool>,
    context: WorkerContext,
    driver: JoinHandle<()>,
}

/// How a queue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every started job has ended, and every other claimed row was released.
    Clean,
    /// The grace was over first. This many jobs are still running; they continue while the process
    /// runs.
    Abandoned(usize),
}

impl Running {
    /// How many jobs are running.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.context.task_count()
    }

    /// Whether the queue is running. It ends only on a stop, or by a defect.
    pub fn going(&self) -> impl Fn() -> bool + Send + 'static + use<> {
        let driver = self.driver.abort_handle();
        move || !driver.is_finished()
    }

    /// Claims nothing more, releases claimed rows whose jobs have not started, and waits up to
    /// `grace` for running jobs. Nothing is cancelled: not when the grace is over, and not when the
    /// returned future is dropped (the hard stop).
    pub async fn stop(self, grace: Duration) -> Stopped {
        self.stop.send_replace(true);
        match tokio::time::timeout(grace, self.driver).await {
            Ok(_) => Stopped::Clean,
            Err(_) => Stopped::Abandoned(self.context.task_count()),
        }
    }
}
