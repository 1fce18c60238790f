//! The transitions: a step of a process, or its death at any step.
//!
//! A test checks that each function in the right column exists.
//!
//! | model | code |
//! |---|---|
//! | `lock` | `Guard::acquire_within`, `Guard::recovered` |
//! | `Recovering` | `recovery::recover` with `redo::apply`, then `Handle::make_consistent` in `Guard::recovered` |
//! | `LookAtTicket`, `TakeRole`, `StoreClaim` | `LockedLedger::take`, `Segment::try_take_ticket`, `ticket::assign` |
//! | `LookForTicket` | `LockedLedger::join` with `LockedLedger::join_one_of`; its first pass only saves asking for roles |
//! | `Recheck` | `LockedLedger::own_slot` in `LockedLedger::commit` |
//! | `RecordValue` … `RecordHigh` | `redo::write_cell`, in its order |
//! | `RecordTicket` … `RecordDone` | `redo::write`, in its order; without a chunk |
//! | `Publish` | `redo::publish` |
//! | `Value` … `Applied` | `redo::apply`, in its order |
//! | `unlock` | `Guard::drop`, `Handle::unlock` |
//! | `Leaving` | `contribute` after it has dropped its guard |
//! | `crash`, `State::end` | the end of a process in the kernel: robust list, then record locks, then SIGCHLD |

use super::memory::Store;
use super::program::{Mutant, Programs, Step};
use super::state::{At, Errand, State};
use super::{Setup, supervision};
use crate::exploration::{Claim, Move, Mutex};

/// Everything that may happen in a state.
pub fn successors(state: &State, setup: &Setup, programs: &Programs) -> Vec<(Move, State)> {
    let mut next = Vec::new();
    if state.joiners_left > 0 {
        let mut after = state.clone();
        after.joiners_left -= 1;
        after.start(None);
        next.push((Move::Join, after));
    }
    for (number, actor) in (0_u8..).zip(&state.actors) {
        let mut add = |kind: fn(u8) -> Move, after| next.push((kind(number), after));
        if number == 0 {
            supervision::steps(state, setup, programs, |after| add(Move::Step, after));
        } else if let Some(after) = step(state, number, setup, programs) {
            add(Move::Step, after);
        }
        if state.crashes_left > 0 && actor.may_die() && (number > 0 || setup.coordinator_dies) {
            add(Move::Crash, crash(state, number, setup));
            // Another end under the lock: the guard is dropped by a panic between any two halves of a commit.
            if actor.errand == Errand::Commit && matches!(actor.at, At::Inside(_)) {
                add(Move::Panic, panic(state, number));
            }
        }
    }
    next
}

/// The next step of a process under the lock or on its way to it; nothing if it waits.
pub fn step(state: &State, number: u8, setup: &Setup, programs: &Programs) -> Option<State> {
    let mut after = state.clone();
    let place = usize::from(number);
    match state.actors[place].at {
        At::Outside => return lock(state, number, programs),
        At::Recovering(at) => recover(&mut after, number, at, programs),
        At::Inside(at) => after.actors[place].at = inside(&mut after, number, at, setup, programs),
        At::Unlocking => {
            unlock(&mut after);
            let actor = &mut after.actors[place];
            match actor.errand {
                Errand::Take | Errand::Join if actor.epoch > 0 => {
                    (actor.errand, actor.at) = (Errand::Commit, At::Outside);
                }
                Errand::Survey => (actor.ticket, actor.at) = (1, At::Deciding),
                Errand::Settle => actor.at = At::Deciding,
                Errand::Close => actor.at = At::Greeting,
                Errand::Take | Errand::Join | Errand::Commit => actor.at = At::Leaving,
            }
        }
        At::Leaving => after.end(number),
        At::Dying => bury(&mut after, number, setup),
        _ => return None,
    }
    Some(after)
}

/// Takes the lock; nothing if a live process has it.
pub fn lock(state: &State, number: u8, programs: &Programs) -> Option<State> {
    let mutex = state.mutex.taken(number)?;
    let owner_died = state.mutex == Mutex::OwnerDied;
    let mut after = state.clone();
    after.mutex = mutex;
    let is_seen = owner_died || programs.mutant != Mutant::PanicIsNotSeen;
    after.actors[usize::from(number)].at = if is_seen && state.memory.needs_recovery() {
        At::Recovering(0)
    } else if owner_died {
        last(&programs.recovery)
    } else {
        At::Inside(0)
    };
    Some(after)
}

/// The last step of the recovery, `make_consistent`.
fn last(recovery: &[Step]) -> At {
    At::Recovering(u8::try_from(recovery.len() - 1).expect("it is short"))
}

fn recover(after: &mut State, number: u8, at: u8, programs: &Programs) {
    if at == 0 && after.memory.needs_recovery() && !after.memory.record_is_sound() {
        // `apply` gives `Error::Damaged`, and the guard is dropped with the lock as it was.
        after.mutex = Mutex::NotRecoverable;
        after.actors[usize::from(number)].at = At::Leaving;
        return;
    }
    match programs.recovery[usize::from(at)] {
        Step::Consistent => {
            let is_consistent = programs.mutant != Mutant::NoConsistent;
            after.mutex = Mutex::Held { by: number, is_consistent };
            after.actors[usize::from(number)].at = At::Inside(0);
        }
        Step::Store(store) => {
            after.memory.store(store, 0, 0);
            let next = At::Recovering(at + 1);
            // After a panic the lock is consistent, and the record all that is to be seen to.
            let is_over =
                next == last(&programs.recovery) && after.mutex == Mutex::Held { by: number, is_consistent: true };
            after.actors[usize::from(number)].at = if is_over { At::Inside(0) } else { next };
        }
        step => unreachable!("{step:?} is no step of a recovery"),
    }
}

/// Executes a step of the errand; gives the place that follows.
fn inside(after: &mut State, number: u8, at: u8, setup: &Setup, programs: &Programs) -> At {
    let program: &[Step] = match after.actors[usize::from(number)].errand {
        Errand::Take => &programs.take,
        Errand::Join => &programs.join,
        Errand::Commit => &programs.commit,
        Errand::Close => &programs.close,
        Errand::Survey | Errand::Settle => &[],
    };
    let Some(step) = program.get(usize::from(at)) else { return At::Unlocking };
    let goes_on = execute(after, number, *step, setup, programs);
    let actor = &mut after.actors[usize::from(number)];
    if goes_on {
        if usize::from(at) + 1 == program.len() { At::Unlocking } else { At::Inside(at + 1) }
    } else if actor.errand == Errand::Join && !after.memory.closed && actor.ticket < setup.tickets() {
        actor.ticket += 1;
        At::Inside(0)
    } else {
        At::Unlocking
    }
}

/// Executes a step; returns whether the errand continues.
fn execute(after: &mut State, number: u8, step: Step, setup: &Setup, programs: &Programs) -> bool {
    let actor = &mut after.actors[usize::from(number)];
    if step == Step::LookForTicket && actor.ticket == 0 {
        actor.ticket = setup.reserved + 1;
    }
    let (ticket, epoch) = (actor.ticket, actor.epoch);
    match step {
        Step::LookAtTicket | Step::LookForTicket => {
            let is_done = after.claim(ticket).is_done() && programs.mutant != Mutant::DoneIsNotSeen;
            !is_done && !after.memory.closed
        }
        Step::TakeRole => {
            let is_free = !after.has_worker(ticket);
            if setup.roles && is_free {
                *after.role(ticket) = Some(number);
            }
            is_free
        }
        Step::StoreClaim => {
            let epoch = after.claim(ticket).epoch() + 1;
            after.memory.slot_mut(ticket).claim = Claim::Taken(epoch);
            after.actors[usize::from(number)].epoch = epoch;
            true
        }
        Step::Recheck => programs.mutant == Mutant::NoRecheck || after.claim(ticket) == Claim::Taken(epoch),
        Step::Store(store) => {
            after.memory.store(store, ticket, epoch);
            let commits = if programs.mutant == Mutant::AddBeforeMark { Store::Claim } else { Store::Publish };
            if store == commits {
                after.history.push(ticket);
            }
            true
        }
        Step::Close => {
            after.memory.closed = true;
            true
        }
        Step::Consistent => unreachable!("only a recovery makes a lock consistent"),
    }
}

fn unlock(after: &mut State) {
    after.memory.forget_record();
    after.mutex = after.mutex.released();
}

/// A death between two steps. The kernel releases the lock first. A process without the lock is gone at once: nobody
/// can tell a dying holder of a role from a slow one.
fn crash(state: &State, number: u8, setup: &Setup) -> State {
    let mut after = state.clone();
    after.crashes_left -= 1;
    let held_lock = state.mutex.is_held_by(number);
    if held_lock {
        after.mutex = Mutex::OwnerDied;
        after.memory.forget_record();
    }
    if number == 0 {
        supervision::crash(&mut after);
    } else if held_lock && state.roles.contains(&Some(number)) {
        after.actors[usize::from(number)].at = At::Dying;
    } else {
        bury(&mut after, number, setup);
    }
    after
}

/// A panic that unwinds: the guard unlocks, and nothing else is done.
fn panic(state: &State, number: u8) -> State {
    let mut after = state.clone();
    after.crashes_left -= 1;
    unlock(&mut after);
    after.actors[usize::from(number)].at = At::Dying;
    after
}

/// The end of a dead process; by hand another worker is started then.
fn bury(after: &mut State, number: u8, setup: &Setup) {
    if after.actors[usize::from(number)].is_joiner && setup.reserved == 0 {
        after.joiners_left += 1;
    }
    if number == 0 { supervision::resume(after) } else { after.end(number) }
}
