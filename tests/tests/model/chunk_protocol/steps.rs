//! The transitions: a launch, a step of a process, or its death at any step.
//!
//! A test checks that each function in the right column exists.
//!
//! | model | code |
//! |---|---|
//! | `Launch`, `Join` | `Supervisor::launch`, for a ticket that is not done and has no worker; a worker by hand |
//! | `lock` | `Guard::acquire_within`, `Guard::recovered` |
//! | `Recovering`, `Reviving` | `recovery::recover` with `redo::apply`, `Handle::make_consistent` |
//! | `TakeRole`, `StoreClaim` | `LockedLedger::take`, `LockedLedger::join`, `Segment::try_take_ticket`, `ticket::assign` |
//! | `Retry`, `DecideToOpen` | `LockedLedger::retry_set_aside`, `LockedLedger::reopen`, `LockedLedger::open_last_ticket` |
//! | `Decide` | `LockedLedger::first_chunk`, `LockedLedger::commit_chunk`, `LockedLedger::set_aside`, `LockedLedger::take_next`, `LockedLedger::next`, `LockedLedger::orphaned`, up to `redo::commit` |
//! | `Record`, `Publish`, `Apply` | `redo::write_set_aside`, `redo::write_cell`, `redo::write`, `redo::publish`, `redo::apply`, in their orders |
//! | `unlocked` | `Guard::drop`, and what the worker does with the chunk that it got (`chunks::contribute_chunks`) |
//! | `die`, `State::end` | the end of a process in the kernel: robust list, then record locks |

use super::Setup;
use super::actor::{Actor, At, Errand, Next};
use super::decision::{decide, record};
use super::lifetime::{die, starts};
use super::memory::{Record, Slot};
use super::program::{Kind, Mutant, Programs, REOPENING, Step, TAKE, reopening};
use super::state::State;
use crate::exploration::{Claim, Move, Mutex};

/// Everything that may happen in a state.
pub fn successors(state: &State, setup: &Setup, programs: &Programs) -> Vec<(Move, State)> {
    let mut all = starts(state, setup);
    for (number, actor) in (0_u8..).zip(&state.actors) {
        all.extend(step(state, number, setup, programs).into_iter().map(|after| (Move::Step(number), after)));
        if state.deaths_left > 0 && actor.may_die() {
            all.push((Move::Crash(number), die(state, number, setup, Mutex::OwnerDied)));
            // Another end under the lock: the guard is dropped by a panic between any two halves of a commit.
            if matches!(actor.at, At::Inside(_)) {
                all.push((Move::Panic(number), die(state, number, setup, state.mutex.released())));
            }
        }
    }
    all
}

/// The next steps of a process; none if it waits.
fn step(state: &State, number: u8, setup: &Setup, programs: &Programs) -> Vec<State> {
    let actor = state.actors[usize::from(number)];
    let mut after = state.clone();
    match actor.at {
        At::Absent => return Vec::new(),
        At::Outside => return lock(state, number).into_iter().collect(),
        At::Recovering(at) => recover(&mut after, number, at, programs),
        At::Reviving => {
            after.mutex = Mutex::Held { by: number, is_consistent: true };
            after.actor(number).at = At::Inside(0);
        }
        At::Inside(at) => match program(&actor, at, &state.memory.record, programs) {
            Some(Step::Decide) => return decide(state, number, setup),
            Some(step) => {
                after.actor(number).at = At::Inside(at + 1);
                execute(&mut after, number, step, setup);
            }
            None if actor.next.is_followed() => take_another(&mut after, number),
            None => unlocked(&mut after, number, setup),
        },
        At::Unlocking => unlocked(&mut after, number, setup),
        At::Leaving | At::Dying => after.end(number, setup),
    }
    vec![after]
}

fn program(actor: &Actor, at: u8, record: &Record, programs: &Programs) -> Option<Step> {
    match actor.errand {
        Errand::Take | Errand::Join => TAKE.get(usize::from(at)).copied(),
        Errand::First | Errand::Commit => programs.commit(kind(actor.next), at, record),
        Errand::Reopen => reopening(at).or_else(|| programs.commit(Kind::Open, at - REOPENING, record)),
        Errand::Nothing | Errand::Superseded => None,
    }
}

/// Whether the record of a commit has a place: it sets a chunk aside, or takes one that is given out again.
fn kind(next: Next) -> Kind {
    match next {
        Next::SetAside | Next::Discard(_) | Next::Retry => Kind::SetAside,
        Next::New | Next::Orphan(_) | Next::Leave | Next::Open(_) => Kind::Chunk,
    }
}

/// Goes on under the same lock: with another chunk after one was set aside, or with another ticket to open.
fn take_another(after: &mut State, number: u8) {
    after.memory.forget_record();
    let actor = after.actor(number);
    actor.next = Actor::ABSENT.next;
    if actor.errand == Errand::Reopen {
        actor.at = At::Inside(REOPENING);
    } else {
        (actor.errand, actor.chunk, actor.at) = (Errand::First, [0; 2], At::Inside(0));
    }
}

/// Takes the lock; nothing if a live process has it.
pub fn lock(state: &State, number: u8) -> Option<State> {
    let mutex = state.mutex.taken(number)?;
    let at = match state.mutex {
        _ if state.memory.needs_recovery() => At::Recovering(0),
        Mutex::OwnerDied => At::Reviving,
        _ => At::Inside(0),
    };
    Some(State { mutex, ..state.with(number, |actor| actor.at = at) })
}

/// A store of the recovery. After a panic the lock is consistent, and the record all that is to be seen to.
fn recover(after: &mut State, number: u8, at: u8, programs: &Programs) {
    let record = after.memory.record;
    let stores = programs.recovery(&record);
    after.memory.apply(stores[usize::from(at)], &record);
    let is_over = usize::from(at) + 1 == stores.len();
    let is_consistent = after.mutex == Mutex::Held { by: number, is_consistent: true };
    after.actor(number).at = match (is_over, is_consistent) {
        (false, _) => At::Recovering(at + 1),
        (true, false) => At::Reviving,
        (true, true) => At::Inside(0),
    };
}

/// Executes a step under the lock, other than a decision.
fn execute(after: &mut State, number: u8, step: Step, setup: &Setup) {
    let actor = after.actors[usize::from(number)];
    match step {
        Step::TakeRole => take_role(after, number, setup),
        Step::StoreClaim => {
            let epoch = after.claim(actor.ticket).epoch() + 1;
            after.memory.slot_mut(actor.ticket).claim = Claim::Taken(epoch);
            after.actor(number).epoch = epoch;
        }
        Step::Record(word) => {
            let whole = record(&after.memory, &actor, setup);
            after.memory.record(word, &whole);
        }
        Step::Publish => {
            after.memory.published += 1;
            after.history.record(&actor, after.memory.record.slot.claim);
        }
        Step::Apply(word) => {
            let record = after.memory.record;
            after.memory.apply(word, &record);
        }
        Step::ApplyUnrecorded(word) => {
            let whole = record(&after.memory, &actor, &Setup { mutant: Mutant::None, ..*setup });
            after.memory.apply(word, &whole);
        }
        Step::Retry(number) => after.memory.places[usize::from(number - 1)].is_open = true,
        Step::DecideToOpen => {
            let last = after.memory.log.counted().last().copied();
            let actor = after.actor(number);
            match last {
                Some(ticket) => actor.next = Next::Open(ticket),
                None => actor.at = At::Unlocking,
            }
        }
        Step::Decide => unreachable!("it may go several ways"),
    }
}

/// Takes the role of the ticket that the worker was given, or of the first that it can have.
fn take_role(after: &mut State, number: u8, setup: &Setup) {
    let actor = after.actors[usize::from(number)];
    let can_have = |ticket: &u8| !after.claim(*ticket).is_done() && !after.has_worker(*ticket);
    let found = match actor.errand {
        Errand::Join => (setup.reserved + 1..=setup.tickets()).find(can_have),
        _ => Some(actor.ticket).filter(can_have),
    };
    let actor = after.actor(number);
    if let Some(ticket) = found {
        (actor.ticket, actor.has_role) = (ticket, setup.roles);
    } else {
        (actor.errand, actor.at) = (Errand::Nothing, At::Unlocking);
    }
}

/// Releases the lock, and goes on with what was found or done under it.
fn unlocked(after: &mut State, number: u8, setup: &Setup) {
    after.memory.forget_record();
    after.mutex = after.mutex.released();
    let actor = after.actors[usize::from(number)];
    let going_on = |errand, chunk| Actor { at: At::Outside, errand, chunk, next: Actor::ABSENT.next, ..actor };
    let held = match actor.errand {
        Errand::First | Errand::Commit => Some(*after.memory.slot(actor.ticket)).filter(Slot::holds_chunk),
        _ => None,
    };
    *after.actor(number) = match (actor.errand, held) {
        (Errand::Take | Errand::Join, _) => going_on(Errand::First, [0; 2]),
        (_, Some(slot)) => going_on(Errand::Commit, slot.chunk),
        (_, None) => actor.ending(At::Leaving),
    };
    let is_missed = actor.has_role && !after.claim(actor.ticket).is_done();
    if after.actor(number).at == At::Leaving && !is_missed {
        // Whether it is still there is seen by nobody: it has no role, or the role of a ticket that is done.
        after.end(number, setup);
    }
}
