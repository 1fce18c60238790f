//! Victims that commit a chunk and take the next one with it.
//!
//! Iteration i contributes 4^i to the first cell, twice that to the second and so on: the base-4 digits of a cell show
//! how often each iteration was applied, independent of the rest of the ledger.

use std::ops::Range;

use common::{
    Cells, Ledger, LockedLedger, Mode, Number, Segment, Snapshot, TakeOver, Terms, Then, WorkerSnapshot, WorkerState,
};

use super::contributions::integers;
use super::{Subject, sound, terms};
use crate::test_env::until;

/// Iterations in a chunk.
const SIZE: u64 = 3;

/// The ticket whose worker is killed.
const VICTIM: u32 = 1;

/// The ticket whose worker is already dead.
const ORPHAN: u32 = 2;

/// The state of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    /// Its applied chunk.
    pub applied: Range<u64>,
    /// The chunk that it holds.
    pub held: Range<u64>,
    /// Whether it is done.
    pub is_done: bool,
}

impl Hand {
    /// Nothing.
    pub const EMPTY: Self = Self { applied: 0..0, held: 0..0, is_done: false };

    /// A held chunk.
    #[must_use]
    pub const fn holding(held: Range<u64>) -> Self {
        Self { held, ..Self::EMPTY }
    }
}

/// One commit of a chunk: the states before and after it.
#[derive(Clone)]
pub struct Chunks {
    /// What the victim does with the lock: `chunk` or `first` (`victims/steps.rs`).
    pub action: &'static str,
    /// Iterations of the range.
    pub iterations: u64,
    /// Cells of the value.
    pub cells: u32,
    /// The victim's ticket, and that of a dead worker.
    pub before: [Hand; 2],
    /// The same after the commit.
    pub after: [Hand; 2],
}

impl Chunks {
    /// A commit that takes a new chunk.
    #[must_use]
    pub fn taking(cells: u32) -> Self {
        let after = Hand { applied: 0..3, ..Hand::holding(3..6) };
        Self {
            action: "chunk",
            iterations: 12,
            cells,
            before: [Hand::holding(0..3), Hand::EMPTY],
            after: [after, Hand::EMPTY],
        }
    }

    /// A commit that takes over a dead worker's chunk.
    #[must_use]
    pub fn stealing(cells: u32) -> Self {
        let after = Hand { applied: 3..6, ..Hand::holding(0..3) };
        let before = [Hand::holding(3..6), Hand::holding(0..3)];
        Self { before, after: [after, Hand::EMPTY], ..Self::taking(cells) }
    }

    /// A commit after which nothing is left.
    #[must_use]
    pub fn ending(cells: u32) -> Self {
        let after = Hand { applied: 0..3, is_done: true, ..Hand::EMPTY };
        Self { iterations: 3, after: [after, Hand::EMPTY], ..Self::taking(cells) }
    }

    /// The first chunk of a fresh ticket.
    #[must_use]
    pub fn beginning(cells: u32) -> Self {
        let after = [Hand::holding(0..3), Hand::EMPTY];
        Self { action: "first", before: [Hand::EMPTY; 2], after, ..Self::taking(cells) }
    }

    /// The first chunk of a fresh ticket, taken over from a dead worker.
    #[must_use]
    pub fn beginning_with_an_orphan(cells: u32) -> Self {
        let before = [Hand::EMPTY, Hand::holding(0..3)];
        Self { before, ..Self::beginning(cells) }
    }

    /// The sum of a range, for each cell.
    fn sums(&self, range: &Range<u64>) -> Vec<i128> {
        let sum: i128 = range.clone().map(|iteration| 1_i128 << (2 * iteration)).sum();
        (1..=self.cells).map(|cell| i128::from(cell) * sum).collect()
    }

    fn orphan(&self) -> u32 {
        if self.before[1].held.is_empty() { 0 } else { ORPHAN }
    }

    /// Checks that each iteration is applied, held or not given out, once in all.
    fn check_places(&self, snapshot: &Snapshot) -> Result<(), String> {
        for (cell, value) in (1..).zip(integers(&snapshot.value.map(|value| value.number()))) {
            for iteration in 0..self.iterations {
                let applied = (value / cell) >> (2 * iteration) & 3;
                let holders = snapshot.workers.iter().filter(|worker| worker.chunk.contains(&iteration)).count();
                let places = applied
                    + i128::from(iteration >= snapshot.given_out)
                    + i128::try_from(holders).expect("there are two tickets");
                if places != 1 {
                    return Err(format!("iteration {iteration} is in {places} places, applied {applied} times"));
                }
            }
            if value % cell != 0 || value >> (2 * self.iterations) != 0 {
                return Err(format!("cell {cell} holds {value}, which no iterations make"));
            }
        }
        Ok(())
    }

    /// Whether the ledger is exactly in this state.
    fn is_at(&self, hands: &[Hand; 2], snapshot: &Snapshot) -> bool {
        let given_out = hands.iter().flat_map(|hand| [hand.applied.end, hand.held.end]).max();
        let is_as = |ticket: u32, hand: &Hand| match snapshot.worker(ticket) {
            None => *hand == Hand::EMPTY,
            Some(worker) => {
                let counted = hand.applied.end - hand.applied.start;
                let contribution = worker.contribution.as_ref().map_or(self.sums(&(0..0)), integers);
                let figures = (worker.chunks, worker.iterations, contribution);
                hand_of(worker) == (hand.held.clone(), hand.is_done)
                    && figures == (u64::from(counted > 0), counted, self.sums(&hand.applied))
            }
        };
        Some(snapshot.given_out) == given_out && is_as(VICTIM, &hands[0]) && is_as(ORPHAN, &hands[1])
    }
}

impl Subject for Chunks {
    fn terms(&self) -> Terms {
        Terms { mode: Mode::Split, iterations: self.iterations, cells: self.cells, ..terms(2) }
    }

    fn prepare(&mut self, segment: &Segment) {
        let mut hands: Vec<(&Hand, u32)> = self.before.iter().zip([VICTIM, ORPHAN]).collect();
        hands.sort_by_key(|(hand, _)| hand.held.start);
        for (hand, ticket) in hands.into_iter().filter(|(hand, _)| !hand.held.is_empty()) {
            // Another attachment, dropped at the end.
            let worker = Segment::attach(segment.name()).expect("it is there");
            let mut guard = Ledger::of(&worker).lock_within(super::PATIENCE).expect("nobody has it");
            let Ok(TakeOver::Taken(claim)) = guard.take(ticket) else { panic!("nobody has ticket {ticket}") };
            let chunk = guard.first_chunk(&claim, Then::Take { size: SIZE, orphan: None });
            assert_eq!(chunk.expect("the ledger is sound").as_ref(), Some(&hand.held));
        }
        // A child of another test holds this process's roles until its exec.
        for ticket in [VICTIM, ORPHAN] {
            until("the role to be free", || segment.has_worker(ticket).is_ok_and(|has_worker| !has_worker));
        }
    }

    fn action(&self) -> &'static str {
        self.action
    }

    fn args(&self) -> Vec<String> {
        vec![VICTIM.to_string(), SIZE.to_string(), self.orphan().to_string()]
    }

    fn finish(&mut self, mut guard: LockedLedger<'_>) -> Result<(), String> {
        let segment = guard.segment();
        let snapshot = sound(segment)?;
        self.check_places(&snapshot)?;
        if !self.is_at(&self.before, &snapshot) && !self.is_at(&self.after, &snapshot) {
            let held = snapshot.workers.iter().map(|worker| (worker.ticket, worker.chunk.clone(), worker.chunks));
            let (value, held) = (&snapshot.value, held.collect::<Vec<_>>());
            return Err(format!("the commit happened in part: the value is {value}; ticket, chunk, chunks: {held:?}"));
        }
        let (was_held, was_done) = snapshot.worker(VICTIM).map_or((0..0, false), hand_of);
        let claim = match guard.take(VICTIM).map_err(|error| format!("the ticket cannot be taken over: {error}"))? {
            TakeOver::Taken(claim) if !was_done => claim,
            TakeOver::AlreadyDone if was_done => return Ok(()),
            _ => return Err("the ticket is done and can be taken, or the other way round".to_owned()),
        };
        let then = || Ledger::of(segment).orphan().map(|orphan| Then::Take { size: SIZE, orphan });
        let share = |guard: &mut LockedLedger<'_>| {
            let mut chunk = guard.first_chunk(&claim, then()?)?;
            let began_with = chunk.clone();
            while let Some(held) = chunk {
                let contribution: Cells<Number> = self.sums(&held).into_iter().map(Number::Integer).collect();
                chunk = guard.commit_chunk(&claim, &held, contribution, then()?)?;
            }
            Ok(began_with)
        };
        let began_with = share(&mut guard).map_err(|error: common::Error| error.to_string())?.unwrap_or(0..0);
        if was_held.is_empty() || was_held == began_with {
            return Ok(());
        }
        Err(format!("the ticket held {was_held:?}, and who took it over began with {began_with:?}"))
    }

    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String> {
        self.check_places(snapshot)?;
        // The sum of 4^0 to 4^(n-1).
        let total = ((1_i128 << (2 * self.iterations)) - 1) / 3;
        let values: Vec<i128> = (1..=self.cells).map(|cell| i128::from(cell) * total).collect();
        let chunks: u64 = snapshot.workers.iter().map(|worker| worker.chunks).sum();
        let is_whole = snapshot.is_complete() && snapshot.iterations_done() == self.iterations;
        let total = snapshot.exact_total().map(|total| total.as_slice().to_vec());
        if is_whole && total.as_ref() == Some(&values) && chunks == self.iterations / SIZE {
            return Ok(false);
        }
        Err(format!("{chunks} chunks were applied, which make {total:?}, not {values:?}"))
    }
}

/// The chunk of a ticket, and whether the ticket is done.
fn hand_of(worker: &WorkerSnapshot) -> (Range<u64>, bool) {
    (worker.chunk.clone(), worker.state == WorkerState::Done)
}
