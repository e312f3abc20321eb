//! Reads large answers.

use tokio::runtime::{Handle, RuntimeFlavor};

/// From this size on, in bytes, an answer takes milliseconds to read.
const LARGE: usize = 256 * 1024;

/// Reads an answer of up to `size` bytes. While a large one is read, the other tasks of this thread
/// go on elsewhere.
pub(crate) fn read_large_answer<T>(size: usize, read: impl FnOnce() -> T) -> T {
    let runtime = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if size > LARGE && matches!(runtime, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(read)
    } else {
        read()
    }
}
