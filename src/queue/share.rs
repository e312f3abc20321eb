//! Shares free slots among groups, so that one group's backlog does not delay the others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::bulkhead::may_take;
use crate::ids::MerchantName;

/// What runs in this process when free slots are shared.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// How many slots each group uses.
    pub running: BTreeMap<MerchantName, usize>,
    /// Groups of which so many jobs wait [outside](super::Slot::outside) that no more are claimed.
    pub full: BTreeSet<MerchantName>,
    /// Whether there is only one group. Otherwise no group may use all slots.
    pub lone: bool,
}

/// Shares `free` slots among the groups in `waiting`. Each slot goes to the group that has the
/// fewest at that moment.
///
/// While `n` groups wait, no group gets a slot that takes it above `ceil(slots / n)`, where `slots`
/// counts free and used ones. A group whose own backlog is all that waits gets three quarters, so
/// that a newcomer finds a free slot at once ([`may_take`]); a lone group gets all. Ties go in
/// turn, starting at group `round` modulo the number of groups: add one with each call, so that a
/// single free slot goes round.
#[must_use]
pub fn share(
    free: usize,
    load: &Load,
    waiting: &[MerchantName],
    round: usize,
) -> BTreeMap<MerchantName, usize> {
    let groups: BTreeSet<&MerchantName> =
        waiting.iter().filter(|group| !load.full.contains(*group)).collect();
    let groups: Vec<&MerchantName> = groups.into_iter().collect();
    let mut shares = BTreeMap::new();
    if groups.is_empty() {
        return shares;
    }
    let first = round % groups.len();
    let mut levels: BinaryHeap<_> = (0..groups.len())
        .map(|turn| {
            let group = groups[(first + turn) % groups.len()];
            Reverse((load.running.get(group).copied().unwrap_or(0), turn, group))
        })
        .collect();
    for left in (1..=free).rev() {
        if let Some(mut lowest) = levels.peek_mut() {
            let Reverse((level, _, group)) = &mut *lowest;
            if !may_take(*level, left, load.lone) {
                break;
            }
            *level += 1;
            *shares.entry((*group).clone()).or_insert(0) += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<MerchantName> {
        (0..count).map(|n| format!("m{n:02}").into()).collect()
    }

    fn load(running: BTreeMap<MerchantName, usize>) -> Load {
        Load { running, ..Load::default() }
    }

    #[test]
    fn a_lone_group_takes_all_and_one_among_others_three_quarters() {
        let lone = Load { lone: true, ..Load::default() };
        assert_eq!(share(8, &lone, &names(1), 3), BTreeMap::from([("m00".into(), 8)]));
        assert_eq!(share(8, &Load::default(), &names(1), 3), BTreeMap::from([("m00".into(), 6)]));
    }

    #[test]
    fn a_group_with_too_many_jobs_outside_gets_none() {
        let full = Load { full: BTreeSet::from(["m00".into()]), lone: true, ..Load::default() };
        assert_eq!(share(8, &full, &names(2), 0), BTreeMap::from([("m01".into(), 8)]));
        assert!(share(8, &full, &names(1), 0).is_empty());
    }

    #[test]
    fn nobody_waiting_gets_nothing() {
        assert!(share(8, &Load::default(), &[], 3).is_empty());
    }

    #[test]
    fn a_newcomer_catches_up_with_the_one_who_had_all() {
        let load = load(BTreeMap::from([("m00".into(), 7)]));
        assert_eq!(share(3, &load, &names(2), 0), BTreeMap::from([("m01".into(), 2)]));
    }

    #[test]
    fn a_single_slot_goes_round() {
        let takers: Vec<MerchantName> =
            (0..4).flat_map(|round| share(1, &Load::default(), &names(3), round).into_keys()).collect();
        assert_eq!(takers, ["m00", "m01", "m02", "m00"]);
    }

    proptest! {
        #[test]
        fn shares_are_fair_and_nothing_is_kept_for_nobody(
            free in 0_usize..100,
            levels in proptest::collection::vec(0_usize..20, 1..12),
            waiters in 1_usize..12,
            round: usize,
            lone: bool,
        ) {
            let running: BTreeMap<_, _> = names(levels.len()).into_iter().zip(levels).collect();
            let waiting = names(waiters);
            let shares = share(free, &Load { lone, ..load(running.clone()) }, &waiting, round);

            let given = shares.values().sum::<usize>();
            prop_assert!(shares.keys().all(|group| waiting.contains(group)));

            let slots = free + running.values().sum::<usize>();
            let after = |group: &MerchantName| {
                running.get(group).unwrap_or(&0) + shares.get(group).unwrap_or(&0)
            };
            let lowest = waiting.iter().map(after).min().unwrap();
            prop_assert!(given == free || !may_take(lowest, free - given, lone));
            for group in shares.keys() {
                prop_assert!(after(group) <= slots.div_ceil(waiters));
                prop_assert!(after(group) <= lowest + 1, "{} is served before a lower one", group);
            }
        }
    }
}
