//! The end of a run, killed or refused at each of its system calls: what is applied stays until it is delivered.
//!
//! The victim resumes a run, so that it has little more to do than to end it. Before and after each system call it is killed;
//! or that call fails.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::cli::exit_code::COMPLETE;
use common::{Cells, Ledger, Number, Origin, RunState, Segment, SegmentInfo, SegmentName, TakeOver, Terms};
use harness::crash_rig::stride;
use harness::ptrace::{Gait, Stop, Traced};
use harness::{TestEnv, integer, report, secluded, skip, test_env};
use rustix::io::Errno;
use rustix::process::Signal;

/// What the system may answer when it has no room, no locks, no descriptors, or a broken disk.
const ERRORS: [Errno; 5] = [Errno::NOSPC, Errno::IO, Errno::NOLCK, Errno::MFILE, Errno::AGAIN];

/// A run of two workers whose coordinator is dead.
struct Run<'a> {
    env: &'a TestEnv,
    name: SegmentName,
    /// How many of its contributions are applied: 285 each.
    applied: u32,
}

impl<'a> Run<'a> {
    fn new(env: &'a TestEnv, applied: u32) -> Self {
        Self { env, name: env.name("ending").parse().expect("the name is legal"), applied }
    }

    /// Makes it anew.
    fn renew(&self) {
        let terms = Terms {
            origin: Origin::Run,
            iterations: 10,
            slots: 4,
            restarts: 0,
            worker: self.env.path().join("worker"),
            ..Terms::by_hand("sum-of-squares", 2)
        };
        let segment = Segment::create(&self.name, &terms).expect("the last one is gone");
        for ticket in 1..=self.applied {
            let mut ledger = Ledger::of(&segment).lock(|_, _| {}).expect("nobody has the lock");
            let Ok(TakeOver::Taken(claim)) = ledger.take(ticket) else { panic!("ticket {ticket} is free") };
            ledger.commit(&claim, Cells::One(Number::Integer(285))).expect("it fits");
        }
    }

    fn stdout(&self) -> PathBuf {
        self.env.path().join("stdout")
    }

    /// Starts to resume it, under ptrace.
    fn resume(&self, args: &[&str]) -> std::io::Result<Traced> {
        let mut command = Command::new(self.env.path().join("coordinator"));
        // Without the test runner's environment, whose library path would make the loader search a dozen folders.
        command.env_clear().args(["resume", self.name.as_str(), "--timeout", "10s"]).args(args);
        let stdout = File::create(self.stdout()).expect("it can be created");
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
        Traced::start_as_it_is(command).map(Traced::with_its_signals)
    }

    /// Whether the whole result was written.
    fn is_delivered(&self) -> bool {
        fs::read_to_string(self.stdout()).is_ok_and(|text| text.ends_with("Final shared value: 570\n"))
    }

    /// Checks what the victim left, and does what its user would; returns the state in which it left the segment.
    fn check(&self, case: &str) -> &'static str {
        if !self.env.segment(self.name.as_str()).exists() {
            assert!(self.applied == 2 && self.is_delivered(), "{case}: the work is gone, and nobody has it");
            return "removed";
        }
        let existing = SegmentInfo::of(&self.name).unwrap_or_else(|error| panic!("{case}: {error}"));
        let (snapshot, _) = common::inspect(&self.name).unwrap_or_else(|error| panic!("{case}: {error}"));
        let value = i128::from(self.applied) * 285;
        assert_eq!((snapshot.done(), integer(&snapshot.value)), (self.applied as usize, value), "{case}");
        assert_eq!(snapshot.check(), Ok(()), "{case}");
        if existing.state == RunState::ToBeRemoved {
            assert!(self.applied == 2 && self.is_delivered(), "{case}: it is given up, and nobody has it");
            let is_cleared = common::remove_marked(&self.name).expect("it can be removed");
            assert!(is_cleared, "{case}: the next start clears it");
            return "marked";
        }
        let resumed = self.env.coordinator(["resume", self.name.as_str()]).run();
        let is_complete = resumed.code == Some(COMPLETE.into());
        assert!(is_complete && resumed.stdout.ends_with("Final shared value: 570\n"), "{case}: {resumed:?}");
        assert!(!self.env.segment(self.name.as_str()).exists(), "{case}");
        existing.state.name()
    }
}

/// Whether system calls can be traced here, and made to fail; if not, reports the test as skipped.
fn can_trace(run: &Run<'_>, test: &str) -> bool {
    run.renew();
    let outcome = run.resume(&[]).and_then(|mut victim| victim.fail_call(0, Errno::NOSPC.raw_os_error()));
    let _ = common::remove(&run.name, common::Condition::Always);
    outcome.inspect_err(|error| skip(test, &format!("ptrace: {error}"))).is_ok()
}

/// Runs a `resume` to each end of a system call in turn, and then does that to it; returns their number and the states in which
/// it left the segment.
fn at_each_call(run: &Run<'_>, what: &str, act: impl Fn(Traced)) -> (usize, BTreeSet<&'static str>) {
    let (mut points, mut states) = (0, BTreeSet::new());
    loop {
        run.renew();
        let mut victim = run.resume(&[]).expect("it worked a moment ago");
        if !(0..=points).all(|_| victim.go(Gait::Call) != Stop::End) {
            return (points, states);
        }
        act(victim);
        states.insert(run.check(&format!("{what} point {points}")));
        points += 1;
    }
}

/// Fault 38.
#[test]
fn a_coordinator_killed_at_any_system_call_of_the_end_of_its_run_has_delivered_the_result_or_leaves_the_work() {
    if !secluded!(
        a_coordinator_killed_at_any_system_call_of_the_end_of_its_run_has_delivered_the_result_or_leaves_the_work
    ) {
        return;
    }
    let env = test_env!();
    let run = Run::new(&env, 2);
    if !can_trace(&run, "a_coordinator_killed_at_any_system_call_of_the_end_of_its_run") {
        return;
    }
    let (points, states) = at_each_call(&run, "kill", Traced::kill);
    assert!(run.is_delivered() && env.segments().is_empty(), "the last one was not killed");
    report(&format!("killed at each of {points} ends of system calls of the end of a run"));
    assert_eq!(states, BTreeSet::from(["stale", "marked", "removed"]));
}

/// Makes each system call of a `resume` fail in turn; returns their number and the states in which it left the segment.
fn fail_each(run: &Run<'_>, args: &[&str]) -> (usize, BTreeSet<&'static str>) {
    let (mut calls, mut states) = (0, BTreeSet::new());
    // The suite tries one error at each call; `EXHAUSTIVE` tries them all.
    let stride = stride(ERRORS.len());
    loop {
        for error in ERRORS.iter().cycle().skip(calls).take(ERRORS.len()).step_by(stride) {
            run.renew();
            let mut victim = run.resume(args).expect("it worked a moment ago");
            let was_refused = victim.fail_call(calls, error.raw_os_error()).expect("it worked a moment ago");
            victim.finish();
            states.insert(run.check(&format!("call {calls} fails with {error:?}")));
            if !was_refused {
                return (calls, states);
            }
        }
        calls += 1;
    }
}

/// Faults 35, 36 and 38.
#[test]
fn a_refusal_at_any_system_call_of_the_end_of_a_run_loses_nothing() {
    if !secluded!(a_refusal_at_any_system_call_of_the_end_of_a_run_loses_nothing) {
        return;
    }
    let env = test_env!();
    let run = Run::new(&env, 2);
    if !can_trace(&run, "a_refusal_at_any_system_call_of_the_end_of_a_run") {
        return;
    }
    let (calls, states) = fail_each(&run, &[]);
    report(&format!("refused each of {calls} system calls of the end of a run"));
    assert_eq!(states, BTreeSet::from(["stale", "finished", "marked", "removed"]));
}

/// Fault 35: nothing but the worker that is launched in vain is missing.
#[test]
fn a_refusal_at_any_system_call_of_a_resume_in_vain_loses_nothing() {
    if !secluded!(a_refusal_at_any_system_call_of_a_resume_in_vain_loses_nothing) {
        return;
    }
    let env = test_env!();
    let run = Run::new(&env, 1);
    if !can_trace(&run, "a_refusal_at_any_system_call_of_a_resume_in_vain") {
        return;
    }
    let (calls, states) = fail_each(&run, &["--worker", "/bin/false"]);
    report(&format!("refused each of {calls} system calls of a resume in vain"));
    assert_eq!(states, BTreeSet::from(["stale", "finished"]));
}

/// Fault 37: a signal at any of them.
#[test]
fn a_signal_at_any_system_call_of_the_end_of_a_run_loses_nothing() {
    if !secluded!(a_signal_at_any_system_call_of_the_end_of_a_run_loses_nothing) {
        return;
    }
    let env = test_env!();
    let run = Run::new(&env, 2);
    if !can_trace(&run, "a_signal_at_any_system_call_of_the_end_of_a_run") {
        return;
    }
    let (points, states) = at_each_call(&run, "signal", |victim| {
        victim.signal(Signal::TERM);
        victim.finish();
    });
    assert!(env.segments().is_empty(), "the last one got no signal");
    report(&format!("a signal at each of {points} ends of system calls of the end of a run"));
    assert!(states.contains("removed") && !states.contains("marked"), "{states:?}");
}
