//! Ports for servers that a test starts.

use std::net::TcpListener;

/// Returns a port at which nothing listens. It lies below those that the system gives to whoever
/// asks for any, so that no other test takes it before the server is there, or while it is stopped.
pub fn free() -> u16 {
    loop {
        let port = rand::random_range(10_240..32_768);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
