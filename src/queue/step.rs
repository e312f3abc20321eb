//! Runs jobs step by step, for tests.

use super::share::Load;
use super::slots::Slot;
use super::source::{Claimed, Handler, Source};

/// Claims one due row and runs its job. Returns whether there was one. It runs in the caller's
/// task, so a panic of the handler reaches the caller.
///
/// # Errors
/// The claim failed.
pub async fn run_one<S, H>(source: &S, handler: &H) -> Result<bool, S::Error>
where
    S: Source,
    H: Handler<S::Job>,
{
    let claimed = source.claim(1, &Load::default(), None).await?.claimed;
    let any = !claimed.is_empty();
    for Claimed { group, job } in claimed {
        handler.run(job, &mut Slot::of_its_own(group)).await;
    }
    Ok(any)
}

/// Runs due jobs one after another until none is due, and returns how many there were. A job that
/// its handler makes due again at once runs again, so a handler that always does so keeps this from
/// ending.
///
/// # Errors
/// A claim failed.
pub async fn drain<S, H>(source: &S, handler: &H) -> Result<usize, S::Error>
where
    S: Source,
    H: Handler<S::Job>,
{
    let mut count = 0;
    while run_one(source, handler).await? {
        count += 1;
    }
    Ok(count)
}
