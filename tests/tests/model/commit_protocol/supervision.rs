//! The coordinator: which workers it launches again, and when the run is over.
//!
//! | model | code |
//! |---|---|
//! | `Survey`, then `Deciding`, `Asking` for each ticket | `Supervisor::take_stock`, `Ledger::ticket` |
//! | `watch`, `look_at` | `Supervisor::reap`, `Supervisor::release_adopted` |
//! | `look_at`, `Settle`, `Deciding`, `Asking` | `Supervisor::on_exit` with `Supervisor::is_done`, `policy::after_exit` |
//! | `launch` | `Supervisor::launch`; a late start of a worker is a slow worker here |
//! | `Close`, `Greeting` | `Supervisor::close`, `Supervisor::adopt_joined` |
//! | `crash`, `resume` | the death of a coordinator; `run::resume` |
//!
//! The model leaves out the limit of restarts (`--restarts`). The code counts a launch that finds the role taken by a
//! worker of a dead coordinator, where that worker died before it stored its claim and the kernel has not released its
//! role yet. The model launches again until the kernel has.

use super::program::Programs;
use super::state::{Actor, At, Errand, State};
use super::{Setup, steps};
use crate::exploration::Claim;

/// Everything that the supervisor may do next.
pub fn steps(state: &State, setup: &Setup, programs: &Programs, mut add: impl FnMut(State)) {
    let (mut after, actor) = (state.clone(), state.actors[0]);
    match actor.at {
        At::Watching => return watch(state, setup, programs, add),
        At::Outside => match steps::step(state, 0, setup, programs) {
            Some(locked) => return add(locked),
            // Its patience with the lock ends: it decides upon what it sees.
            None if actor.errand == Errand::Survey => (after.actors[0].ticket, after.actors[0].at) = (1, At::Deciding),
            None => after.actors[0].at = At::Deciding,
        },
        At::Deciding => match state.claim(actor.ticket) {
            Claim::Done(_) => go_on(&mut after, setup),
            Claim::Taken(_) => after.actors[0].at = At::Asking,
            Claim::Free => {
                launch(&mut after, actor.ticket);
                go_on(&mut after, setup);
            }
        },
        At::Asking => {
            if state.has_worker(actor.ticket) {
                after.bystanders |= bit(actor.ticket);
            } else {
                launch(&mut after, actor.ticket);
            }
            go_on(&mut after, setup);
        }
        At::Unlocking if actor.errand == Errand::Close && setup.greets_under_lock => {
            greet(&mut after, setup);
            after = steps::step(&after, 0, setup, programs).expect("its holder can release the lock");
        }
        At::Greeting => {
            if !setup.greets_under_lock {
                greet(&mut after, setup);
            }
            sleep(&mut after);
            if after.bystanders == 0 {
                after.actors[0].at = At::Finished;
            }
        }
        _ => match steps::step(state, 0, setup, programs) {
            Some(next) => after = next,
            None => return,
        },
    }
    add(after);
}

/// What may wake the supervisor.
fn watch(state: &State, setup: &Setup, programs: &Programs, mut add: impl FnMut(State)) {
    let children = || state.actors.iter().zip(0_u8..).filter(|(child, _)| child.is_child);
    for (child, number) in children() {
        if child.at == At::Ended {
            let mut after = state.clone();
            after.actors[usize::from(number)] = Actor::ABSENT;
            look_at(&mut after, child.ticket);
            add(after);
        } else if state.early_left > 0 {
            // A launch that the code never does: for a ticket whose worker is only slow.
            let mut after = state.clone();
            after.early_left -= 1;
            after.start(Some(child.ticket));
            add(after);
        }
    }
    for ticket in (1..=setup.tickets()).filter(|ticket| state.bystanders & bit(*ticket) != 0) {
        if !state.has_worker(ticket) {
            let mut after = state.clone();
            after.bystanders &= !bit(ticket);
            if ticket <= setup.reserved {
                look_at(&mut after, ticket);
            }
            add(after);
        }
    }
    if children().next().is_none() && state.bystanders == 0 {
        let mut after = state.clone();
        after.actors[0].errand = Errand::Close;
        if let Some(after) = steps::lock(&after, 0, programs) {
            add(after);
        }
    }
}

/// Finds the workers that joined by hand and still work.
fn greet(after: &mut State, setup: &Setup) {
    for ticket in setup.reserved + 1..=setup.tickets() {
        if matches!(after.claim(ticket), Claim::Taken(_)) && after.has_worker(ticket) {
            after.bystanders |= bit(ticket);
        }
    }
}

/// Looks at a ticket whose worker ended; reaping is seen by nobody else, so that it makes no step of its own.
fn look_at(after: &mut State, ticket: u8) {
    if !after.claim(ticket).is_done() {
        after.actors[0] = Actor { at: At::Outside, errand: Errand::Settle, ticket, ..Actor::ABSENT };
    }
}

fn sleep(after: &mut State) {
    after.actors[0] = Actor { at: At::Watching, ..Actor::ABSENT };
}

/// The next ticket of the survey, or back to sleep.
fn go_on(after: &mut State, setup: &Setup) {
    let supervisor = &mut after.actors[0];
    if supervisor.errand == Errand::Survey && supervisor.ticket < setup.reserved {
        (supervisor.ticket, supervisor.at) = (supervisor.ticket + 1, At::Deciding);
    } else {
        sleep(after);
    }
}

/// Launches a worker, unless an early one is there already; that one's end will be looked at.
fn launch(after: &mut State, ticket: u8) {
    if !after.actors.iter().any(|actor| actor.is_child && actor.ticket == ticket) {
        after.start(Some(ticket));
    }
}

/// The supervisor's death: its children are reaped by another.
pub fn crash(after: &mut State) {
    after.actors[0] = Actor { at: At::Dying, ..Actor::ABSENT };
    after.bystanders = 0;
    for actor in &mut after.actors {
        if actor.at == At::Ended {
            *actor = Actor::ABSENT;
        }
        actor.is_child = false;
    }
}

/// Another coordinator takes the run over.
pub fn resume(after: &mut State) {
    after.memory.closed = false;
    after.actors[0] = Actor { at: At::Outside, errand: Errand::Survey, ..Actor::ABSENT };
}

fn bit(ticket: u8) -> u8 {
    1 << (ticket - 1)
}
