//! The lock when its holder is stopped or executes another program, and when a PID is reused.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use common::process::{self, Process};
use common::{BootTime, Ledger, LockError, LockOutcome, LockOwner, Segment, SegmentName, Snapshot, TakeOver};
use harness::{Injection, TestEnv, integer, skip, test_env, until};
use rand::RngExt;
use rustix::process::Signal;

/// A segment whose workers contribute 285 each: 0 + 1 + 4 + … + 81.
fn create(env: &TestEnv, label: &str, slots: &str) -> SegmentName {
    let name = env.name(label);
    let args = ["create", &name, "-n", "10", "--delay", "0", "-w", "1", "--slots", slots];
    let _ = env.coordinator(args).run().expect(exit_code::COMPLETE);
    name.parse().expect("the name is legal")
}

/// Removes a segment to which nobody is attached.
///
/// Not at once: children of other tests have this process's descriptors until their exec.
fn remove(env: &TestEnv, name: &SegmentName) {
    until("nobody to be attached", || {
        env.coordinator(["remove", name.as_str()]).run().code == Some(exit_code::COMPLETE.into())
    });
}

/// The holder that a busy lock names.
fn holder(segment: &Segment) -> LockOwner {
    match Ledger::of(segment).lock_within(Duration::from_millis(50)).map(drop) {
        Err(LockError::Busy { owner: Some(holder) }) => holder,
        other => panic!("the lock is held: {other:?}"),
    }
}

/// Fault 18.
#[test]
fn a_stopped_holder_is_named_never_robbed_and_finishes_when_it_goes_on() {
    let env = test_env!();
    let name = create(&env, "stopped", "4");
    let worker =
        env.worker(name.as_str()).inject(Injection { failpoint: Failpoint::Locked, action: "stop", times: 1 }).start();
    env.until_status(name.as_str(), |status| status["lock"]["held_by"]["process"] == "stopped");
    let segment = Segment::attach(&name).expect("it is there");
    let named = holder(&segment);
    assert_eq!((named.thread, named.ticket, named.process), (worker.pid(), Some(1), Process::Stopped));
    assert_eq!(named.to_string(), format!("held by Process-1, pid {}, stopped", worker.pid()));
    let mut waited = Vec::new();
    let guard = Ledger::of(&segment).lock(|holder, so_far| {
        waited.push(so_far);
        if waited.len() <= 2 {
            assert_eq!(holder.as_ref(), Some(&named), "it is not stolen");
        }
        if waited.len() == 2 {
            worker.signal(Signal::CONT);
        }
    });
    assert_eq!(guard.expect("it is released in the end").outcome(), LockOutcome::Released);
    assert!(waited.len() >= 2 && waited.is_sorted(), "{waited:?}");
    let finished = worker.finish().expect(exit_code::COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 updated shared value to 285\n");
    let snapshot = Snapshot::of(&segment).expect("it can be read");
    assert_eq!((snapshot.check(), integer(&snapshot.value), snapshot.recoveries), (Ok(()), 285, 0));
    drop(segment);
    remove(&env, &name);
}

/// Fault 19.
#[test]
fn a_holder_that_becomes_another_program_is_recovered_from_and_cannot_write_any_more() {
    let env = test_env!();
    let name = create(&env, "exec", "1");
    let other = env.program(&env.path().join("exec-victim")).args([name.as_str()]).start();
    let proc = format!("/proc/{}", other.pid());
    until("the holder to be another program", || {
        fs::read_to_string(format!("{proc}/comm")).is_ok_and(|program| program == "sleep\n")
    });
    let segment = Segment::attach(&name).expect("it is there");
    let mut guard = Ledger::of(&segment).lock_within(Duration::from_secs(10)).expect("it is had from the dead");
    assert_eq!(guard.outcome(), LockOutcome::OwnerDied);
    assert!(matches!(guard.take(1), Ok(TakeOver::Taken(_))), "the ticket has no worker any more");
    drop(guard);
    let snapshot = Snapshot::of(&segment).expect("it can be read");
    assert_eq!((snapshot.check(), snapshot.recoveries, snapshot.done()), (Ok(()), 1, 0));

    let maps = fs::read_to_string(format!("{proc}/maps")).expect("it lives");
    assert!(maps.contains("sleep") && !maps.contains(name.as_str()), "{maps}");
    let descriptors = fs::read_dir(format!("{proc}/fd")).expect("it lives").filter_map(Result::ok);
    let open: Vec<_> = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok()).collect();
    assert!(!open.is_empty() && !open.iter().any(|file| file.ends_with(name.as_str())), "{open:?}");
    drop(segment);
    // It does not count as attached.
    remove(&env, &name);
}

/// Fault 19, for a worker that wants the ticket while the other program still runs.
#[test]
fn the_ticket_of_a_worker_that_became_another_program_goes_to_the_next_one() {
    let env = test_env!();
    let name = create(&env, "after-exec", "1");
    let other = env.program(&env.path().join("exec-victim")).args([name.as_str()]).start();
    env.until_status(name.as_str(), |status| status["workers"][0]["state"] == "died");
    let next = env.worker(name.as_str()).run().expect(exit_code::COMPLETE);
    assert_eq!(next.stdout, "Process Process-1 updated shared value to 285\n");
    drop(other);
    remove(&env, &name);
}

/// Fault 20.
#[test]
fn ten_thousand_timed_locks_are_had_or_busy_and_nothing_else() {
    const THREADS: u32 = 8;
    let env = test_env!();
    let name = create(&env, "timed", "1");
    let contend = || {
        let (segment, mut dice) = (Segment::attach(&name).expect("it is there"), rand::rng());
        let mut counts = [0_u32; 2];
        for attempt in 0..10_000 / THREADS {
            // Some deadlines lie beyond the next full second, where nanoseconds carry.
            let most = if attempt % 4 == 0 { 1_000_000 } else { 5000 };
            match Ledger::of(&segment).lock_within(Duration::from_micros(dice.random_range(0..most))) {
                Ok(guard) => {
                    counts[0] += 1;
                    thread::sleep(Duration::from_micros(dice.random_range(0..500)));
                    drop(guard);
                }
                Err(LockError::Busy { .. }) => counts[1] += 1,
                Err(error) => panic!("neither had nor busy: {error}"),
            }
        }
        counts
    };
    let counts: Vec<[u32; 2]> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(contend)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let [had, busy] = counts.iter().fold([0, 0], |[had, busy], count| [had + count[0], busy + count[1]]);
    assert_eq!(had + busy, 10_000);
    assert!(had > 0 && busy > 0, "had {had} times, busy {busy} times");
    remove(&env, &name);
}

/// Fault 20: setting the wall clock affects only waits on `CLOCK_REALTIME` (futex(2)).
#[test]
fn a_wait_for_the_lock_does_not_look_at_the_wall_clock() {
    const TEST: &str = "a_wait_for_the_lock_does_not_look_at_the_wall_clock";
    let env = test_env!();
    let Ok(true) =
        Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().map(|status| status.success())
    else {
        return skip(TEST, "strace is not here or may not trace");
    };
    let name = create(&env, "clock", "1");
    let segment = Segment::attach(&name).expect("it is there");
    let guard = Ledger::of(&segment).lock_within(Duration::from_secs(10)).expect("it is to be had");
    let log = env.path().join("trace");
    let tracing = env.program(Path::new("strace")).args(["-f", "-e", "trace=futex", "-o"]).args([&log]);
    let tracing = tracing.args([&env.path().join("worker")]).args(["--name", name.as_str()]).start();
    let calls = || fs::read_to_string(&log).unwrap_or_default();
    until("the worker to have waited for a second", || calls().contains("ETIMEDOUT"));
    drop(guard);
    let _ = tracing.finish().expect(exit_code::COMPLETE);
    let calls = calls();
    // Always with a deadline on the monotonic clock.
    assert!(calls.contains("FUTEX_WAIT_BITSET") && !calls.contains("FUTEX_CLOCK_REALTIME"), "{calls}");
    drop(segment);
    remove(&env, &name);
}

/// Fault 22: a process that started after its PID was recorded is another process.
#[test]
fn a_process_or_thread_that_started_later_is_not_the_one_that_had_the_id() {
    let earlier = BootTime::now();
    // The kernel gives start times in ticks of 10 ms.
    thread::sleep(Duration::from_millis(50));
    let mut child = Command::new("sleep").arg("600").spawn().expect("sleep can be started");
    let look = move |id| [process::look(id, earlier), process::look(id, BootTime::now())];
    let of_process = look(child.id());
    child.kill().and_then(|()| child.wait()).expect("it can be killed");
    let of_thread = thread::spawn(move || look(thread_id())).join().expect("no panic");
    assert_eq!([of_process, of_thread], [[Process::Recycled, Process::Running]; 2]);
}

/// The id of this thread.
fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Calls `start` until the new process has that id, which must be free; none if ids cannot be chosen here.
fn with_id<T>(id: u32, mut start: impl FnMut() -> (T, u32)) -> Option<T> {
    const LAST: &str = "/proc/sys/kernel/ns_last_pid";
    let last = fs::read_to_string(LAST).ok()?;
    let started = (0..200).find_map(|_| {
        fs::write(LAST, (id - 1).to_string()).ok()?;
        let (started, got) = start();
        (got == id).then_some(started)
    });
    // Ids continue from the highest one, so that others are not reused soon.
    let _ = fs::write(LAST, last);
    started
}

/// A process that is killed with the test at the latest.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A segment with one ticket whose worker died with the lock, and that worker's id.
fn died(env: &TestEnv, label: &str) -> (SegmentName, u32) {
    let name = create(env, label, "1");
    let worker =
        env.worker(name.as_str()).inject(Injection { failpoint: Failpoint::Locked, action: "kill", times: 1 }).start();
    let id = worker.pid();
    assert_eq!(worker.finish().signal, Some(9));
    (name, id)
}

/// Checks that the worker is reported as dead, and that the next one contributes under its ticket.
fn assert_taken_over(env: &TestEnv, name: &SegmentName, id: u32) {
    let status = env.status(name.as_str()).expect("it is there");
    assert_eq!((&status["workers"][0]["pid"], &status["workers"][0]["state"]), (&id.into(), &"died".into()));
    let next = env.worker(name.as_str()).run().expect(exit_code::COMPLETE);
    assert_eq!(next.stdout, "Process Process-1 updated shared value to 285\n");
    remove(env, name);
}

/// Fault 22. Alone: the test resets the PID counter, and other tests could get reused PIDs.
#[test]
fn a_dead_worker_is_dead_though_another_process_has_its_id() {
    let env = test_env!(alone);
    let (name, id) = died(&env, "recycled");
    let recycled = with_id(id, || {
        let sleeper = Sleeper(Command::new("sleep").arg("600").spawn().expect("sleep can be started"));
        let id = sleeper.0.id();
        (sleeper, id)
    });
    if recycled.is_none() {
        skip("a_dead_worker_is_dead_though_another_process_has_its_id", "ids cannot be chosen here");
    }
    assert_taken_over(&env, &name, id);
}

/// Fault 22. Alone: as above.
#[test]
fn a_dead_worker_is_dead_though_a_thread_has_its_id() {
    let env = test_env!(alone);
    let (name, id) = died(&env, "thread");
    let recycled = with_id(id, || {
        let ((tell, told), (end, ended)) = (channel(), channel::<()>());
        // It runs until the other end is dropped.
        thread::spawn(move || tell.send(thread_id()).map(|()| ended.recv()));
        (end, told.recv().expect("the thread runs"))
    });
    if recycled.is_none() {
        skip("a_dead_worker_is_dead_though_a_thread_has_its_id", "ids cannot be chosen here");
    }
    assert_taken_over(&env, &name, id);
}

/// Fault 22. Alone: as above.
#[test]
fn a_worker_with_the_id_of_a_dead_one_takes_over_its_lock_and_its_ticket() {
    let env = test_env!(alone);
    let (name, id) = died(&env, "same");
    let worker = env.path().join("worker");
    let next = with_id(id, || {
        // It executes the worker only if it has the id.
        let shell = env.program(Path::new("sh")).args(["-c", r#"kill -STOP $$; exec "$0" --name "$1""#]);
        let next = shell.args([worker.as_os_str(), name.as_str().as_ref()]).start();
        let got = next.pid();
        (next, got)
    });
    let Some(next) = next else {
        remove(&env, &name);
        return skip(
            "a_worker_with_the_id_of_a_dead_one_takes_over_its_lock_and_its_ticket",
            "ids cannot be chosen here",
        );
    };
    until("the shell to be stopped", || process::look(id, BootTime::now()) == Process::Stopped);
    next.signal(Signal::CONT);
    let next = next.finish().expect(exit_code::COMPLETE);
    assert_eq!(next.stdout, "Process Process-1 updated shared value to 285\n");
    remove(&env, &name);
}
