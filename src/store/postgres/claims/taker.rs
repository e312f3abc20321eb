//! Chooses the session for new claims.

use std::time::Duration;

use tokio::time::Instant;

/// How long claims wait for a session that works. Usually its work takes less. Many claims in few
/// sessions need fewer statements than few claims in each of many.
const MOMENT: Duration = Duration::from_millis(5);

/// What a session does.
#[derive(Clone, Copy)]
pub(super) enum State {
    /// It is idle, with an open connection.
    Open,
    /// It is idle, without a connection.
    Closed,
    /// It has work and will soon be idle, unless it is held up.
    Works { since: Instant },
    /// It opens a connection, or is about to.
    Occupied,
}

/// Who takes the claims that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// The session with this number.
    Session(usize),
    /// To be asked again at this time, or once a session has finished its work.
    Later(Instant),
    /// No session can take them now.
    Nobody,
}

/// Returns who takes claims: the first session that is open, unless one before it works and will
/// soon be idle. If there is none and another connection may be opened, the first session without
/// one.
pub(super) fn taker(states: impl Iterator<Item = State> + Clone, may_open: bool, now: Instant) -> Taker {
    for (number, state) in states.clone().enumerate() {
        match state {
            State::Open => return Taker::Session(number),
            State::Works { since } if now.duration_since(since) < MOMENT => {
                return Taker::Later(since + MOMENT);
            }
            State::Works { .. } | State::Closed | State::Occupied => {}
        }
    }
    let closed = states.into_iter().position(|state| matches!(state, State::Closed));
    closed.filter(|_| may_open).map_or(Taker::Nobody, Taker::Session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_gather_in_the_first_session_that_is_not_held_up() {
        let now = Instant::now() + Duration::from_hours(1);
        let works = |millis| State::Works { since: now - Duration::from_millis(millis) };
        let later = |millis| Taker::Later(now + Duration::from_millis(millis));
        let chosen = |states: &[State]| taker(states.iter().copied(), true, now);
        let (open, closed, occupied) = (State::Open, State::Closed, State::Occupied);
        assert_eq!(chosen(&[open, open]), Taker::Session(0));
        assert_eq!(chosen(&[closed, open]), Taker::Session(1));
        // It is worth waiting for, even if another one is idle.
        assert_eq!(chosen(&[works(1), open]), later(4));
        assert_eq!(chosen(&[works(1), closed]), later(4));
        // That one is held up.
        assert_eq!(chosen(&[works(5), open]), Taker::Session(1));
        assert_eq!(chosen(&[works(5), works(2), open]), later(3));
        assert_eq!(chosen(&[works(5), closed]), Taker::Session(1));
        assert_eq!(chosen(&[occupied, open]), Taker::Session(1));
        assert_eq!(chosen(&[works(5), works(9)]), Taker::Nobody);
        // One connection is opened at a time.
        assert_eq!(taker([occupied, closed].into_iter(), false, now), Taker::Nobody);
        assert_eq!(taker([closed, works(1)].into_iter(), true, now), later(4));
    }
}
