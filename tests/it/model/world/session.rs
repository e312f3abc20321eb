//! The session of the database that holds all claims of a process.

use super::{Flight, World};

/// The session that holds all claims of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// It works, or is opened by the next claim.
    Works,
    /// Its connection is gone, and it has not noticed.
    Dead,
    /// It has closed its connection. Ends are stored without it until the next claim.
    Closed,
}

impl World {
    /// The connection breaks that holds the claim of a flight, and with it those of the whole
    /// process.
    pub fn lose_claim(&mut self, which: usize) {
        self.free_locks(self.flights[which].process, Session::Dead);
    }

    pub(super) fn free_locks(&mut self, process: usize, session: Session) {
        self.processes[process].session = session;
        self.flights.iter_mut().filter(|flight| flight.process == process).for_each(|it| it.locked = false);
    }

    /// The session begins a transaction. First it locks the tokens again that it still holds, where
    /// no other process has locked them meanwhile.
    pub(super) fn begin(&mut self, process: usize) {
        self.processes[process].session = Session::Works;
        for at in 0..self.flights.len() {
            let Flight { user, process: of, .. } = self.flights[at];
            let taken = self.flights.iter().any(|flight| flight.user == user && flight.locked);
            if of == process && !taken {
                self.flights[at].locked = self.locks;
            }
        }
    }
}
