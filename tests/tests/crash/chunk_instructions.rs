//! Kills during split runs, and while a contribution changes several cells.
//!
//! After each death each iteration must be in one place: applied, held by one ticket, or not given out. Then a
//! restarted worker finishes the range with the dead worker's ticket, and the value must be that of the whole range.
//!
//! Victims are killed right after each of their stores, and in between at a reported stride. All instructions take
//! their turn with `EXHAUSTIVE=1 cargo test -p tests --test crash chunk_instructions`: ten minutes, and an hour for the
//! pairs.

use harness::crash_rig::{Build, Chunks, Contributions, CrashRig, Subject, stride};
use harness::{report, test_env};
use rustix::process::Signal;

/// Kills a victim at its stores and instructions from before the lock to after it.
fn kill_all_along(label: &str, what: &str, subject: impl Subject) {
    let env = test_env!();
    let Some(mut rig) = CrashRig::new(&env, label, Build::SHIPPED, subject) else { return };
    let stride = stride(17);
    let states = rig.kill_after_each_store(false).expect("a death is survived");
    let (instructions, kills) = rig.kill_between(Signal::WINCH, Signal::USR2, stride);
    report(&format!("killed in each of {states} states of {what}, and at {kills} of {instructions} instructions"));
    assert!(states > 10 && kills * stride > 300, "that was not all of it");
}

/// Fault 1.
#[test]
fn a_worker_killed_anywhere_in_a_chunks_commit_applied_it_and_took_the_next_or_neither() {
    kill_all_along("next", "a chunk's commit that takes the next one", Chunks::taking(1));
}

/// Fault 1.
#[test]
fn a_worker_killed_anywhere_in_taking_over_a_dead_ones_chunk_leaves_it_to_one_ticket() {
    kill_all_along("steals", "a chunk's commit that takes over a dead worker's", Chunks::stealing(1));
}

/// Fault 1.
#[test]
fn a_worker_killed_anywhere_in_the_last_chunks_commit_is_done_or_holds_it() {
    kill_all_along("last", "the last chunk's commit", Chunks::ending(1));
}

/// Fault 1.
#[test]
fn a_worker_killed_anywhere_in_taking_its_first_chunk_holds_it_or_nobody_does() {
    kill_all_along("first", "taking a first chunk", Chunks::beginning(1));
}

/// Faults 1 and 33.
#[test]
fn a_worker_killed_anywhere_in_setting_its_chunk_aside_holds_it_or_has_set_it_aside() {
    kill_all_along("aside", "setting a chunk aside", Chunks::setting_aside(1));
}

/// Faults 1 and 34.
#[test]
fn a_worker_killed_anywhere_in_setting_a_deadly_chunk_aside_leaves_it_in_one_place() {
    kill_all_along("discards", "a chunk's commit that sets a dead worker's aside", Chunks::discarding(1));
    kill_all_along("deadly", "setting aside the chunk of a ticket", Chunks::beginning_after_deaths(1));
}

/// Faults 1 and 35.
#[test]
fn a_worker_killed_anywhere_in_taking_what_was_set_aside_leaves_it_in_one_place() {
    kill_all_along("retries", "taking what was set aside", Chunks::retrying(1));
}

/// Faults 2 and 35.
#[test]
fn a_coordinator_killed_anywhere_in_opening_a_run_again_leaves_it_to_the_next_one() {
    kill_all_along("reopens", "opening a done ticket", Chunks::reopening(1));
}

/// Fault 1.
#[test]
fn a_worker_killed_anywhere_in_its_commit_has_changed_all_cells_or_none() {
    kill_all_along("cells", "a commit to three cells", Contributions::to(3));
}

/// Fault 1: chunks of three cells.
#[test]
fn a_worker_killed_after_any_store_of_a_chunks_commit_to_several_cells_did_all_of_it_or_nothing() {
    let env = test_env!();
    let subjects = [
        ("a commit that takes the next chunk", Chunks::taking(3)),
        ("one that takes over a dead worker's", Chunks::stealing(3)),
        ("the last one", Chunks::ending(3)),
        ("taking a first chunk that a dead worker left", Chunks::beginning_with_an_orphan(3)),
        ("setting one aside", Chunks::setting_aside(3)),
        ("one that sets a dead worker's aside", Chunks::discarding(3)),
        ("opening a done ticket", Chunks::reopening(3)),
    ];
    for (what, subject) in subjects {
        let Some(mut rig) = CrashRig::new(&env, "cells", Build::SHIPPED, subject) else { return };
        let states = rig.kill_after_each_store(false).expect("a death is survived");
        report(&format!("with three cells, killed in each of {states} states of {what}"));
        assert!(states > 10, "that was not all of it: {states}");
    }
}

/// Fault 2: the first victim in each state that it can leave, the second at every instruction of its recovery.
#[test]
fn a_recoverer_of_a_chunks_commit_killed_at_any_instruction_leaves_the_next_one_to_recover() {
    let env = test_env!();
    let Some(mut rig) = CrashRig::new(&env, "twice", Build::SHIPPED, Chunks::stealing(1)) else { return };
    let stride = stride(113);
    let (states, pairs) = rig.kill_twice(stride);
    report(&format!(
        "killed twice at {pairs} pairs of taking over a chunk: {states} states × every instruction, stride {stride}"
    ));
    assert!(states > 10, "a commit has more states: {states}");
}
