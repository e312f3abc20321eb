//! How a process ended.

/// What a process left when it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Whether something was cut off: an order, a sweep or an exchange.
    pub cut_off: bool,
    /// How many files are left in its spool.
    pub spooled: usize,
}

impl Ending {
    /// Logs what is left in the spool, if anything. Call it as the last thing.
    pub fn log(self) {
        if self.spooled > 0 {
            tracing::error!(
                files = self.spooled,
                "Stopped with files in the spool that the database could not take; start this process again with the \
                 same vault.instance_dir, so that they are stored"
            );
        }
    }
}
