//! A rate that the processes of an installation share.
//!
//! Each process may make its equal share of the calls without asking anybody, so a database that is
//! away or slow stops nothing. What the others leave over is leased through the database in the
//! background, in blocks of at most half a second. There, the rate of a merchant's endpoint is one
//! time: up to when the calls made and handed out so far last, at exactly this rate.

use std::time::Duration;

use super::{Endpoint, RateLimiter};
use crate::ids::MerchantName;

/// How many calls may come at once, as the time that they take at exactly the rate: this much of
/// the shares of all processes, and this much of what is leased. Both together are the burst of an
/// unshared rate.
const BURST: Duration = Duration::from_millis(500);
/// How long leased calls, and the wish for more, last.
const LASTS: Duration = Duration::from_millis(500);
/// The most calls that are remembered beyond the rate, as a time.
const LONGEST_DEBT: Duration = Duration::from_secs(2);

/// What a process tells the database about one endpoint of a merchant, and asks it for.
#[derive(Clone, Debug, PartialEq)]
pub struct RateAsk {
    /// The merchant.
    pub merchant: MerchantName,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The calls a second of all processes.
    pub rate: f64,
    /// How many calls of its own share it has made since it last told.
    pub used: u32,
    /// How many calls more it would like to make.
    pub wanted: u32,
}

/// What a process gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateGrant {
    /// How many calls more it may make.
    pub calls: u32,
    /// How far the time in the database is ahead of the database's clock then.
    pub ahead: Duration,
}

impl RateAsk {
    /// Decides how many calls the process gets. `ahead` is how far the time in the database is
    /// ahead of the database's clock.
    ///
    /// A process gets at most half of what is free, so that no other one comes too late for all.
    #[must_use]
    pub fn grant(&self, ahead: Duration) -> RateGrant {
        let Ok(interval) = Duration::try_from_secs_f64(1.0 / self.rate) else {
            return RateGrant { calls: self.wanted, ahead };
        };
        let burst = BURST.max(interval);
        let ahead = ahead.saturating_add(interval.saturating_mul(self.used)).min(burst + LONGEST_DEBT);
        let free = burst.saturating_sub(ahead).as_nanos() / interval.as_nanos().max(1);
        let free = u32::try_from(free).unwrap_or(u32::MAX);
        let calls = self.wanted.min(free.div_ceil(2));
        RateGrant { calls, ahead: ahead + interval.saturating_mul(calls) }
    }
}

/// One process's part of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedRate {
    /// Its equal share.
    own: RateLimiter,
    rate: f64,
    /// How many processes share the rate.
    processes: u32,
    /// Calls of the own share since they were last told. Negative: so many were told that became
    /// leased ones.
    used: i64,
    /// Calls that the own share had no place for at once, as far as none was leased for them.
    wanted: u32,
    wanted_at: Duration,
    /// Leased calls, and until when they may be made.
    leased: u32,
    leased_until: Duration,
}

impl SharedRate {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            own: RateLimiter::new(rate),
            rate,
            processes: 1,
            used: 0,
            wanted: 0,
            wanted_at: Duration::ZERO,
            leased: 0,
            leased_until: Duration::ZERO,
        }
    }

    /// Changes the rate, and how many processes share it.
    pub(super) fn set(&mut self, rate: f64, processes: u32) {
        (self.rate, self.processes) = (rate, processes);
        if processes > 1 {
            self.own.set_rate_with(rate / f64::from(processes), BURST);
        } else {
            self.own.set_rate(rate);
        }
    }

    /// As [`RateLimiter::reserve`].
    pub(super) fn reserve(&mut self, now: Duration, longest: Duration) -> Result<Duration, Duration> {
        if self.processes <= 1 {
            return self.own.reserve(now, longest);
        }
        if self.own.reserve(now, Duration::ZERO).is_ok() {
            self.used = self.used.saturating_add(1);
            return Ok(Duration::ZERO);
        }
        (self.wanted, self.wanted_at) = (self.wanted.saturating_add(1), now);
        if self.take_leased(now) {
            return Ok(Duration::ZERO);
        }
        // A leased call may come sooner than the own place.
        let soon = longest.max(self.turn());
        let hold = self.own.reserve(now, longest).map_err(|wait| wait.min(soon))?;
        self.used = self.used.saturating_add(1);
        Ok(hold)
    }

    /// The time of one call at exactly the rate of all processes.
    fn turn(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.rate).unwrap_or_default()
    }

    /// How long leased calls last. Where the own share has less than a call a second, whoever needs
    /// one does not wait here but comes back.
    fn lasts(&self) -> Duration {
        let turn = self.turn();
        let comes_back = turn.saturating_mul(self.processes) > Duration::from_secs(1);
        if comes_back { turn.saturating_add(Duration::from_secs(1)).saturating_mul(2) } else { LASTS }
    }

    /// Makes a call that waits for its place in the own share a leased one, if there is one.
    pub(super) fn exchange_for_leased(&mut self, now: Duration) -> bool {
        let taken = self.take_leased(now);
        if taken {
            self.own.give_back();
            self.used = self.used.saturating_sub(1);
        }
        taken
    }

    fn take_leased(&mut self, now: Duration) -> bool {
        let may = self.leased > 0 && now < self.leased_until;
        if may {
            self.leased -= 1;
        }
        may
    }

    /// Whether it would ask for more calls now.
    pub(super) fn is_short(&self) -> bool {
        self.wanted > 0
    }

    /// Returns how many calls to an endpoint of a merchant were made and are wanted, if any. Those
    /// that were made count as told.
    pub(super) fn ask(
        &mut self,
        merchant: &MerchantName,
        endpoint: Endpoint,
        now: Duration,
    ) -> Option<RateAsk> {
        if self.processes <= 1 || now.saturating_sub(self.wanted_at) > LASTS {
            self.wanted = 0;
            self.used = self.used.max(0);
        }
        let used = u32::try_from(self.used.max(0)).unwrap_or(u32::MAX);
        self.used = self.used.min(0);
        let (rate, wanted) = (self.rate, self.wanted);
        let asks = self.processes > 1 && (used > 0 || wanted > 0);
        asks.then(|| RateAsk { merchant: merchant.clone(), endpoint, rate, used, wanted })
    }

    /// Counts once more the calls of an ask that did not reach the database. The database caps the
    /// debt.
    pub(super) fn count_again(&mut self, used: u32) {
        self.used = self.used.saturating_add(used.into()).min(1_000_000);
    }

    /// Adds leased calls.
    pub(super) fn lease(&mut self, granted: u32, now: Duration) {
        if granted == 0 {
            return;
        }
        let left = if now < self.leased_until { self.leased } else { 0 };
        (self.leased, self.leased_until) = (left.saturating_add(granted), now + self.lasts());
        self.wanted = self.wanted.saturating_sub(granted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The time of one round: each process tells and asks once.
    const ROUND: Duration = Duration::from_millis(100);

    /// Processes that share a rate through a row, as times since boot, without a real clock.
    struct Installation {
        rate: f64,
        processes: Vec<SharedRate>,
        /// The time in the row.
        due_at: Duration,
        now: Duration,
        /// When each call is made.
        calls: Vec<Duration>,
        made_by: Vec<u32>,
        database_is_away: bool,
    }

    impl Installation {
        fn new(rate: u32, processes: u32) -> Self {
            let rate = f64::from(rate);
            let of_one = || {
                let mut shared = SharedRate::new(rate);
                shared.set(rate, processes);
                shared
            };
            Self {
                rate,
                processes: (0..processes).map(|_| of_one()).collect(),
                due_at: Duration::ZERO,
                now: Duration::from_secs(5),
                calls: Vec::new(),
                made_by: (0..processes).map(|_| 0).collect(),
                database_is_away: false,
            }
        }

        /// One round, in which each process would like to make so many calls.
        fn round(&mut self, demands: &[u32]) {
            for (number, demand) in demands.iter().enumerate() {
                let process = &mut self.processes[number];
                for _ in 0..*demand {
                    if let Ok(hold) = process.reserve(self.now, ROUND) {
                        self.calls.push(self.now + hold);
                        self.made_by[number] += 1;
                    }
                }
                if self.database_is_away {
                    continue;
                }
                let Some(ask) = process.ask(&"shop".into(), Endpoint::Token, self.now) else { continue };
                let granted = ask.grant(self.due_at.saturating_sub(self.now));
                self.due_at = self.now + granted.ahead;
                process.lease(granted.calls, self.now);
            }
            self.now += ROUND;
        }

        /// The most calls in any period, beyond rate times its length, as a time.
        fn excess(&mut self) -> f64 {
            self.calls.sort();
            let mut most = 0.0_f64;
            for (first, from) in self.calls.iter().enumerate() {
                for (count, to) in (1_u32..).zip(&self.calls[first..]) {
                    most = most.max(f64::from(count) / self.rate - to.saturating_sub(*from).as_secs_f64());
                }
            }
            most
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// All processes together keep the rate, with bursts, whatever each would like to do.
        #[test]
        fn the_rate_is_that_of_all_processes(
            rate in 5_u32..200,
            demands in prop::collection::vec(prop::collection::vec(0_u32..60, 3), 1..40),
        ) {
            let mut installation = Installation::new(rate, 3);
            for demands in &demands {
                installation.round(demands);
            }
            // A burst of one second, leases of half a second, and one call more of each process.
            let allowed = 2.0 + 3.0 / f64::from(rate);
            prop_assert!(installation.excess() <= allowed, "{}", installation.excess());
        }
    }

    #[test]
    fn a_process_gets_what_the_others_leave_over() {
        let mut installation = Installation::new(100, 4);
        (0..100).for_each(|_| installation.round(&[50, 0, 1, 0]));
        let [busy, idle, calm, _] = installation.made_by[..] else { panic!() };
        assert_eq!((idle, calm), (0, 100), "a calm one is never refused");
        assert!((850..=1050).contains(&busy), "{busy} calls in ten seconds");
    }

    #[test]
    fn busy_processes_share_equally() {
        let mut installation = Installation::new(100, 2);
        (0..100).for_each(|_| installation.round(&[50, 50]));
        let [one, other] = installation.made_by[..] else { panic!() };
        assert!((950..=1150).contains(&(one + other)), "{one} + {other} calls in ten seconds");
        assert!(one.abs_diff(other) <= 150, "{one} and {other}");
    }

    #[test]
    fn without_the_database_each_goes_on_with_its_share() {
        let mut installation = Installation::new(100, 2);
        installation.database_is_away = true;
        (0..100).for_each(|_| installation.round(&[50, 0]));
        assert!((490..=530).contains(&installation.made_by[0]), "{:?}", installation.made_by);
    }

    #[test]
    fn a_lone_process_needs_nobody() {
        let mut shared = SharedRate::new(10.0);
        let now = Duration::from_secs(5);
        assert_eq!((0..30).filter(|_| shared.reserve(now, Duration::ZERO).is_ok()).count(), 10);
        assert!(shared.ask(&"shop".into(), Endpoint::Token, now).is_none());
    }

    #[test]
    fn a_call_that_waits_takes_a_leased_one() {
        let mut shared = SharedRate::new(2.0);
        shared.set(2.0, 2);
        let now = Duration::from_secs(5);
        let second = Duration::from_secs(1);
        assert_eq!(shared.reserve(now, second), Ok(Duration::ZERO));
        assert!(!shared.is_short());
        assert_eq!(shared.reserve(now, second), Ok(second));
        assert!(shared.is_short() && !shared.exchange_for_leased(now));
        let ask = shared.ask(&"shop".into(), Endpoint::Token, now).unwrap();
        assert_eq!((ask.rate, ask.used, ask.wanted), (2.0, 2, 1));
        shared.lease(1, now);
        assert!(!shared.is_short() && shared.exchange_for_leased(now));
        assert!(!shared.exchange_for_leased(now), "one alone");
        assert_eq!(shared.reserve(now, second), Ok(second), "the place is free again");
        // A lease does not last.
        shared.lease(5, now);
        assert!(!shared.exchange_for_leased(now + LASTS));
    }
}
