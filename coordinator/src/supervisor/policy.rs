//! What follows from the end of a worker, or from a refused launch: decisions without effects.

#[cfg(test)]
mod tests;

use common::Mode;
use common::cli::exit_code;

use crate::figures::counted;
use crate::worker_outcome::WorkerExit;

/// Where the ticket of an ended worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketStanding {
    /// Its contribution is applied.
    Done,
    /// Another process works under it: this one, or one that is not known, such as one that has not taken the ticket yet.
    Owned(Option<u32>),
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
    /// The chunk that it held.
    pub chunk: Option<HeldChunk>,
    /// Whether it held a chunk that another worker has taken over by now, with the count of deaths.
    pub has_lost_chunk: bool,
    /// Restarts that were charged to this ticket, and how many are allowed.
    pub restarts: u32,
    /// See `restarts`; also how many workers may die with one chunk.
    pub most_restarts: u32,
    /// Whether the run launches no more workers.
    pub is_stopping: bool,
}

/// A chunk whose worker has ended.
#[derive(Clone, Copy, Debug)]
pub struct HeldChunk {
    /// The first iteration.
    pub start: u64,
    /// One more than the last iteration.
    pub end: u64,
    /// How many workers died with it before.
    pub deaths: u32,
}

/// What follows from the end of a launched worker.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterExit {
    /// Nothing: its contribution is applied.
    Finish,
    /// Wait for the process that works under its ticket: this one, if it is known.
    Adopt(Option<u32>),
    /// Nothing: the run is stopping.
    LeaveOpen,
    /// Launch the ticket again. Its chunk stays with the ticket: a chunk that kills workers is not passed on. The new worker
    /// sets it aside if too many died with it.
    Restart {
        /// How many restarts are charged to the ticket then.
        charged: u32,
        /// How the worker ended.
        reason: String,
        /// What follows.
        follows: String,
    },
    /// Give the ticket up, for this reason.
    GiveUp(String),
}

/// Decides what follows from the end of a launched worker.
pub fn after_exit(exit: &Exit) -> AfterExit {
    let how = exit.how;
    match exit.ticket {
        TicketStanding::Done => AfterExit::Finish,
        TicketStanding::Owned(pid) => AfterExit::Adopt(pid),
        // An overflow stops the run, and is reported all the same.
        TicketStanding::Open if exit.is_stopping && !(exit.has_failed && is_overflow(how)) => AfterExit::LeaveOpen,
        TicketStanding::Open => match exit.chunk {
            // Who was launched to set the chunk aside, and died before, is charged to the ticket: so the launches are bounded.
            // Also with exit code 0: a kernel may end its process in a way that looks like success.
            Some(chunk) if !exit.has_failed && chunk.deaths <= exit.most_restarts => charge_to_chunk(exit, chunk),
            _ if exit.has_lost_chunk && !how.is_success() => AfterExit::Restart {
                charged: exit.restarts,
                reason: format!("{how} with a chunk that another worker took over"),
                follows: "launching it again".to_owned(),
            },
            _ => charge_to_ticket(exit),
        },
    }
}

/// After a death with a chunk. The ticket has no part in it.
fn charge_to_chunk(exit: &Exit, chunk: HeldChunk) -> AfterExit {
    let (deaths, most) = (chunk.deaths.saturating_add(1), exit.most_restarts);
    let follows = if deaths <= most {
        format!("launching it again ({deaths} of {most})")
    } else {
        format!("{} died with it, so it is set aside", counted(deaths.into(), "worker"))
    };
    let HeldChunk { start, end, .. } = chunk;
    let reason = format!("{} with chunk {start}..{end}", exit.how);
    AfterExit::Restart { charged: exit.restarts, reason, follows }
}

fn charge_to_ticket(exit: &Exit) -> AfterExit {
    let how = exit.how;
    let before = match (exit.mode, exit.chunk) {
        (Mode::Split, Some(_)) => "before it set its chunk aside",
        (Mode::Split, None) => "without a chunk",
        _ => "before its contribution",
    };
    match why_final(how) {
        Some(why) => AfterExit::GiveUp(format!("{how}: {why}")),
        None if exit.has_failed && exit.mode == Mode::Split => {
            AfterExit::GiveUp("gave up: there is no room to set more chunks aside".to_owned())
        }
        None if exit.has_failed => AfterExit::GiveUp("gave up: its kernel failed".to_owned()),
        None if exit.restarts < exit.most_restarts => {
            let (nth, most) = (exit.restarts + 1, exit.most_restarts);
            let follows = format!("launching it again ({nth} of {most})");
            AfterExit::Restart { charged: nth, reason: format!("{how} {before}"), follows }
        }
        None => {
            let restarts = counted(exit.most_restarts.into(), "restart");
            AfterExit::GiveUp(format!("{how} {before}, after {restarts}"))
        }
    }
}

fn is_overflow(how: WorkerExit) -> bool {
    how.code() == Some(exit_code::OVERFLOW.into())
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
    /// It had a ticket for which this coordinator has launched a worker before.
    Launched {
        /// Whether the ticket is done.
        is_done: bool,
        /// As in [`Exit`].
        restarts: u32,
        /// As in [`Exit`].
        most_restarts: u32,
    },
    /// It had joined by hand.
    Joined {
        /// Whether it reported that it cannot compute what it holds.
        has_failed: bool,
    },
}

/// What follows from the end of an adopted worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterAdoptedExit {
    /// Nothing.
    Nothing,
    /// Launch the first worker for its ticket.
    Queue,
    /// Launch a worker for its ticket again.
    Restart {
        /// How many restarts are charged to the ticket then.
        charged: u32,
        /// What follows.
        follows: String,
    },
    /// Give the ticket up, for this reason.
    GiveUp(String),
    /// Offer its chunk to the other workers.
    OfferChunk,
}

/// Decides what follows from the end of an adopted worker. Each launch but a ticket's first is a restart.
pub fn after_adopted_exit(exit: AdoptedExit) -> AfterAdoptedExit {
    match exit {
        AdoptedExit::Reserved { is_done: true }
        | AdoptedExit::Launched { is_done: true, .. }
        | AdoptedExit::Joined { has_failed: true } => AfterAdoptedExit::Nothing,
        AdoptedExit::Reserved { is_done: false } => AfterAdoptedExit::Queue,
        AdoptedExit::Launched { restarts, most_restarts, .. } if restarts < most_restarts => {
            let charged = restarts + 1;
            AfterAdoptedExit::Restart { charged, follows: format!("launching it again ({charged} of {most_restarts})") }
        }
        AdoptedExit::Launched { most_restarts, .. } => {
            let restarts = counted(most_restarts.into(), "restart");
            AfterAdoptedExit::GiveUp(format!(
                "another process held its ticket, and did not contribute, after {restarts}"
            ))
        }
        AdoptedExit::Joined { has_failed: false } => AfterAdoptedExit::OfferChunk,
    }
}
