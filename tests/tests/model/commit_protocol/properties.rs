//! What must hold, in every state, between two states, and at the end.

use super::Setup;
use super::memory::{Memory, Slot, Store, contribution};
use super::state::{At, State};
use crate::exploration::{Claim, Look, Mutex, Violation};

/// Checks a state.
pub fn judge(state: &State, look: Look, prints_all: bool) -> Result<(), Violation> {
    let committed = state.history.counted();
    if (1..).zip(committed).any(|(at, ticket)| committed[at..].contains(ticket)) {
        return Err(Violation::Twice);
    }
    if state.mutex == Mutex::NotRecoverable {
        return Err(Violation::Damaged);
    }
    let memory = &state.memory;
    read_without_lock(memory, committed)?;
    if prints_all && state.actors[0].at == At::Finished && memory.needs_recovery() {
        return Err(Violation::Unprinted);
    }
    let is_at_rest = state.mutex == Mutex::Free && !memory.needs_recovery();
    match look {
        Look::Through => settle(&recovered(memory)?, committed),
        Look::AtRest if is_at_rest => settle(memory, committed),
        Look::AtRest => Ok(()),
    }
}

/// The memory after a recovery.
fn recovered(memory: &Memory) -> Result<Memory, Violation> {
    let mut memory = memory.clone();
    if memory.needs_recovery() {
        if memory.applied + 1 != memory.published || !memory.record_is_sound() {
            return Err(Violation::Damaged);
        }
        let apply =
            [Store::Value, Store::Low, Store::High, Store::ValueAfter, Store::Claim, Store::Log, Store::DoneCount];
        for store in apply {
            memory.store(store, 0, 0);
        }
        memory.applied = memory.published;
    }
    Ok(memory)
}

/// `Snapshot::check`, and that the log is the history.
fn settle(memory: &Memory, committed: &[u8]) -> Result<(), Violation> {
    let done = (1..).zip(&memory.slots).filter(|(_, slot)| slot.claim.is_done());
    let (count, sum) = done.fold((0, 0), |(count, sum), (_, slot)| (count + 1, sum + slot.contribution[0]));
    if memory.value != sum {
        return Err(Violation::Sum);
    }
    let is_logged = memory.log.counted() == committed;
    if is_logged && count == committed.len() { Ok(()) } else { Err(Violation::Log) }
}

/// What a coordinator prints during the run: `Ledger::committed` for all that `Ledger::done` counts.
fn read_without_lock(memory: &Memory, committed: &[u8]) -> Result<(), Violation> {
    let mut sum = 0;
    for (place, &ticket) in memory.log.counted().iter().enumerate() {
        if ticket == 0 || committed.get(place) != Some(&ticket) {
            return Err(Violation::Log);
        }
        sum += contribution(ticket);
        let slot = memory.slot(ticket);
        let is_whole =
            slot.claim.is_done() && slot.contribution == [contribution(ticket); 2] && slot.value_after == sum;
        if !is_whole {
            return Err(Violation::Torn);
        }
    }
    Ok(())
}

/// Checks a step: done tickets do not change, and the log only grows.
pub fn judge_step(before: &State, after: &State) -> Result<(), Violation> {
    let (before, after) = (&before.memory, &after.memory);
    let stays = before.slots.iter().zip(&after.slots).all(|(before, after)| !before.claim.is_done() || before == after);
    if stays && before.log.begins(&after.log) { Ok(()) } else { Err(Violation::Undone) }
}

/// Checks a state that only crashes lead out of.
pub fn judge_end(state: &State, setup: &Setup) -> Result<(), Violation> {
    let nobody_waits = state.actors.iter().all(|actor| matches!(actor.at, At::Absent | At::Finished));
    // Beside a coordinator's tickets an open one may stay behind free, or with its dead worker; by hand all are done.
    let wanted = if setup.reserved > 0 { setup.reserved } else { setup.open };
    let all_are_done = (1..=wanted).all(|ticket| state.history.counted().contains(&ticket));
    let somebody_died = state.crashes_left < setup.crashes;
    let is_left_behind = |slot: &Slot| matches!(slot.claim, Claim::Taken(_));
    let none_is_left_behind = somebody_died || !state.memory.slots.iter().any(is_left_behind);
    if nobody_waits && all_are_done && none_is_left_behind { Ok(()) } else { Err(Violation::Incomplete) }
}
