//! stderr, without ever waiting for long for its reader.
//!
//! A process that blocks on a full pipe hears no signal and reaps no worker; what it had to say matters less than that.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What a pipe that is reported writable takes without blocking (`PIPE_BUF`, pipe(7)).
const PIPE_BUF: usize = 4096;

/// How long a reader that lags behind is waited for by who has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a text whose reader matters: an error at the end. A reader that lags behind has a second.
pub fn say(text: &str) {
    write(text, PATIENCE);
}

/// Writes a text if stderr takes it at once; drops what it does not take.
pub fn say_if_read(text: &str) {
    write(text, Duration::ZERO);
}

fn write(text: &str, patience: Duration) {
    let began = Instant::now();
    let mut left = text.as_bytes();
    while !left.is_empty() && is_taken_within(patience.saturating_sub(began.elapsed())) {
        match rustix::io::write(rustix::stdio::stderr(), &left[..left.len().min(PIPE_BUF)]) {
            Ok(count) => left = &left[count..],
            Err(Errno::INTR) => {}
            // Closed or full for good: there is nobody to tell.
            Err(_) => return,
        }
    }
}

fn is_taken_within(patience: Duration) -> bool {
    let stderr = rustix::stdio::stderr();
    let mut waking = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut waking, Timespec::try_from(patience).ok().as_ref()).is_ok_and(|ready| ready > 0)
}
