//! What `first_chunk` and `commit_chunk` read before they store anything, and what they make of it.
//!
//! Only roles of dying processes change while the lock is held, so this is one step. The orphan is a hint read without
//! the lock: it may be any ticket, or none although there is one.

use super::Setup;
use super::actor::{Actor, At, Errand, Next};
use super::memory::{Memory, Record, Slot, Stretch, digits, iterations};
use super::program::Mutant;
use super::state::State;
use crate::exploration::Claim;

/// Everything that may be decided.
pub fn decide(state: &State, number: u8, setup: &Setup) -> Vec<State> {
    let actor = state.actors[usize::from(number)];
    let slot = state.memory.slot(actor.ticket);
    let skips = |mutant| [mutant, Mutant::NothingIsCompared].contains(&setup.mutant);
    let is_own = slot.claim == Claim::Taken(actor.epoch) || skips(Mutant::EpochIsNotCompared);
    let has_chunk = slot.chunk == actor.chunk || skips(Mutant::ChunkIsNotCompared);
    let goes_on = slot.holds_chunk() && setup.mutant != Mutant::PredecessorIsIgnored;
    if !is_own || (actor.errand == Errand::Commit && !has_chunk) {
        return vec![state.with(number, |actor| (actor.errand, actor.at) = (Errand::Superseded, At::Unlocking))];
    }
    if actor.errand == Errand::First && goes_on {
        return vec![state.with(number, |actor| actor.at = At::Unlocking)];
    }
    let with = |next| state.with(number, |actor| (actor.next, actor.at) = (next, At::Inside(1)));
    let mut all = vec![with(Next::New)];
    if state.leaves_left > 0 {
        all.push(State { leaves_left: state.leaves_left - 1, ..with(Next::Leave) });
    }
    if setup.mutant != Mutant::TakenLater {
        let others = (1..=setup.tickets()).filter(|ticket| *ticket != actor.ticket);
        all.extend(others.filter_map(|ticket| orphaned(state, ticket, setup, with(Next::Orphan(ticket)))));
    }
    all
}

/// `orphaned`: `after`, if the chunk of that ticket may be taken over.
fn orphaned(state: &State, ticket: u8, setup: &Setup, after: State) -> Option<State> {
    let asks = setup.mutant != Mutant::RoleIsNotAskedFor;
    if !state.memory.slot(ticket).holds_chunk() || (asks && state.has_worker(ticket)) {
        return None;
    }
    if setup.roles || !state.has_process(ticket) {
        return Some(after);
    }
    // A live worker is taken for dead, because there are no roles.
    let misjudgements_left = state.misjudgements_left.checked_sub(1)?;
    Some(State { misjudgements_left, ..after })
}

/// What `go_on` records.
pub fn record(memory: &Memory, actor: &Actor, setup: &Setup) -> Record {
    let slot = memory.slot(actor.ticket);
    let (mut chunk, stolen, mut cursor) = next(memory, actor.next, setup);
    let is_new = actor.next == Next::New;
    let is_last = cursor == setup.range && setup.mutant == Mutant::DoneWithLastChunk;
    let is_done = is_new && (iterations(chunk).is_empty() || is_last);
    if setup.mutant == Mutant::TakenLater && is_new {
        (chunk, cursor) = ([0; 2], memory.given_out);
    }
    let added = digits(actor.chunk);
    let before = if setup.mutant == Mutant::ContributionIsAdded { [0; 2] } else { slot.contribution };
    let slot = Slot {
        claim: if is_done { Claim::Done(actor.epoch) } else { Claim::Taken(actor.epoch) },
        contribution: before.map(|word| word + added),
        chunk,
        chunks: slot.chunks + u8::from(actor.errand == Errand::Commit),
        iterations: slot.iterations + actor.chunk[1] - actor.chunk[0],
    };
    let (value, done) = (memory.value + added, memory.log.count + u8::from(is_done));
    Record { ticket: actor.ticket, has_chunk: true, stolen, slot, value, cursor, done }
}

/// `next`: a chunk, whose it was, and how far the range is given out then.
fn next(memory: &Memory, next: Next, setup: &Setup) -> (Stretch, u8, u8) {
    let cursor = memory.given_out;
    match next {
        Next::New if cursor < setup.range => {
            let end = setup.range.min(cursor + setup.size);
            ([cursor, end], 0, end)
        }
        Next::New | Next::Leave => ([0; 2], 0, cursor),
        Next::Orphan(ticket) => (memory.slot(ticket).chunk, ticket, cursor),
    }
}
