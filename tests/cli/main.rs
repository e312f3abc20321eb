//! The commands, run as processes in folders of their own.

mod asked;
mod audit;
mod breakers;
mod demo;
mod doctor;
mod documents;
mod enqueue;
mod example;
mod imports;
mod keys;
#[cfg(unix)]
mod like_psql;
mod migrate;
mod orders;
mod pauses;
mod pooler;
#[cfg(target_os = "linux")]
mod private;
mod program;
mod reference;
mod resolve;
mod restore;
#[cfg(unix)]
mod serve;
mod tls;
mod tokens;
mod users;
mod webhooks;
mod wrapped_keys;
