//! How processes start, and how they die.

use super::actor::{At, Errand};
use super::state::State;
use super::steps::lock;
use super::{BEHIND, Setup};
use crate::exploration::{Move, Mutex};

/// The processes that may be started. Nobody notices one before it has the lock, so it starts with the lock.
pub fn starts(state: &State, setup: &Setup) -> Vec<(Move, State)> {
    let mut all = Vec::new();
    let mut add = |by, after: &mut State, places, errand, ticket| {
        let number = after.start(places, errand, ticket);
        all.extend(lock(after, number).map(|after| (by, after)));
    };
    for ticket in 1..=setup.reserved {
        let mut after = state.clone();
        if !state.has_child(ticket) && !state.claim(ticket).is_done() {
            add(Move::Launch(ticket), &mut after, ticket - 1..=ticket - 1, Errand::Take, ticket);
        } else if state.has_child(ticket) && state.misjudgements_left > 0 {
            // A launch that the code never does: for a ticket whose worker is only slow.
            after.misjudgements_left -= 1;
            add(Move::Launch(ticket), &mut after, BEHIND, Errand::Take, ticket);
        }
    }
    if state.resumes_left > 0 && state.memory.places.iter().any(|place| !place.is_free()) {
        let mut after = State { resumes_left: state.resumes_left - 1, ..state.clone() };
        add(Move::Resume, &mut after, BEHIND, Errand::Reopen, 0);
    }
    if state.joiners_left > 0 {
        let mut after = State { joiners_left: state.joiners_left - 1, ..state.clone() };
        add(Move::Join, &mut after, BEHIND, Errand::Join, 0);
    }
    all
}

/// A death between two steps. The kernel releases the lock first. A process without the lock is gone at once: nobody
/// can tell a dying holder of a role from a slow one.
pub fn die(state: &State, number: u8, setup: &Setup, lock: Mutex) -> State {
    let mut after = State { deaths_left: state.deaths_left - 1, ..state.clone() };
    if state.mutex.is_held_by(number) {
        after.mutex = lock;
        after.memory.forget_record();
        let actor = after.actor(number);
        *actor = actor.ending(At::Dying);
        if actor.has_role {
            return after;
        }
    }
    after.end(number, setup);
    after
}
