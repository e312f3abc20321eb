//! apalis' [`Backend`] over a channel. The feeder claims rows and sends them here; this only passes
//! them to the worker.

use std::convert::Infallible;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tower::layer::util::Identity;

use super::slots::HeldClaim;
use super::source::Source;

/// A claimed job with its slot. Dropping it frees the slot.
pub(super) struct SlottedJob<S: Source> {
    pub(super) job: S::Job,
    pub(super) claim: HeldClaim<S::Id>,
}

/// The receiving end of the feeder's channel.
pub(super) struct Rows<S: Source>(pub(super) mpsc::Receiver<SlottedJob<S>>);

impl<S: Source> Backend for Rows<S> {
    type Task = Task<SlottedJob<S>>;
    /// It never fails, because the feeder retries by itself.
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.0.poll_recv(cx).map(|job| {
            if job.is_none() {
                // The worker stops this stream when it ends. If the stream ended earlier, jobs that
                // were claimed would stay in the channel, and nobody would give them back. It fails
                // only before the worker has started.
                let _ = worker.stop();
            }
            job.map(|job| Ok(Task::new(job)))
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

impl<S: Source> BackendConfig for Rows<S> {
    type Args = SlottedJob<S>;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
