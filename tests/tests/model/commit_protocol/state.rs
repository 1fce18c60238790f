//! The whole system at one moment: the shared words, the kernel's part, and where each process is in its program.

use super::memory::Memory;
use super::{ACTORS, Setup, TICKETS};
use crate::exploration::{Claim, Log, Mutex};

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Absent,
    /// It computes, sleeps, or waits for the lock: others cannot tell these apart.
    Outside,
    /// At that step of the recovery.
    Recovering(u8),
    /// At that step of its errand.
    Inside(u8),
    Unlocking,
    /// It is finished and still holds its role.
    Leaving,
    /// The kernel has released its lock and not yet its role.
    Dying,
    /// Its parent has not reaped it yet.
    Ended,
    /// The supervisor sleeps in `poll`.
    Watching,
    /// The supervisor reads the claim of a ticket to decide upon.
    Deciding,
    /// The supervisor asks whether the ticket, which is not done, has a worker.
    Asking,
    /// The supervisor looks for workers that joined before it closed the segment.
    Greeting,
    /// The supervisor reports.
    Finished,
}

/// What a process wants the lock for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// `take` of the ticket that it was given.
    Take,
    /// `join`.
    Join,
    /// `commit`.
    Commit,
    /// `take_stock`: recover, then decide upon every ticket.
    Survey,
    /// `is_done`: recover, then decide upon one ticket.
    Settle,
    /// `close`.
    Close,
}

/// A process; number 0 is the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    pub at: At,
    pub errand: Errand,
    pub ticket: u8,
    pub epoch: u8,
    /// Whether the living supervisor launched it.
    pub is_child: bool,
    pub is_joiner: bool,
}

impl Actor {
    /// The only form of an absent process, so that its past makes no further states.
    pub const ABSENT: Self =
        Self { at: At::Absent, errand: Errand::Take, ticket: 0, epoch: 0, is_child: false, is_joiner: false };

    /// Whether a death here differs from what happens anyway; for a leaving worker it does not.
    pub fn may_die(self) -> bool {
        !matches!(self.at, At::Absent | At::Leaving | At::Dying | At::Ended | At::Finished)
    }
}

/// The system at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub memory: Memory,
    pub mutex: Mutex,
    /// Who has the role of each ticket.
    pub roles: [Option<u8>; TICKETS],
    pub actors: [Actor; ACTORS],
    /// The adopted workers' tickets, as bits: the supervisor waits for them although they are no children.
    pub bystanders: u8,
    /// Not part of the system: the tickets in the order of their commit points, to be compared with the log.
    pub history: Log<TICKETS>,
    pub crashes_left: u8,
    pub early_left: u8,
    pub joiners_left: u8,
}

impl State {
    pub fn new(setup: &Setup) -> Self {
        let mut actors = [Actor::ABSENT; ACTORS];
        if setup.reserved > 0 {
            actors[0] = Actor { at: At::Outside, errand: Errand::Survey, ..Actor::ABSENT };
        }
        Self {
            memory: Memory::new(),
            mutex: Mutex::Free,
            roles: [None; TICKETS],
            actors,
            bystanders: 0,
            history: Log::EMPTY,
            crashes_left: setup.crashes,
            early_left: setup.early,
            joiners_left: setup.joiners,
        }
    }

    pub fn role(&mut self, ticket: u8) -> &mut Option<u8> {
        &mut self.roles[usize::from(ticket - 1)]
    }

    /// `has_worker`.
    pub fn has_worker(&self, ticket: u8) -> bool {
        self.roles[usize::from(ticket - 1)].is_some()
    }

    pub fn claim(&self, ticket: u8) -> Claim {
        self.memory.slot(ticket).claim
    }

    pub fn is_somebody_dying(&self) -> bool {
        self.actors.iter().any(|actor| actor.at == At::Dying)
    }

    /// Starts a worker, which first wants to `take` its ticket or to `join`.
    pub fn start(&mut self, ticket: Option<u8>) {
        let place = self.actors[1..].iter().position(|actor| actor.at == At::Absent).expect("there is room for it");
        self.actors[place + 1] = Actor {
            at: At::Outside,
            errand: if ticket.is_some() { Errand::Take } else { Errand::Join },
            ticket: ticket.unwrap_or(0),
            epoch: 0,
            is_child: ticket.is_some(),
            is_joiner: ticket.is_none(),
        };
    }

    /// What the kernel does when a process ends: its role is free, and a child waits to be reaped.
    pub fn end(&mut self, number: u8) {
        for role in &mut self.roles {
            role.take_if(|holder| *holder == number);
        }
        let actor = &mut self.actors[usize::from(number)];
        if actor.is_child {
            *actor = Actor { at: At::Ended, is_child: true, ticket: actor.ticket, ..Actor::ABSENT };
        } else {
            *actor = Actor::ABSENT;
        }
    }
}
