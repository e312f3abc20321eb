//! Work in the background that needs no queue: its rows are few, and each attempt is made at once.

use std::collections::BTreeSet;
use std::mem;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::time::sleep;

/// Asks every `poll_interval` for the groups that have due rows, and works on each until nothing of
/// it is due. A slow group holds up no other one. `work` makes some attempts at rows of a group,
/// and returns how many. An error of either is given to `failed`, and the next poll follows. Never
/// ends.
pub async fn work_by_group<G: Ord + Clone, E, Due, Work>(
    poll_interval: Duration,
    due: impl Fn() -> Due,
    work: impl Fn(G) -> Work,
    failed: impl Fn(&E),
) where
    Due: Future<Output = Result<Vec<G>, E>>,
    Work: Future<Output = Result<usize, E>>,
{
    let (work, failed) = (&work, &failed);
    let (mut busy, mut working) = (BTreeSet::new(), FuturesUnordered::new());
    let mut pause = Duration::ZERO;
    loop {
        let before = mem::replace(&mut pause, poll_interval);
        let mut polling = pin!(async {
            sleep(before).await;
            due().await
        });
        let found = loop {
            tokio::select! {
                Some(group) = working.next() => busy.remove(&group),
                found = &mut polling => break found,
            };
        };
        let found = found.unwrap_or_else(|error| {
            failed(&error);
            Vec::new()
        });
        for group in found {
            if busy.insert(group.clone()) {
                working.push(async move {
                    if let Err(error) = work_off(group.clone(), work).await {
                        failed(&error);
                    }
                    group
                });
            }
        }
    }
}

/// Works once on the groups that have due rows, until nothing of them is due. Returns the number of
/// attempts.
///
/// # Errors
/// An error of `work`. The other groups are worked on all the same.
pub async fn work_on_groups<G: Clone, E, Work>(groups: Vec<G>, work: impl Fn(G) -> Work) -> Result<usize, E>
where
    Work: Future<Output = Result<usize, E>>,
{
    let work = &work;
    let done = join_all(groups.into_iter().map(|group| work_off(group, work))).await;
    done.into_iter().sum()
}

async fn work_off<G: Clone, E, Work>(group: G, work: &impl Fn(G) -> Work) -> Result<usize, E>
where
    Work: Future<Output = Result<usize, E>>,
{
    let mut attempts = 0;
    loop {
        match work(group.clone()).await? {
            0 => return Ok(attempts),
            more => attempts += more,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn neither_a_slow_group_nor_an_error_holds_up_another_group() {
        let left = Cell::new(3);
        let errors = RefCell::new(Vec::new());
        let calls = Cell::new(0);
        let due = async || {
            calls.set(calls.get() + 1);
            if calls.get() == 2 { Err("no database") } else { Ok(vec!["slow", "broken", "quick"]) }
        };
        let work = async |group: &'static str| match group {
            "slow" => pending().await,
            "broken" => Err("no row"),
            _ if left.get() == 0 => Ok(0),
            _ => {
                left.set(left.get() - 1);
                Ok(1)
            }
        };
        let working = work_by_group(Duration::ZERO, due, work, |error| errors.borrow_mut().push(*error));
        let all_is_seen = async {
            while left.get() > 0 || calls.get() < 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = working => unreachable!("it never ends"),
            () = all_is_seen => {}
        }
        let errors = errors.into_inner();
        assert_eq!(errors[..2], ["no row", "no database"]);
        assert!(errors[2..].iter().all(|error| *error == "no row"), "the broken group is tried again");
    }

    #[tokio::test]
    async fn once_is_until_nothing_is_due() {
        let left = RefCell::new([2, 0, 3]);
        let work = async |group: usize| {
            let left = &mut left.borrow_mut()[group];
            let some = (*left).min(2);
            *left -= some;
            Ok::<_, ()>(some)
        };
        assert_eq!(work_on_groups(vec![0, 1, 2], work).await, Ok(5));
    }
}
