//! What follows from the end of a worker, or from a refused launch: decisions without effects.

use std::time::Duration;

use common::Mode;
use common::cli::exit_code;

use crate::figures::counted;
use crate::worker_outcome::WorkerExit;

/// How often a launch is tried that the system refuses for now: over about 1.3 seconds in all.
const LAUNCH_ATTEMPTS: u32 = 8;

/// The pause after the first refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Where the ticket of an ended worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketStanding {
    /// Its contribution is applied.
    Done,
    /// Another process works under it: this one, or 0 while it has not taken the ticket yet.
    Owned(u32),
    /// Nobody works under it.
    Open,
}

/// A launched worker that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// How it ended.
    pub how: WorkerExit,
    /// Where its ticket stands.
    pub ticket: TicketStanding,
    /// What the run computes.
    pub mode: Mode,
    /// Whether it reported that it cannot compute what it holds.
    pub has_failed: bool,
    /// Launches of this ticket after the first, and how many are allowed.
    pub restarts: u32,
    /// See `restarts`.
    pub most_restarts: u32,
    /// Whether the run launches no more workers.
    pub is_stopping: bool,
}

/// What follows from the end of a launched worker.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterExit {
    /// Nothing: its contribution is applied.
    Finish,
    /// Wait for this process, which works under its ticket.
    Adopt(u32),
    /// Nothing: the run is stopping.
    LeaveOpen,
    /// Launch the ticket again. Its chunk stays with the ticket: a chunk that kills workers is not passed on.
    Restart {
        /// Which restart this is, from 1.
        nth: u32,
        /// How the worker ended.
        reason: String,
    },
    /// Give the ticket up, for this reason. Others take its chunk over once the rest is given out.
    GiveUp(String),
}

/// Decides what follows from the end of a launched worker.
pub fn after_exit(exit: &Exit) -> AfterExit {
    let how = exit.how;
    let before = if exit.mode == Mode::Split { "before the range was finished" } else { "before its contribution" };
    match exit.ticket {
        TicketStanding::Done => AfterExit::Finish,
        TicketStanding::Owned(pid) => AfterExit::Adopt(pid),
        TicketStanding::Open if exit.is_stopping => AfterExit::LeaveOpen,
        TicketStanding::Open => match why_final(how) {
            Some(why) => AfterExit::GiveUp(format!("{how}: {why}")),
            None if exit.has_failed => AfterExit::GiveUp("gave up: its kernel failed".to_owned()),
            None if exit.restarts < exit.most_restarts => {
                AfterExit::Restart { nth: exit.restarts + 1, reason: format!("{how} {before}") }
            }
            None => {
                let restarts = counted(exit.most_restarts.into(), "restart");
                AfterExit::GiveUp(format!("{how} {before}, after {restarts}"))
            }
        },
    }
}

/// Why another launch would end the same way, if it would.
fn why_final(how: WorkerExit) -> Option<&'static str> {
    match u8::try_from(how.code()?).ok()? {
        exit_code::COMPLETE => Some("it did not contribute; is it a worker executable?"),
        exit_code::USAGE => Some("it rejects its arguments or the segment's terms"),
        exit_code::FOREIGN => Some("it cannot use the segment"),
        exit_code::NOTHING_TO_DO => Some("it found nothing to do"),
        exit_code::OVERFLOW => Some("its contribution does not fit"),
        _ => None,
    }
}

/// An adopted worker that has ended.
#[derive(Clone, Copy, Debug)]
pub enum AdoptedExit {
    /// It had a ticket that the coordinator gives out.
    Reserved {
        /// Whether the ticket is done.
        is_done: bool,
    },
    /// It had joined by hand.
    Joined {
        /// Whether it reported that it cannot compute what it holds.
        has_failed: bool,
    },
}

/// What follows from the end of an adopted worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterAdoptedExit {
    /// Nothing.
    Nothing,
    /// Launch a worker for its ticket.
    Queue,
    /// Offer its chunk to the other workers.
    OfferChunk,
}

/// Decides what follows from the end of an adopted worker.
pub fn after_adopted_exit(exit: AdoptedExit) -> AfterAdoptedExit {
    match exit {
        AdoptedExit::Reserved { is_done: false } => AfterAdoptedExit::Queue,
        AdoptedExit::Joined { has_failed: false } => AfterAdoptedExit::OfferChunk,
        AdoptedExit::Reserved { is_done: true } | AdoptedExit::Joined { has_failed: true } => AfterAdoptedExit::Nothing,
    }
}

/// How long to wait before a refused launch is tried again; `None` to give its ticket up.
pub fn pause_after_refusal(is_temporary: bool, refusals: u32) -> Option<Duration> {
    (is_temporary && refusals < LAUNCH_ATTEMPTS).then(|| FIRST_PAUSE * 2_u32.pow(refusals - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use AfterExit::{Adopt, Finish, GiveUp, LeaveOpen, Restart};
    use TicketStanding::{Done, Open, Owned};
    use WorkerExit::{Code, Signal};

    fn give_up(reason: &str) -> AfterExit {
        GiveUp(reason.to_owned())
    }

    fn restart(nth: u32, reason: &str) -> AfterExit {
        Restart { nth, reason: reason.to_owned() }
    }

    /// An exit of a worker with two restarts left.
    fn exit(how: WorkerExit, ticket: TicketStanding) -> Exit {
        let (mode, has_failed, is_stopping) = (Mode::Repeat, false, false);
        Exit { how, ticket, mode, has_failed, restarts: 1, most_restarts: 3, is_stopping }
    }

    #[test]
    fn what_follows_from_an_exit_depends_on_ticket_run_exit_chunk_and_restarts_in_this_order() {
        let killed = exit(Signal(9), Open);
        let refused = exit(Code(exit_code::OVERFLOW.into()), Open);
        let spent = Exit { restarts: 3, ..killed };
        for (exit, expected) in [
            (exit(Code(0), Done), Finish),
            (exit(Signal(9), Done), Finish),
            (Exit { is_stopping: true, has_failed: true, ..exit(Code(1), Done) }, Finish),
            (exit(Signal(9), Owned(7)), Adopt(7)),
            (Exit { is_stopping: true, ..exit(Code(0), Owned(0)) }, Adopt(0)),
            (Exit { is_stopping: true, ..killed }, LeaveOpen),
            (Exit { is_stopping: true, has_failed: true, ..refused }, LeaveOpen),
            (exit(Code(0), Open), give_up("ended with exit code 0: it did not contribute; is it a worker executable?")),
            (exit(Code(2), Open), give_up("ended with exit code 2: it rejects its arguments or the segment's terms")),
            (exit(Code(4), Open), give_up("ended with exit code 4: it cannot use the segment")),
            (exit(Code(6), Open), give_up("ended with exit code 6: it found nothing to do")),
            (refused, give_up("ended with exit code 7: its contribution does not fit")),
            (Exit { has_failed: true, ..refused }, give_up("ended with exit code 7: its contribution does not fit")),
            (Exit { has_failed: true, ..exit(Code(1), Open) }, give_up("gave up: its kernel failed")),
            (Exit { has_failed: true, ..spent }, give_up("gave up: its kernel failed")),
            (exit(Code(1), Open), restart(2, "ended with exit code 1 before its contribution")),
            (exit(Code(101), Open), restart(2, "panicked (exit code 101) before its contribution")),
            (killed, restart(2, "was killed by signal 9 (SIGKILL) before its contribution")),
            (
                Exit { mode: Mode::Split, restarts: 2, ..killed },
                restart(3, "was killed by signal 9 (SIGKILL) before the range was finished"),
            ),
            (spent, give_up("was killed by signal 9 (SIGKILL) before its contribution, after 3 restarts")),
            (
                Exit { mode: Mode::Split, restarts: 1, most_restarts: 1, ..killed },
                give_up("was killed by signal 9 (SIGKILL) before the range was finished, after 1 restart"),
            ),
            (
                Exit { restarts: 0, most_restarts: 0, ..killed },
                give_up("was killed by signal 9 (SIGKILL) before its contribution, after 0 restarts"),
            ),
        ] {
            assert_eq!(after_exit(&exit), expected, "{exit:?}");
        }
    }

    #[test]
    fn an_adopted_worker_leaves_a_ticket_or_a_chunk_to_others() {
        for (exit, expected) in [
            (AdoptedExit::Reserved { is_done: true }, AfterAdoptedExit::Nothing),
            (AdoptedExit::Reserved { is_done: false }, AfterAdoptedExit::Queue),
            (AdoptedExit::Joined { has_failed: true }, AfterAdoptedExit::Nothing),
            (AdoptedExit::Joined { has_failed: false }, AfterAdoptedExit::OfferChunk),
        ] {
            assert_eq!(after_adopted_exit(exit), expected, "{exit:?}");
        }
    }

    #[test]
    fn a_refused_launch_is_tried_again_after_longer_and_longer_pauses() {
        let pauses: Vec<_> = (1..=8).map(|refusals| pause_after_refusal(true, refusals)).collect();
        let expected = [10, 20, 40, 80, 160, 320, 640].map(|pause| Some(Duration::from_millis(pause)));
        assert_eq!((&pauses[..7], pauses[7]), (&expected[..], None));
        assert_eq!(pause_after_refusal(false, 1), None);
    }
}
