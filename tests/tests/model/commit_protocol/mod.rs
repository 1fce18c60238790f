//! A model of the commit protocol: the shared words, the kernel's lock and roles, workers and the coordinator. Each
//! process is a small program of single stores, and may die after any of them.
//!
//! What it leaves out: the order in which other processors see stores (who reads them has taken the lock, or reads what
//! a Release store covers), and what the C library does inside its lock (`ptrace` steps through that).
//!
//! Invariant: nothing here is shared with the code under test. To find a step that the model lacks, read the tables in
//! [`steps`] and [`supervision`] beside the code.

mod memory;
mod program;
mod properties;
mod state;
mod steps;
mod supervision;
mod tests;

use std::fmt::Debug;

use crate::exploration::{Look, Model, Move, Violation};
use program::Mutant;
use program::Programs;
use state::State;

/// The most tickets: as many digits as fit in the model's value.
const TICKETS: usize = 4;

/// The most processes at one time: the supervisor, a worker a ticket, and those that a dead coordinator left.
const ACTORS: usize = 8;

/// What is to be explored.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Tickets that a coordinator gives out; without any there is no coordinator.
    pub reserved: u8,
    /// Tickets for workers started by hand.
    pub open: u8,
    /// Workers started by hand; without a coordinator one more for each that died.
    pub joiners: u8,
    /// Deaths at any step.
    pub crashes: u8,
    /// Whether the coordinator may die too; then another takes the run over.
    pub coordinator_dies: bool,
    /// Launches for tickets whose worker is alive.
    pub early: u8,
    /// Whether a ticket's role keeps a second worker out, as the kernel does.
    pub roles: bool,
    /// Whether the coordinator looks for workers by hand before it releases the lock under which it closed the segment,
    /// as the code does.
    pub greets_under_lock: bool,
    pub mutant: Mutant,
}

impl Setup {
    /// A run of that many launched workers.
    pub fn run(workers: u8, crashes: u8) -> Self {
        Self {
            reserved: workers,
            open: 0,
            joiners: 0,
            crashes,
            coordinator_dies: false,
            early: 0,
            roles: true,
            greets_under_lock: true,
            mutant: Mutant::None,
        }
    }

    /// That many workers started by hand, in a segment without a coordinator.
    pub fn by_hand(workers: u8, crashes: u8) -> Self {
        Self { open: workers, joiners: workers, ..Self::run(0, crashes) }
    }

    /// A run with one open ticket, and two workers by hand: the second takes over what the first leaves behind.
    pub fn joined(workers: u8, crashes: u8) -> Self {
        Self { open: 1, joiners: 2, ..Self::run(workers, crashes) }
    }

    /// The number of the last ticket.
    fn tickets(&self) -> u8 {
        self.reserved + self.open
    }
}

/// The model of one setup.
pub struct Protocol {
    setup: Setup,
    look: Look,
    /// Whether the coordinator must have printed each contribution that it reports.
    prints_all: bool,
    programs: Programs,
}

impl Protocol {
    pub fn new(setup: &Setup, look: Look) -> Self {
        Self { setup: *setup, look, prints_all: false, programs: Programs::new(setup.mutant) }
    }

    /// The same, where the coordinator must have printed each contribution that it reports.
    pub fn that_prints_all(setup: &Setup) -> Self {
        Self { prints_all: true, ..Self::new(setup, Look::Through) }
    }
}

impl Model for Protocol {
    type State = State;

    fn first(&self) -> State {
        State::new(&self.setup)
    }

    fn successors(&self, state: &State) -> Vec<(Move, State)> {
        steps::successors(state, &self.setup, &self.programs)
    }

    fn judge(&self, state: &State) -> Result<(), Violation> {
        properties::judge(state, self.look, self.prints_all)
    }

    fn judge_step(&self, before: &State, after: &State) -> Result<(), Violation> {
        properties::judge_step(before, after)
    }

    fn judge_end(&self, state: &State) -> Result<(), Violation> {
        properties::judge_end(state, &self.setup)
    }

    /// While a process is dying a launch may be made over and over; the kernel does not let it die for ever.
    fn passes(state: &State) -> bool {
        state.is_somebody_dying()
    }

    fn process(state: &State, number: usize) -> &dyn Debug {
        &state.actors[number]
    }
}
