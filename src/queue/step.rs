//! The queue by hand: tests step through jobs instead of polling a worker that runs beside them.

use std::collections::BTreeMap;

use super::source::{Claimed, Handler, Source};

/// Claims one due row and works on it; whether there was one. Runs within the caller's task, so a panic of the handler
/// is the caller's.
///
/// # Errors
/// Whatever the source answers to the claim.
pub async fn run_one<S, H>(source: &S, handler: &H) -> Result<bool, S::Error>
where
    S: Source,
    H: Handler<S::Job>,
{
    let claimed = source.claim(1, &BTreeMap::new(), None).await?.claimed;
    let any = !claimed.is_empty();
    for Claimed { job, .. } in claimed {
        handler.run(job).await;
    }
    Ok(any)
}

/// Works on due rows one after another until none is due; how many there were. A row that its handler makes due again at
/// once is worked on again, so a handler that does so every time never lets this end.
///
/// # Errors
/// Whatever the source answers to a claim.
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
