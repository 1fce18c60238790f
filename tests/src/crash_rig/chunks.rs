//! Victims that commit a chunk and take the next one with it.
//!
//! Iteration i contributes 4^i to the first cell, twice that to the second and so on: the base-4 digits of a cell show
//! how often each iteration was applied, independent of the rest of the ledger.

use std::ops::Range;

use common::{
    Cause, Cells, Claim, Ledger, LockedLedger, Mode, Number, Origin, Segment, Snapshot, TakeOver, Terms, Then,
    WorkerSnapshot, WorkerState,
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
    /// How many workers may die with a chunk.
    pub restarts: u32,
    /// The victim's ticket, and that of a dead worker.
    pub before: [Hand; 2],
    /// The same after the commit.
    pub after: [Hand; 2],
    /// The same between two commits under one lock, the first of which sets a range aside.
    pub between: Option<[Hand; 2]>,
    /// The range that is set aside before and after.
    pub set_aside: [Range<u64>; 2],
    /// Workers that died with each ticket's chunk before its last one.
    pub deaths: [u32; 2],
}

impl Chunks {
    /// The sum of a range, for each cell.
    fn sums(&self, range: &Range<u64>) -> Vec<i128> {
        self.contribution_of(range.clone())
    }

    fn contribution_of(&self, iterations: impl Iterator<Item = u64>) -> Vec<i128> {
        let sum: i128 = iterations.map(|iteration| 1_i128 << (2 * iteration)).sum();
        (1..=self.cells).map(|cell| i128::from(cell) * sum).collect()
    }

    fn orphan(&self) -> u32 {
        if self.before[1].held.is_empty() { 0 } else { ORPHAN }
    }

    /// Checks that each iteration is applied, held, set aside or not given out, once in all.
    fn check_places(&self, snapshot: &Snapshot) -> Result<(), String> {
        for (cell, value) in (1..).zip(integers(&snapshot.value.map(|value| value.number()))) {
            for iteration in 0..self.iterations {
                let applied = (value / cell) >> (2 * iteration) & 3;
                let holders = snapshot.workers.iter().filter(|worker| worker.chunk.contains(&iteration)).count();
                let set_aside = snapshot.set_aside.iter().any(|missing| missing.range.contains(&iteration));
                let places = applied
                    + i128::from(set_aside)
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
    fn is_at(&self, hands: &[Hand; 2], set_aside: &Range<u64>, snapshot: &Snapshot) -> bool {
        let ends = hands.iter().flat_map(|hand| [hand.applied.end, hand.held.end]);
        let given_out = ends.chain(self.set_aside.iter().map(|range| range.end).take(1)).chain([set_aside.end]).max();
        let is_set_aside =
            snapshot.set_aside.iter().map(|missing| missing.range.clone()).filter(|range| !range.is_empty());
        let is_set_aside = is_set_aside.eq(std::iter::once(set_aside.clone()).filter(|range| !range.is_empty()));
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
        is_set_aside && Some(snapshot.given_out) == given_out && is_as(VICTIM, &hands[0]) && is_as(ORPHAN, &hands[1])
    }
}

impl Chunks {
    /// Sets the first chunks aside, applies the last one under the victim's ticket if that is to be done, and gives out
    /// again what was set aside unless that is the victim's task.
    fn prepare_set_aside(&self, segment: &Segment) {
        let worker = Segment::attach(segment.name()).expect("it is there");
        let mut guard = Ledger::of(&worker).lock_within(super::PATIENCE).expect("nobody has it");
        let is_opened = self.before[0].is_done;
        let claim = take(&mut guard, if is_opened { VICTIM } else { ORPHAN });
        let then = Then::Take { size: SIZE, orphan: None };
        let mut chunk = guard.first_chunk(&claim, then).expect("the ledger is sound");
        while let Some(held) = chunk {
            chunk = if self.set_aside[0].contains(&held.start) {
                guard.set_aside(&claim, &held, Cause::Failed, 1, then)
            } else {
                guard.commit_chunk(&claim, &held, self.contribution(&held), then)
            }
            .expect("the chunk is its own");
        }
        if !is_opened {
            let _ = guard.reopen().expect("the ledger is sound");
        }
    }

    fn contribution(&self, chunk: &Range<u64>) -> Cells<Number> {
        self.sums(chunk).into_iter().map(Number::Integer).collect()
    }
}

/// Waits until nobody works under the ticket: a child of another test holds this process's roles until its exec.
fn until_free(segment: &Segment, ticket: u32) {
    until("the role to be free", || segment.has_worker(ticket).is_ok_and(|has_worker| !has_worker));
}

fn take(guard: &mut LockedLedger<'_>, ticket: u32) -> Claim {
    let Ok(TakeOver::Taken(claim)) = guard.take(ticket) else { panic!("nobody has ticket {ticket}") };
    claim
}

impl Subject for Chunks {
    fn terms(&self) -> Terms {
        // Tickets are opened only for a coordinator.
        let origin = if self.action == "reopen" { Origin::Run } else { Origin::ByHand };
        let Self { iterations, cells, restarts, .. } = *self;
        Terms { mode: Mode::Split, origin, iterations, cells, restarts, ..terms(2) }
    }

    fn prepare(&mut self, segment: &Segment) {
        let mut hands: Vec<(&Hand, u32)> = self.before.iter().zip([VICTIM, ORPHAN]).collect();
        hands.sort_by_key(|(hand, _)| hand.held.start);
        for (hand, ticket) in hands.into_iter().filter(|(hand, _)| !hand.held.is_empty()) {
            let workers = 1 + self.deaths[ticket as usize - 1];
            for _ in 0..workers {
                until_free(segment, ticket);
                // Another attachment, dropped at the end.
                let worker = Segment::attach(segment.name()).expect("it is there");
                let mut guard = Ledger::of(&worker).lock_within(super::PATIENCE).expect("nobody has it");
                let claim = take(&mut guard, ticket);
                let chunk = guard.first_chunk(&claim, Then::Take { size: SIZE, orphan: None });
                assert_eq!(chunk.expect("the ledger is sound").as_ref(), Some(&hand.held));
            }
        }
        if !self.set_aside[0].is_empty() {
            self.prepare_set_aside(segment);
        }
        for ticket in [VICTIM, ORPHAN] {
            until_free(segment, ticket);
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
        let [before, after] = &self.set_aside;
        let is_between = self.between.as_ref().is_some_and(|between| self.is_at(between, after, &snapshot));
        if !self.is_at(&self.before, before, &snapshot) && !is_between && !self.is_at(&self.after, after, &snapshot) {
            let held = snapshot.workers.iter().map(|worker| (worker.ticket, worker.chunk.clone(), worker.chunks));
            let (value, held) = (&snapshot.value, held.collect::<Vec<_>>());
            return Err(format!("the commit happened in part: the value is {value}; ticket, chunk, chunks: {held:?}"));
        }
        let (was_held, was_done) = snapshot.worker(VICTIM).map_or((0..0, false), hand_of);
        let was_done = if self.action == "reopen" {
            // The next coordinator goes on.
            let _ = guard.reopen().map_err(|error| format!("the run cannot be resumed: {error}"))?;
            false
        } else {
            was_done
        };
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
                chunk = guard.commit_chunk(&claim, &held, self.contribution(&held), then()?)?;
            }
            Ok(began_with)
        };
        let began_with = share(&mut guard).map_err(|error: common::Error| error.to_string())?.unwrap_or(0..0);
        if was_held.is_empty() || was_held == began_with || was_held == self.set_aside[1] {
            return Ok(());
        }
        Err(format!("the ticket held {was_held:?}, and who took it over began with {began_with:?}"))
    }

    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String> {
        self.check_places(snapshot)?;
        let set_aside: Vec<Range<u64>> = snapshot.set_aside.iter().map(|missing| missing.range.clone()).collect();
        let is_expected = set_aside.is_empty() || set_aside == [self.set_aside[1].clone()];
        let applied = (0..self.iterations).filter(|iteration| !set_aside.iter().any(|range| range.contains(iteration)));
        let values = self.contribution_of(applied.clone());
        let chunks: u64 = snapshot.workers.iter().map(|worker| worker.chunks).sum();
        let count = applied.count() as u64;
        let is_whole = snapshot.is_complete() == set_aside.is_empty() && snapshot.iterations_done() == count;
        let total = snapshot.exact_total().map(|total| total.as_slice().to_vec());
        if is_expected && is_whole && total.as_ref() == Some(&values) && chunks == count / SIZE {
            return Ok(false);
        }
        Err(format!("{chunks} chunks were applied, which make {total:?}, not {values:?}"))
    }
}

/// The chunk of a ticket, and whether the ticket is done.
fn hand_of(worker: &WorkerSnapshot) -> (Range<u64>, bool) {
    (worker.chunk.clone(), worker.state == WorkerState::Done)
}
