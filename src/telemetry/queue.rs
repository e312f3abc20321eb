//! A bounded queue between the program and standard error, so that nothing waits for whoever reads
//! the log. A thread of its own writes the lines; lines that find the queue full are dropped and
//! counted.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use super::ASIDE;
use crate::meter;

/// How many lines may wait: about a megabyte at the usual length of a line.
const CAPACITY: usize = 2048;

/// Lines that wait are written together up to this many bytes, which a pipe takes as a whole: so no
/// line that fits is mixed with those of other programs.
const TOGETHER: usize = 4 * 1024;

/// How long the end of the process waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

enum Entry {
    Line(Vec<u8>),
    /// A request for an answer when all earlier lines are written.
    Flush(SyncSender<()>),
}

/// The sending side of the queue. Clones share it.
#[derive(Clone)]
pub(super) struct LogQueue {
    entries: SyncSender<Entry>,
}

/// The queue of the process, once logging is set up.
static QUEUE: RwLock<Option<LogQueue>> = RwLock::new(None);

impl LogQueue {
    /// Starts the thread that writes to `output`.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(CAPACITY, output)
    }

    fn with_capacity(lines: usize, output: impl Write + Send + 'static) -> io::Result<Self> {
        let (entries, waiting) = sync_channel(lines);
        thread::Builder::new().name("log".into()).spawn(move || write_all(&waiting, output))?;
        Ok(Self { entries })
    }

    /// Makes this the queue of [`write_line`].
    pub(super) fn install(&self) {
        *QUEUE.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }

    /// Waits until all earlier lines are written, but no longer than a second.
    pub(super) fn flush(&self) {
        let (written, done) = sync_channel(1);
        // A full queue means that nobody reads.
        if self.entries.try_send(Entry::Flush(written)).is_ok() {
            let _ = done.recv_timeout(LAST_LINES);
        }
    }

    /// Adds a line, with the newline at its end.
    pub(super) fn put(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.entries.try_send(Entry::Line(line)) {
            meter::log_line_dropped();
        }
    }
}

/// Writes a line to standard error: by the queue if logging is set up, or else directly.
pub fn write_line(line: &str) {
    let queue = QUEUE.read().unwrap_or_else(PoisonError::into_inner).clone();
    match queue {
        Some(queue) => queue.put(format!("{line}\n").into_bytes()),
        // If standard error is closed, nobody can read the line.
        None => drop(writeln!(io::stderr(), "{line}")),
    }
}

/// One line is one write.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the lines, and hides a progress bar while it does so. If lines were dropped, it writes
/// how many.
fn write_all(waiting: &Receiver<Entry>, mut output: impl Write) {
    let (mut lines, mut reported) = (Vec::new(), meter::log_lines_dropped());
    let mut next = None;
    while let Some(first) = next.take().or_else(|| waiting.recv().ok()) {
        next = Some(first);
        let mut count = 0;
        while let Some(Entry::Line(line)) = &next
            && (lines.is_empty() || lines.len() + line.len() <= TOGETHER)
        {
            lines.extend_from_slice(line);
            count += 1;
            next = waiting.try_recv().ok();
        }
        if !lines.is_empty() {
            let mut failed = false;
            aside(|| failed = output.write_all(&lines).is_err());
            if failed {
                // Only the metric tells: a line about it would be lost as well.
                (0..count).for_each(|_| meter::log_line_dropped());
                reported += count;
            }
            lines.clear();
        }
        if let Some(Entry::Flush(written)) = next.take_if(|entry| matches!(entry, Entry::Flush(_))) {
            let _ = output.flush();
            let _ = written.try_send(());
        }
        let dropped = meter::log_lines_dropped();
        if dropped > reported {
            tracing::warn!(
                lines = dropped - reported,
                "Log lines were dropped, because standard error was not read"
            );
            reported = dropped;
        }
    }
}

fn aside(write: impl FnOnce()) {
    let aside = ASIDE.read().unwrap_or_else(PoisonError::into_inner).clone();
    let mut write = Some(write);
    let mut write = || {
        if let Some(write) = write.take() {
            write();
        }
    };
    match aside {
        Some(aside) => aside(&mut write),
        None => write(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::*;

    const A_MINUTE: Duration = Duration::from_mins(1);

    /// A pipe whose reader takes a write only when the test says so.
    struct Pipe {
        begun: Sender<()>,
        reads: Mutex<Receiver<()>>,
        written: Arc<Mutex<String>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The test may have seen enough.
            let _ = self.begun.send(());
            // The test's end lets everything through.
            let _ = self.reads.lock().unwrap().recv();
            self.written.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_unread_log_holds_nobody_up_and_counts_what_it_drops() {
        let ((read, reads), (begun, writes)) = (channel(), channel());
        let written = Arc::default();
        let pipe = Pipe { begun, reads: Mutex::new(reads), written: Arc::clone(&written) };
        let queue = LogQueue::with_capacity(4, pipe).unwrap();
        let before = meter::log_lines_dropped();
        queue.put(b"line 0\n".to_vec());
        writes.recv_timeout(A_MINUTE).unwrap();
        let (mut log, (done, all)) = (queue.clone(), channel());
        thread::spawn(move || {
            for number in 1..100 {
                log.write_all(format!("line {number}\n").as_bytes()).unwrap();
            }
            done.send(()).unwrap();
        });
        all.recv_timeout(A_MINUTE).expect("a line waits for the reader");
        // One is with the thread, and four wait.
        assert_eq!(meter::log_lines_dropped() - before, 95);
        // The end of a process waits no longer than a second for it.
        queue.flush();
        drop(read);
        let (flushed, told) = sync_channel(1);
        queue.entries.send(Entry::Line(b"last\n".to_vec())).unwrap();
        queue.entries.send(Entry::Flush(flushed)).unwrap();
        told.recv().unwrap();
        let written = written.lock().unwrap().clone();
        let waited = "line 0\nline 1\nline 2\nline 3\nline 4\n";
        assert!(written.starts_with(waited) && written.ends_with("last\n"), "{written}");
    }

    #[test]
    fn lines_that_wait_are_written_together_up_to_a_limit() {
        let ((read, reads), (begun, writes)) = (channel(), channel());
        let written = Arc::default();
        let pipe = Pipe { begun, reads: Mutex::new(reads), written: Arc::clone(&written) };
        let queue = LogQueue::with_capacity(100, pipe).unwrap();
        let line = || [vec![b'x'; 999], vec![b'\n']].concat();
        queue.put(line());
        writes.recv_timeout(A_MINUTE).unwrap();
        // These wait while the first one is written.
        (1..9).for_each(|_| queue.put(line()));
        drop(read);
        let (flushed, told) = sync_channel(1);
        queue.entries.send(Entry::Flush(flushed)).unwrap();
        told.recv_timeout(A_MINUTE).unwrap();
        assert_eq!((written.lock().unwrap().len(), writes.try_iter().count()), (9000, 2));
    }
}
