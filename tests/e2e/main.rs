//! The whole service as its users run it: `serve` and `sandbox` in processes of their own, orders by HTTP, on both
//! engines, with processes and servers stopped in the middle.

mod access_tokens;
mod bad_rows;
mod clock;
mod collector;
mod credentials;
mod discovery;
mod drain;
mod dumps;
mod endurance;
mod idle_connections;
mod keeper;
mod keys;
mod load;
mod locks;
mod logs;
mod lost_file;
mod metrics;
mod neighbours;
mod odd_answers;
mod outage;
mod outcomes;
mod outdated;
mod pauses;
mod payments;
mod read_only;
mod refused_starts;
mod refusing;
mod renaming;
mod restart;
mod revoke;
mod signals;
mod sql;
mod traces;
mod vend;
mod webhooks;
