//! A model of the chunk protocol: how workers divide a range, commit chunks, and take over those of dead workers. Each
//! process is a small program of single stores, and may die after any of them.
//!
//! What it leaves out: the coordinator's steps but for those of `reopen` (the commit protocol has them; here a ticket that is
//! not done and has no worker gets one), how many workers may die with a chunk (here it is set aside after any death), when a worker is asked to leave (here at any time), which orphan a hint names (here any), how many
//! iterations a chunk has, and the order in which other processors see stores.
//!
//! Invariant: nothing here is shared with the code under test. To find a step that the model lacks, read the table in
//! [`steps`] beside the code.

mod actor;
mod decision;
mod lifetime;
mod memory;
mod program;
mod properties;
mod state;
mod steps;
mod tests;

use std::fmt::Debug;
use std::ops::RangeInclusive;

use crate::exploration::{Look, Model, Move, Violation};
use program::Mutant;
use program::Programs;
use state::State;

/// The most tickets.
const TICKETS: usize = 3;

/// The most processes at one time: a launched worker a ticket, and behind these the ones by hand and the rivals.
const ACTORS: usize = 6;

/// The places of those by hand and of rivals.
const BEHIND: RangeInclusive<u8> = 3..=5;

/// The most ranges that are set aside.
const PLACES: usize = 2;

/// What is to be explored.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Tickets that a coordinator gives out.
    pub reserved: u8,
    /// Tickets for workers started by hand.
    pub open: u8,
    /// Workers started by hand.
    pub joiners: u8,
    /// Whether another one is started by hand for each of these that ends before its ticket is done.
    pub replaces: bool,
    /// The iterations of the range: at most the digits of the model's value.
    pub range: u8,
    /// How many iterations a chunk has.
    pub size: u8,
    /// Deaths at any step.
    pub deaths: u8,
    /// How often a worker leaves though there is more to do.
    pub leaves: u8,
    /// How often a slow worker is taken for dead: by a launch, or, without roles, by a worker that steals its chunk.
    pub misjudgements: u8,
    /// How often a chunk is set aside: its attempts fail, or too many workers died with it.
    pub failures: u8,
    /// How often a coordinator resumes the run while something is set aside. One that dies is followed by another one.
    pub resumes: u8,
    /// Whether the kernel knows who works under a ticket.
    pub roles: bool,
    pub mutant: Mutant,
}

impl Setup {
    /// A run of that many launched workers.
    pub fn run(workers: u8, range: u8, deaths: u8) -> Self {
        Self {
            reserved: workers,
            open: 0,
            joiners: 0,
            replaces: true,
            range,
            size: 1,
            deaths,
            leaves: 0,
            misjudgements: 0,
            failures: 0,
            resumes: 0,
            roles: true,
            mutant: Mutant::None,
        }
    }

    /// That many workers started by hand, in a segment without a coordinator.
    pub fn by_hand(workers: u8, range: u8, deaths: u8) -> Self {
        Self { open: workers, joiners: workers, ..Self::run(0, range, deaths) }
    }

    /// The number of the last ticket.
    fn tickets(&self) -> u8 {
        self.reserved + self.open
    }
}

/// The model of one setup.
pub struct Chunks {
    setup: Setup,
    look: Look,
    programs: Programs,
}

impl Chunks {
    pub fn new(setup: &Setup, look: Look) -> Self {
        Self { setup: *setup, look, programs: Programs::new(setup.mutant) }
    }
}

impl Model for Chunks {
    type State = State;

    fn first(&self) -> State {
        State::new(&self.setup)
    }

    fn successors(&self, state: &State) -> Vec<(Move, State)> {
        steps::successors(state, &self.setup, &self.programs)
    }

    fn judge(&self, state: &State) -> Result<(), Violation> {
        properties::judge(state, self.look, &self.setup, &self.programs)
    }

    fn judge_step(&self, before: &State, after: &State) -> Result<(), Violation> {
        properties::judge_step(before, after)
    }

    fn judge_end(&self, state: &State) -> Result<(), Violation> {
        properties::judge_end(state, &self.setup)
    }

    fn process(state: &State, number: usize) -> &dyn Debug {
        &state.actors[number]
    }
}
