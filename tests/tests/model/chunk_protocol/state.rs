//! The whole system at one moment: the shared words, the kernel's part, and the processes.

use std::ops::RangeInclusive;

use super::actor::{Actor, At, Errand, Next};
use super::memory::{Memory, digits};
use super::{ACTORS, Setup, TICKETS};
use crate::exploration::{Claim, Log, Mutex};

/// All that passed a commit point, to be compared with the memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History {
    /// The digits that were added under each ticket.
    pub added: [u16; TICKETS],
    /// The tickets that were finished, in order.
    pub done: Log<TICKETS>,
    /// Whether the last commit opened a ticket again.
    pub opened: bool,
}

impl History {
    /// A process stores its commit point.
    pub fn record(&mut self, actor: &Actor, claim: Claim) {
        self.opened = matches!(actor.next, Next::Open(_));
        if self.opened {
            self.done.pop();
            return;
        }
        if actor.next != Next::SetAside {
            self.added[usize::from(actor.ticket - 1)] += digits(actor.chunk);
        }
        if claim.is_done() {
            self.done.push(actor.ticket);
        }
    }
}

/// The system at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub memory: Memory,
    pub mutex: Mutex,
    pub actors: [Actor; ACTORS],
    pub history: History,
    pub deaths_left: u8,
    pub leaves_left: u8,
    pub misjudgements_left: u8,
    pub joiners_left: u8,
    pub failures_left: u8,
    pub resumes_left: u8,
}

impl State {
    pub fn new(setup: &Setup) -> Self {
        Self {
            memory: Memory::NEW,
            mutex: Mutex::Free,
            actors: [Actor::ABSENT; ACTORS],
            history: History { added: [0; TICKETS], done: Log::EMPTY, opened: false },
            deaths_left: setup.deaths,
            leaves_left: setup.leaves,
            misjudgements_left: setup.misjudgements,
            joiners_left: setup.joiners,
            failures_left: setup.failures,
            resumes_left: setup.resumes,
        }
    }

    pub fn claim(&self, ticket: u8) -> Claim {
        self.memory.slot(ticket).claim
    }

    /// The state that follows when one process goes on.
    pub fn with(&self, number: u8, change: impl FnOnce(&mut Actor)) -> Self {
        let mut after = self.clone();
        change(after.actor(number));
        after
    }

    pub fn actor(&mut self, number: u8) -> &mut Actor {
        &mut self.actors[usize::from(number)]
    }

    /// Whether a ticket is being opened: the commit is published and not applied.
    pub fn is_opening(&self) -> bool {
        self.history.opened && self.memory.needs_recovery()
    }

    /// `has_worker`.
    pub fn has_worker(&self, ticket: u8) -> bool {
        self.actors.iter().any(|actor| actor.has_role && actor.ticket == ticket)
    }

    /// Whether a process works under the ticket, whoever has the role.
    pub fn has_process(&self, ticket: u8) -> bool {
        self.actors.iter().any(|actor| actor.at != At::Absent && actor.ticket == ticket)
    }

    /// Whether a launched worker of the ticket exists, with or without its role.
    pub fn has_child(&self, ticket: u8) -> bool {
        self.actors.iter().any(|actor| actor.at != At::Absent && actor.ticket == ticket && !actor.is_joiner)
    }

    /// Starts a process at the first free one of these places; returns the place.
    pub fn start(&mut self, mut places: RangeInclusive<u8>, errand: Errand, ticket: u8) -> u8 {
        let number = places.find(|place| self.actor(*place).at == At::Absent).expect("there is room for it");
        let is_joiner = errand == Errand::Join;
        *self.actor(number) = Actor { at: At::Outside, errand, ticket, is_joiner, ..Actor::ABSENT };
        number
    }

    /// What the kernel does at the end of a process. Another may be started by hand for one that is not done.
    pub fn end(&mut self, number: u8, setup: &Setup) {
        let Actor { at, errand, ticket, is_joiner, .. } = std::mem::replace(self.actor(number), Actor::ABSENT);
        if errand == Errand::Reopen && at != At::Leaving {
            self.resumes_left += 1;
        }
        let is_unfinished = if ticket == 0 { at != At::Leaving } else { !self.claim(ticket).is_done() };
        if is_joiner && setup.replaces && is_unfinished {
            self.joiners_left += 1;
        }
    }
}
