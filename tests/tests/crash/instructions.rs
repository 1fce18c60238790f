//! Kills at every instruction: real processes, stepped with ptrace, killed after k instructions for every k.
//!
//! The victims run the shipped build. Where only system calls have effects that others see (attach, detach, creation,
//! removal), a process is killed before and after each system call, which covers every state that it can leave. Where
//! it stores into the segment (claim, lock, commit, recovery, unlock), it is killed at every instruction.

use std::collections::BTreeSet;

use common::{Segment, SegmentName, ValueType, remove_creation_debris};
use harness::crash_rig::{self, ArrayChanges, Build, Contributions, CrashRig};
use harness::ptrace::{Gait, Stop};
use harness::{TestEnv, report, test_env};
use rustix::process::Signal;

/// Kills a victim at every instruction between two of its marks; returns their number.
fn kill_between(env: &TestEnv, label: &str, from: Signal, to: Signal) -> Option<usize> {
    Some(CrashRig::new(env, label, Build::SHIPPED, Contributions::to(1))?.kill_between(from, to, 1).1)
}

/// Fault 1: lock, take the ticket, unlock.
#[test]
fn a_worker_killed_at_any_instruction_of_its_claim_leaves_the_ticket_to_the_next() {
    let env = test_env!();
    let Some(points) = kill_between(&env, "claim", Signal::USR1, Signal::WINCH) else { return };
    report(&format!("killed at each of {points} instructions of a claim"));
    assert!(points > 300, "that was not all of it: {points}");
}

/// Fault 1: lock, commit, unlock.
#[test]
fn a_worker_killed_at_any_instruction_of_its_commit_counts_once_or_not_at_all() {
    let env = test_env!();
    let Some(points) = kill_between(&env, "commit", Signal::WINCH, Signal::USR2) else { return };
    report(&format!("killed at each of {points} instructions of a commit"));
    assert!(points > 300, "that was not all of it: {points}");
}

/// Fault 1: lock, change cells of an array, unlock; with the changes one by one, and with all cells.
/// Fault 2: the same for recoverers.
#[test]
fn a_program_killed_at_any_instruction_of_a_change_of_an_array_has_changed_all_its_cells_or_none() {
    let env = test_env!();
    // The suite strides over the instructions; `EXHAUSTIVE` tests them all.
    for (label, kind, size) in [("few", ValueType::I32, 2), ("most", ValueType::I64, 7)] {
        let subject = ArrayChanges::of(kind, size);
        let Some(mut rig) = CrashRig::new(&env, label, Build::SHIPPED, subject) else { return };
        let (instructions, _) = rig.kill_between(Signal::WINCH, Signal::USR2, crash_rig::stride(11));
        let (states, pairs) = rig.kill_twice(crash_rig::stride(149));
        report(&format!(
            "{label} cells of an array: killed at {instructions} instructions, and twice at {pairs} pairs of {states} states"
        ));
        assert!(instructions > 300 && states > 5, "that was not all of it: {instructions}, {states}");
    }
}

/// Fault 1.
#[test]
fn a_worker_killed_at_any_system_call_from_start_to_end_counts_once_or_not_at_all() {
    let env = test_env!();
    let Some(mut rig) = CrashRig::new(&env, "calls", Build::SHIPPED, Contributions::to(1)) else { return };
    let mut points = 0;
    loop {
        let mut victim = rig.victim();
        if !call(&mut victim, points) {
            break;
        }
        victim.kill();
        rig.survive();
        points += 1;
    }
    report(&format!("killed at each of {points} ends of system calls from a worker's start to its end"));
    assert!(points > 50, "that was not all of it: {points}");
}

/// Fault 2: the first victim in each state that it can leave, the second at every instruction of its recovery.
#[test]
fn a_recoverer_killed_at_any_instruction_leaves_the_next_one_to_recover() {
    let env = test_env!();
    let Some(mut twice) = CrashRig::new(&env, "twice", Build::SHIPPED, Contributions::to(1)) else { return };
    // The suite strides over the recoverer's instructions; `EXHAUSTIVE` tests them all.
    let stride = crash_rig::stride(19);
    let (states, pairs) = twice.kill_twice(stride);
    report(&format!("killed twice at {pairs} pairs: {states} states × every instruction, stride {stride}"));
    assert!(states > 10, "a commit has more states: {states}");
}

/// Fault 3.
#[test]
fn a_creator_killed_at_any_system_call_leaves_a_whole_segment_or_none() {
    let env = test_env!(alone);
    let Some(rig) = CrashRig::new(&env, "lab", Build::SHIPPED, Contributions::to(1)) else { return };
    let name = parsed(&env, "created");
    let mut outcomes = BTreeSet::new();
    let mut points = 0;
    loop {
        let mut creator = rig.on("create", &name);
        if !call(&mut creator, points) {
            break;
        }
        creator.kill();
        let exists = env.segment(name.as_str()).exists();
        assert_eq!(Segment::attach(&name).is_ok(), exists, "kill point {points}: {:?}", Segment::attach(&name).err());
        if exists {
            common::remove(&name, common::Condition::Unattached).expect("nobody is attached");
        }
        let debris = remove_creation_debris().expect("the folder can be read");
        assert!(debris <= 1 && !(exists && debris == 1), "kill point {points}");
        outcomes.insert((exists, debris));
        points += 1;
    }
    assert!(common::remove(&name, common::Condition::Unattached).is_ok(), "the last one was not killed");
    report(&format!("killed at each of {points} ends of system calls of a creation"));
    assert_eq!(outcomes, BTreeSet::from([(false, 0), (false, 1), (true, 0)]));
}

/// Fault 4.
#[test]
fn a_remover_killed_at_any_system_call_has_removed_that_segment_or_nothing() {
    // Alone: a child of another test holds this test's roles until its exec.
    let env = test_env!(alone);
    let Some(rig) = CrashRig::new(&env, "lab", Build::SHIPPED, Contributions::to(1)) else { return };
    let (name, other) = (parsed(&env, "removed"), parsed(&env, "other"));
    let bystander = Segment::create(&other, &crash_rig::terms(1)).expect("the name is free");
    let mut points = 0;
    loop {
        drop(Segment::create(&name, &crash_rig::terms(1)).expect("the last one was removed"));
        let mut remover = rig.on("remove", &name);
        if !call(&mut remover, points) {
            break;
        }
        remover.kill();
        if env.segment(name.as_str()).exists() {
            assert!(Segment::attach(&name).is_ok(), "kill point {points}");
            common::remove(&name, common::Condition::Unattached).expect("doing it again is harmless");
        }
        assert!(bystander.is_linked(), "kill point {points}");
        points += 1;
    }
    assert!(!env.segment(name.as_str()).exists(), "the last one was not killed");
    common::unlink(&bystander).expect("it is still there");
    report(&format!("killed at each of {points} ends of system calls of a removal"));
}

fn parsed(env: &TestEnv, label: &str) -> SegmentName {
    env.name(label).parse().expect("the name is legal")
}

/// Runs to the start or end of a system call that many times; returns whether the victim still lives.
fn call(victim: &mut harness::ptrace::Traced, calls: usize) -> bool {
    (0..=calls).all(|_| victim.go(Gait::Call) != Stop::End)
}
