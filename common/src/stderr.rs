//! stderr, without waiting long for its reader.
//!
//! A process that blocks on a full pipe handles no signal and reaps no worker. That matters more than its message.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::PIPE_BUF;

/// How long [`say`] waits for a slow reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes an important text, such as the error at the end. Waits up to a second for a slow reader.
pub fn say(text: &str) {
    write(text, PATIENCE);
}

/// Writes the part of a text that stderr takes at once, and drops the rest.
pub fn say_if_read(text: &str) {
    write(text, Duration::ZERO);
}

fn write(text: &str, patience: Duration) {
    let began = Instant::now();
    let mut left = text.as_bytes();
    while !left.is_empty() && is_taken_by(began, patience) {
        // A pipe that is reported as writable takes this many bytes without blocking (pipe(7)).
        match rustix::io::write(rustix::stdio::stderr(), &left[..left.len().min(PIPE_BUF)]) {
            Ok(count) => left = &left[count..],
            Err(Errno::INTR) => {}
            // Closed, or full for good: nobody reads it.
            Err(_) => return,
        }
    }
}

/// Whether stderr takes something before the patience that began then has passed.
fn is_taken_by(began: Instant, patience: Duration) -> bool {
    let stderr = rustix::stdio::stderr();
    let mut waking = [PollFd::new(&stderr, PollFlags::OUT)];
    loop {
        let left = patience.saturating_sub(began.elapsed());
        match poll(&mut waking, Timespec::try_from(left).ok().as_ref()) {
            // A signal, such as that of a child's death, is no reason to drop the text.
            Err(Errno::INTR) => {}
            ready => return ready.is_ok_and(|ready| ready > 0),
        }
    }
}
