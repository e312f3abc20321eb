//! Shares free slots among groups, so that one group's backlog does not delay the others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::ids::MerchantName;

/// Shares `free` slots among the groups in `waiting`. Each slot goes to the group that has the
/// fewest at that moment.
///
/// `running` has the number of slots that each group already uses. While `n` groups wait, no group
/// gets a slot that takes it above `ceil(slots / n)`, where `slots` counts free and used ones; a
/// single group may get all of them. Every free slot is given away while any group waits. Ties go
/// in turn, starting at group `round` modulo the number of groups: add one with each call, so that
/// a single free slot goes round.
#[must_use]
pub fn share(
    free: usize,
    running: &BTreeMap<MerchantName, usize>,
    waiting: &[MerchantName],
    round: usize,
) -> BTreeMap<MerchantName, usize> {
    let groups: Vec<&MerchantName> = waiting.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut shares = BTreeMap::new();
    if groups.is_empty() {
        return shares;
    }
    let first = round % groups.len();
    let mut levels: BinaryHeap<_> = (0..groups.len())
        .map(|turn| {
            let group = groups[(first + turn) % groups.len()];
            Reverse((running.get(group).copied().unwrap_or(0), turn, group))
        })
        .collect();
    for _ in 0..free {
        if let Some(mut lowest) = levels.peek_mut() {
            let Reverse((level, _, group)) = &mut *lowest;
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

    #[test]
    fn a_lone_group_takes_all() {
        assert_eq!(share(8, &BTreeMap::new(), &names(1), 3), BTreeMap::from([("m00".into(), 8)]));
    }

    #[test]
    fn nobody_waiting_gets_nothing() {
        assert!(share(8, &BTreeMap::new(), &[], 3).is_empty());
    }

    #[test]
    fn a_newcomer_catches_up_with_the_one_who_had_all() {
        let running = BTreeMap::from([("m00".into(), 7)]);
        assert_eq!(share(3, &running, &names(2), 0), BTreeMap::from([("m01".into(), 3)]));
    }

    #[test]
    fn a_single_slot_goes_round() {
        let takers: Vec<MerchantName> =
            (0..4).flat_map(|round| share(1, &BTreeMap::new(), &names(3), round).into_keys()).collect();
        assert_eq!(takers, ["m00", "m01", "m02", "m00"]);
    }

    proptest! {
        #[test]
        fn shares_are_fair_and_nothing_is_kept(
            free in 0_usize..100,
            levels in proptest::collection::vec(0_usize..20, 1..12),
            waiters in 1_usize..12,
            round: usize,
        ) {
            let running: BTreeMap<_, _> = names(levels.len()).into_iter().zip(levels).collect();
            let waiting = names(waiters);
            let shares = share(free, &running, &waiting, round);

            prop_assert_eq!(shares.values().sum::<usize>(), free);
            prop_assert!(shares.keys().all(|group| waiting.contains(group)));

            let slots = free + running.values().sum::<usize>();
            let after = |group: &MerchantName| {
                running.get(group).unwrap_or(&0) + shares.get(group).unwrap_or(&0)
            };
            let lowest = waiting.iter().map(after).min().unwrap();
            for group in shares.keys() {
                prop_assert!(after(group) <= slots.div_ceil(waiters));
                prop_assert!(after(group) <= lowest + 1, "{} is served before a lower one", group);
            }
        }
    }
}
