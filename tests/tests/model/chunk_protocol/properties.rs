//! What must hold, in every state, between two states, and at the end.

use super::Setup;
use super::actor::{At, Errand};
use super::memory::{Memory, Place, Slot, digits, iterations};
use super::program::Programs;
use super::state::State;
use crate::exploration::{Claim, Look, Mutex, Violation};

/// Checks a state.
pub fn judge(state: &State, look: Look, setup: &Setup, programs: &Programs) -> Result<(), Violation> {
    let all_added: u16 = state.history.added.iter().sum();
    if all_added & !digits([0, setup.range]) != 0 {
        return Err(Violation::Twice);
    }
    if state.mutex == Mutex::NotRecoverable {
        return Err(Violation::Damaged);
    }
    if setup.roles && state.actors.iter().any(|actor| actor.errand == Errand::Superseded) {
        return Err(Violation::Superseded);
    }
    read_without_lock(state)?;
    let is_at_rest = state.mutex == Mutex::Free && !state.memory.needs_recovery();
    match look {
        Look::Through => settle(&recovered(&state.memory, programs)?, state, setup),
        Look::AtRest if is_at_rest => settle(&state.memory, state, setup),
        Look::AtRest => Ok(()),
    }
}

/// The memory after a recovery.
fn recovered(memory: &Memory, programs: &Programs) -> Result<Memory, Violation> {
    let mut memory = memory.clone();
    if memory.needs_recovery() {
        if memory.applied + 1 != memory.published || !memory.record_is_sound() {
            return Err(Violation::Damaged);
        }
        let record = memory.record;
        for word in programs.recovery(&record) {
            memory.apply(*word, &record);
        }
    }
    Ok(memory)
}

/// `Snapshot::check`, and who contributed what, where each iteration is, and that the log is the history.
fn settle(memory: &Memory, state: &State, setup: &Setup) -> Result<(), Violation> {
    let mut sum = 0;
    for (slot, added) in memory.slots.iter().zip(state.history.added) {
        sum += added;
        let applied = (0..setup.range).filter(|iteration| has(added, *iteration));
        let (count, chunks) = applied
            .fold((0, 0), |(count, chunks), iteration| (count + 1, chunks + u8::from(iteration % setup.size == 0)));
        if slot.contribution != [added; 2] || (slot.iterations, slot.chunks) != (count, chunks) {
            return Err(Violation::Sum);
        }
        if slot.claim.is_done() && slot.holds_chunk() {
            return Err(Violation::Stranded);
        }
    }
    if memory.value != sum {
        return Err(Violation::Sum);
    }
    let is_held = |slot: &&Slot, iteration: u8| iterations(slot.chunk).contains(&iteration);
    let places = |iteration| {
        let held = memory.slots.iter().filter(|slot| is_held(slot, iteration)).count();
        let set_aside = memory.places.iter().filter(|place| iterations(place.range).contains(&iteration)).count();
        held + set_aside + usize::from(has(sum, iteration)) + usize::from(iteration >= memory.given_out)
    };
    if memory.given_out > setup.range || (0..setup.range).any(|iteration| places(iteration) != 1) {
        return Err(Violation::Place);
    }
    let done = memory.slots.iter().filter(|slot| slot.claim.is_done()).count();
    let is_logged = memory.log.counted() == state.history.done.counted();
    if is_logged && done == state.history.done.counted().len() { Ok(()) } else { Err(Violation::Log) }
}

/// Whether the sum has that iteration's digit.
fn has(sum: u16, iteration: u8) -> bool {
    sum & digits([iteration, iteration + 1]) != 0
}

/// What a coordinator prints during the run, for all that `Ledger::done` counts.
fn read_without_lock(state: &State) -> Result<(), Violation> {
    let memory = &state.memory;
    if state.is_opening() {
        // Only the coordinator that opens tickets reads the log, and it waits until it has opened them.
        return Ok(());
    }
    if !memory.log.begins(&state.history.done) {
        return Err(Violation::Log);
    }
    let is_whole = |ticket: &u8| {
        let slot = memory.slot(*ticket);
        slot.claim.is_done() && slot.contribution == [state.history.added[usize::from(ticket - 1)]; 2]
    };
    if memory.log.counted().iter().all(is_whole) { Ok(()) } else { Err(Violation::Torn) }
}

/// Checks a step: done tickets do not change, and the log only grows, but for a ticket that is opened again.
pub fn judge_step(before: &State, after: &State) -> Result<(), Violation> {
    if before.is_opening() {
        return Ok(());
    }
    let mut slots = before.memory.slots.iter().zip(&after.memory.slots);
    let stays = slots.all(|(before, after)| !before.claim.is_done() || before == after);
    if stays && before.memory.log.count <= after.memory.log.count { Ok(()) } else { Err(Violation::Undone) }
}

/// Checks a state that only crashes lead out of.
pub fn judge_end(state: &State, setup: &Setup) -> Result<(), Violation> {
    let nobody_waits = state.actors.iter().all(|actor| actor.at == At::Absent);
    let is_open = |place: &Place| place.is_open && !place.is_free();
    let set_aside: u16 = state.memory.places.iter().map(|place| digits(place.range)).sum();
    let is_applied = state.memory.value + set_aside == digits([0, setup.range]);
    let is_applied = is_applied && !state.memory.places.iter().any(is_open);
    let are_done = (1..=setup.reserved).all(|ticket| state.claim(ticket).is_done());
    let is_left_behind = |ticket| matches!(state.claim(ticket), Claim::Taken(_));
    let is_left_behind = setup.replaces && (1..=setup.tickets()).any(is_left_behind);
    if nobody_waits && is_applied && are_done && !is_left_behind { Ok(()) } else { Err(Violation::Incomplete) }
}
