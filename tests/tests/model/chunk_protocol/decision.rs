//! What `first_chunk` and `commit_chunk` read before they store anything, and what they make of it.
//!
//! Only roles of dying processes change while the lock is held, so this is one step. The orphan is a hint read without
//! the lock: it may be any ticket, or none although there is one.

use super::Setup;
use super::actor::{Actor, At, Errand, Next};
use super::memory::{Memory, Place, Record, Slot, Stretch, digits, iterations};
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
    let may_fail = |chunk| state.failures_left > 0 && state.memory.place_for(chunk).is_some();
    let failed = |after: State| State { failures_left: state.failures_left - 1, ..after };
    if !is_own || (actor.errand == Errand::Commit && !has_chunk) {
        return vec![state.with(number, |actor| (actor.errand, actor.at) = (Errand::Superseded, At::Unlocking))];
    }
    let with = |next| state.with(number, |actor| (actor.next, actor.at) = (next, At::Inside(1)));
    if actor.errand == Errand::First && goes_on {
        let mut all = vec![state.with(number, |actor| actor.at = At::Unlocking)];
        if may_fail(slot.chunk) {
            all.push(failed(with(Next::SetAside)));
        }
        return all;
    }
    let may_retry = state.memory.given_out >= setup.range && state.memory.first_open_place().is_some();
    let mut all = vec![with(if may_retry { Next::Retry } else { Next::New })];
    if actor.errand == Errand::Commit && may_fail(slot.chunk) {
        all.push(failed(with(Next::SetAside)));
    }
    if state.leaves_left > 0 {
        all.push(State { leaves_left: state.leaves_left - 1, ..with(Next::Leave) });
    }
    if setup.mutant != Mutant::TakenLater {
        let others = (1..=setup.tickets()).filter(|ticket| *ticket != actor.ticket);
        for ticket in others {
            all.extend(orphaned(state, ticket, setup, with(Next::Orphan(ticket))));
            if may_fail(state.memory.slot(ticket).chunk) {
                all.extend(orphaned(state, ticket, setup, failed(with(Next::Discard(ticket)))));
            }
        }
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

/// What `advance` or `reopen` records.
pub fn record(memory: &Memory, actor: &Actor, setup: &Setup) -> Record {
    if let Next::Open(ticket) = actor.next {
        return opening(memory, ticket, setup);
    }
    let slot = memory.slot(actor.ticket);
    let Taken { mut chunk, stolen, mut cursor, changed } = next(memory, actor, setup);
    let is_new = actor.next == Next::New;
    let is_last = cursor == setup.range && setup.mutant == Mutant::DoneWithLastChunk;
    let is_done = is_new && (iterations(chunk).is_empty() || is_last);
    if setup.mutant == Mutant::TakenLater && is_new {
        (chunk, cursor) = ([0; 2], memory.given_out);
    }
    let applied = if actor.next == Next::SetAside { [0; 2] } else { actor.chunk };
    let added = digits(applied);
    let before = if setup.mutant == Mutant::ContributionIsAdded { [0; 2] } else { slot.contribution };
    let slot = Slot {
        claim: if is_done { Claim::Done(actor.epoch) } else { Claim::Taken(actor.epoch) },
        contribution: before.map(|word| word + added),
        chunk,
        chunks: slot.chunks + u8::from(!iterations(applied).is_empty()),
        iterations: slot.iterations + applied[1] - applied[0],
    };
    let (value, done) = (memory.value + added, memory.log.count + u8::from(is_done));
    let (number, place) = changed.unwrap_or((0, Place::FREE));
    Record { ticket: actor.ticket, has_chunk: true, stolen, slot, value, cursor, done, number, place }
}

/// What `open_last_ticket` records.
fn opening(memory: &Memory, ticket: u8, setup: &Setup) -> Record {
    let slot = Slot { claim: Claim::Taken(memory.slot(ticket).claim.epoch()), ..*memory.slot(ticket) };
    let done = memory.log.count - u8::from(setup.mutant != Mutant::OpenedStaysLogged);
    Record { ticket, slot, value: memory.value, done, ..Record::EMPTY }
}

/// What `next` takes, and what it changes.
struct Taken {
    chunk: Stretch,
    stolen: u8,
    /// How far the range is given out then.
    cursor: u8,
    changed: Option<(u8, Place)>,
}

fn next(memory: &Memory, actor: &Actor, setup: &Setup) -> Taken {
    let cursor = memory.given_out;
    let nothing = Taken { chunk: [0; 2], stolen: 0, cursor, changed: None };
    match actor.next {
        Next::New if cursor < setup.range => {
            let end = setup.range.min(cursor + setup.size);
            Taken { chunk: [cursor, end], cursor: end, ..nothing }
        }
        Next::Retry => memory.first_open_place().map_or(nothing, |found| retried(found, cursor, setup)),
        Next::Orphan(ticket) => Taken { chunk: memory.slot(ticket).chunk, stolen: ticket, ..nothing },
        Next::Discard(ticket) => {
            Taken { stolen: ticket, changed: memory.place_for(memory.slot(ticket).chunk), ..nothing }
        }
        Next::SetAside => {
            let held = memory.slot(actor.ticket).chunk;
            let chunk = if setup.mutant == Mutant::SetAsideIsKept { held } else { [0; 2] };
            Taken { chunk, changed: memory.place_for(held), ..nothing }
        }
        Next::New | Next::Leave | Next::Open(_) => nothing,
    }
}

/// A chunk of a range that is given out again.
fn retried((number, place): (u8, Place), cursor: u8, setup: &Setup) -> Taken {
    let [start, end] = place.range;
    let to = end.min(start + setup.size);
    let rest = if to < end { [to, end] } else { [0; 2] };
    let rest = if setup.mutant == Mutant::RetriedStaysSetAside { place.range } else { rest };
    Taken { chunk: [start, to], stolen: 0, cursor, changed: Some((number, Place { range: rest, is_open: true })) }
}
