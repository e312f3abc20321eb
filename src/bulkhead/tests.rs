use futures::FutureExt as _;
use proptest::prelude::*;

use super::*;

fn name(name: &str) -> MerchantName {
    name.into()
}

fn take_all(bulkhead: &Bulkhead, merchant: &str) -> Vec<BulkheadPermit> {
    std::iter::from_fn(|| bulkhead.try_take(&name(merchant))).collect()
}

#[test]
fn each_merchant_leaves_a_quarter_of_what_it_finds() {
    let bulkhead = Bulkhead::new(64, false);
    let taken: Vec<_> =
        ["a", "b", "c", "d"].into_iter().map(|merchant| take_all(&bulkhead, merchant)).collect();
    assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [48, 12, 3, 1]);
    assert_eq!(bulkhead.used(), 64);
    assert_eq!(bulkhead.full(), ["a", "b", "c", "d"].map(name));
}

#[test]
fn a_lone_merchant_takes_all_and_a_first_permit_is_never_refused() {
    assert_eq!(take_all(&Bulkhead::new(64, true), "a").len(), 64);
    for permits in 1..6 {
        let bulkhead = Bulkhead::new(permits, false);
        let first = take_all(&bulkhead, "a");
        assert!((1..permits.max(2)).contains(&first.len()), "{} of {permits}", first.len());
        assert_eq!(bulkhead.try_take(&name("b")).is_some(), permits > 1, "of {permits}");
    }
}

#[test]
fn permits_go_to_whoever_came_first_past_those_with_their_share() {
    let bulkhead = Bulkhead::new(4, false);
    let mut of_a = take_all(&bulkhead, "a");
    let of_b = bulkhead.try_take(&name("b")).unwrap();
    let [slow, other, third] = ["a", "b", "c"].map(name);
    let (mut slow, mut other, mut third) =
        (bulkhead.take(&slow).boxed(), bulkhead.take(&other).boxed(), bulkhead.take(&third).boxed());
    for waiting in [&mut slow, &mut other, &mut third] {
        assert!(waiting.now_or_never().is_none());
    }
    drop(of_a.pop());
    // The first two have permits already, and the last free one is for those who have none.
    assert!((&mut slow).now_or_never().is_none() && (&mut other).now_or_never().is_none());
    let of_c = (&mut third).now_or_never().unwrap();
    drop((of_c, of_b));
    assert!((&mut slow).now_or_never().is_some());
    assert!((&mut other).now_or_never().is_some());
}

#[test]
fn patient_callers_come_last_and_one_that_left_is_passed() {
    let bulkhead = Bulkhead::new(1, true);
    let permit = bulkhead.try_take(&name("a")).unwrap();
    let merchant = name("a");
    let mut patient = bulkhead.take_last(&merchant).boxed();
    let mut left = bulkhead.take(&merchant).boxed();
    let mut urgent = bulkhead.take(&merchant).boxed();
    for waiting in [&mut patient, &mut left, &mut urgent] {
        assert!(waiting.now_or_never().is_none());
    }
    drop(left);
    drop(permit);
    assert!((&mut patient).now_or_never().is_none());
    drop((&mut urgent).now_or_never().unwrap());
    assert!((&mut patient).now_or_never().is_some());
}

#[test]
fn a_permit_that_was_granted_and_not_fetched_is_not_lost() {
    let bulkhead = Bulkhead::new(1, true);
    let permit = bulkhead.try_take(&name("a")).unwrap();
    let merchant = name("a");
    let mut waiting = bulkhead.take(&merchant).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    drop(permit);
    drop(waiting);
    assert_eq!(bulkhead.used(), 0);
}

#[test]
fn what_is_reserved_is_kept_from_others_until_it_is_released() {
    let bulkhead = Bulkhead::new(3, true);
    let mut reservation = bulkhead.reserve().unwrap();
    assert!(bulkhead.reserve().is_none() && bulkhead.try_take(&name("a")).is_none());
    let permit = reservation.give(&name("a")).unwrap();
    assert_eq!((reservation.permits(), bulkhead.held()), (2, BTreeMap::from([(name("a"), 1)])));
    let merchant = name("a");
    let mut waiting = bulkhead.take(&merchant).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    drop(reservation);
    assert!((&mut waiting).now_or_never().is_some());
    drop((permit, bulkhead.take_anyway(&merchant)));
    assert_eq!((bulkhead.used(), bulkhead.held().len()), (0, 0));
}

proptest! {
    /// Whatever merchants take and give back, no permit is lost or made, and nobody waits for a
    /// permit that it may have.
    #[test]
    fn permits_are_kept_account_of(
        permits in 1_usize..12,
        steps in proptest::collection::vec((0_usize..4, 0_usize..3, any::<bool>()), 1..80),
    ) {
        let bulkhead = Bulkhead::new(permits, false);
        let merchants = ["a", "b", "c"].map(name);
        let (mut taken, mut waiting) = (Vec::new(), Vec::new());
        for (what, who, last) in steps {
            let merchant = merchants[who].clone();
            match what {
                0 => taken.extend(bulkhead.try_take(&merchant)),
                1 => {
                    let bulkhead = bulkhead.clone();
                    waiting.push(async move {
                        if last { bulkhead.take_last(&merchant).await } else { bulkhead.take(&merchant).await }
                    }.boxed());
                }
                2 if !taken.is_empty() => drop(taken.swap_remove(who % taken.len())),
                3 if !waiting.is_empty() => drop(waiting.swap_remove(who % waiting.len())),
                _ => {}
            }
            waiting.retain_mut(|waiter| match waiter.now_or_never() {
                Some(permit) => {
                    taken.push(permit);
                    false
                }
                None => true,
            });
            prop_assert_eq!(bulkhead.used(), taken.len());
            prop_assert_eq!(bulkhead.held().values().sum::<usize>(), taken.len());
            prop_assert!(taken.len() <= permits);
            let full = bulkhead.full();
            let state = bulkhead.lock();
            for waiter in state.waiting.iter().flatten() {
                let may = may_take(
                    state.held.get(&waiter.merchant).copied().unwrap_or_default(), permits - state.used, false,
                );
                prop_assert!(waiter.granted.is_closed() || !may, "{} waits, and {full:?} are full", waiter.merchant);
            }
        }
    }
}
