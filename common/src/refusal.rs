//! A system that has no room for one more process now.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

/// How often a start is tried that the system refuses for now: over about 1.3 seconds in all.
const ATTEMPTS: u32 = 8;

/// The pause after the first refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Whether the system may start the process later (fork(2), execve(2)).
#[must_use]
pub fn is_temporary(error: &io::Error) -> bool {
    let temporary = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| temporary.contains(&errno))
}

/// How long to wait before a start that was refused that often is tried again; `None` to give up.
#[must_use]
pub fn pause(refusals: u32) -> Option<Duration> {
    (refusals < ATTEMPTS).then(|| FIRST_PAUSE * 2_u32.pow(refusals.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_start_is_tried_again_after_longer_and_longer_pauses() {
        let expected = [10, 20, 40, 80, 160, 320, 640].map(|pause| Some(Duration::from_millis(pause)));
        let pauses: Vec<_> = (1..=8).map(pause).collect();
        assert_eq!((&pauses[..7], pauses[7]), (&expected[..], None));
    }

    #[test]
    fn a_missing_program_is_missing_later_too() {
        assert!(is_temporary(&Errno::AGAIN.into()) && !is_temporary(&Errno::NOENT.into()));
    }
}
