//! Programs that share a value and fork: `fork-victim ACTION NAME [COUNT]`. Each checks what it sees, and panics otherwise.

#[path = "forked_run.rs"]
mod forked_run;

use std::env;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::mem::forget;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{
    ArrayGuard, Condition, Error, ForkError, LockError, LockOutcome, SegmentName, SharedArray, SharedValue, remove,
};
use harness::fork::{close_all, fork, join, kill};
use rustix::process::{Pid, Signal, WaitOptions, chroot, getpid, getppid, kill_process, waitpid};

/// Longer than any test waits.
const LIFE: Duration = Duration::from_secs(150);

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let name: SegmentName = args[1].parse().expect("the name is legal");
    match args[0].as_str() {
        "both-sides" => both_sides(&name),
        "guard" => guard(&name),
        "run" => forked_run::run(&name),
        "present" => present(&name),
        "grandchild" => grandchild(&name),
        "idle-grandchild" => idle_grandchild(&name),
        "daemon" => daemon(&name),
        "no-proc" => no_proc(&name),
        "kills" => kills(&name),
        "storm" => forked_run::storm(&name, args[2].parse().expect("a number of segments")),
        action => panic!("no action {action}"),
    }
}

/// Parent and child use the value at once, and both drop it.
fn both_sides(name: &SegmentName) {
    let value = SharedValue::create(name, 0).expect("the name is free");
    let add = || {
        for _ in 0..2000 {
            value.add(1).expect("the lock is sound");
        }
    };
    let children: Vec<Pid> = (0..3).map(|_| fork(add)).collect();
    add();
    children.into_iter().for_each(join);
    assert_eq!(value.get(), 4 * 2000);
    // Dropped for real, once used and once not.
    for is_used in [true, false] {
        let mut handle = Some(SharedValue::<i32>::attach(name).expect("it is there"));
        join(fork(|| {
            if is_used {
                handle.as_ref().expect("it is there").add(1).expect("the lock is sound");
            }
            drop(handle.take());
        }));
        assert_eq!(handle.expect("it is the parent's").add(1).expect("the lock is sound"), value.get());
    }
    drop_in_child(value);
}

/// The creator's handle is dropped in a child and then in the parent: the name goes with the latter.
fn drop_in_child(value: SharedValue<i32>) {
    let name = value.name().clone();
    let mut value = Some(value);
    join(fork(|| drop(value.take())));
    assert!(name.path().exists(), "a child takes no name away");
    let again = value.take().expect("it is the parent's");
    join(fork(|| {
        again.add(1).expect("the lock is sound");
    }));
    assert!(name.path().exists(), "nor does one that ends");
    drop(again);
    assert!(!name.path().exists());
}

/// A guard is held at the fork, of a value and of an array.
fn guard(name: &SegmentName) {
    let array = SharedArray::create(name, &[1, 2]).expect("the name is free");
    let mut guard = array.lock().expect("nobody holds it");
    let in_child = |guard: &mut ArrayGuard<'_, i32>| {
        let of_parent = |error: &LockError| matches!(error, LockError::Forked(ForkError::LockOfParent { .. }));
        assert_eq!(guard.to_vec(), [1, 2], "it can be read");
        assert!(of_parent(&guard.set(0, 7).expect_err("it is the parent's")));
        assert!(of_parent(&guard.update(|cells| cells.fill(7)).expect_err("it is the parent's")));
        assert!(matches!(guard.add(&[7, 7]), Err(Error::Lock(error)) if of_parent(&error)));
    };
    join(fork(|| in_child(&mut guard)));
    let mut held = Some(guard);
    join(fork(|| {
        drop(held.take());
        assert!(array.try_lock().expect("the lock is sound").is_none(), "it is still the parent's");
        let busy = array.lock_within(Duration::from_millis(20)).map(drop).expect_err("it is the parent's");
        let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        assert!(matches!(busy, LockError::Busy { owner: Some(owner) } if Some(owner.thread) == parent));
    }));
    let mut guard = held.take().expect("it is the parent's");
    guard.set(0, 3).expect("it is its own");
    guard.add(&[1, 1]).expect("it is its own");
    // The child gets it when the parent releases it, and the parent when the child dies with it.
    let child = fork(|| {
        let guard = array.lock().expect("it comes");
        assert_eq!((guard.outcome(), guard.to_vec()), (LockOutcome::Released, vec![4, 3]));
        forget(guard);
        kill_self();
    });
    drop(guard);
    let status = waitpid(Some(child), WaitOptions::empty());
    assert_eq!(status.expect("it is a child").and_then(|(_, status)| status.terminating_signal()), Some(9));
    assert_eq!(array.lock().expect("it is had from the dead").outcome(), LockOutcome::OwnerDied);
}

fn kill_self() {
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Prints the child, which is present by itself once it has used the value; the parent leaves.
fn present(name: &SegmentName) {
    let value = SharedValue::create(name, 1).expect("the name is free");
    let child = fork(|| {
        value.add(1).expect("the lock is sound");
        sleep(LIFE);
    });
    while value.get() != 2 {
        sleep(Duration::from_millis(1));
    }
    value.keep();
    say(child);
}

/// A child that has used the value forks another one, which uses it too; only the last one stays.
fn grandchild(name: &SegmentName) {
    let value = SharedValue::create(name, 1).expect("the name is free");
    join(fork(|| {
        value.add(1).expect("the lock is sound");
        let grandchild = fork(|| {
            value.add(1).expect("the lock is sound");
            sleep(LIFE);
        });
        while value.get() != 3 {
            sleep(Duration::from_millis(1));
        }
        say(grandchild);
    }));
    value.keep();
}

/// A child that has used the value forks another one, which does not; only the last one stays.
fn idle_grandchild(name: &SegmentName) {
    let value = SharedValue::create(name, 1).expect("the name is free");
    join(fork(|| {
        value.add(1).expect("the lock is sound");
        say(fork(|| sleep(LIFE)));
    }));
    value.keep();
}

/// A child closes all descriptors, as daemons do, opens its own, and forks again: none of these is touched.
fn daemon(name: &SegmentName) {
    let value = SharedValue::create(name, 1).expect("the name is free");
    join(fork(|| {
        close_all();
        let mut files: Vec<File> = (0..8).map(|_| tempfile::tempfile().expect("it can be made")).collect();
        for (file, text) in files.iter_mut().zip(b'a'..) {
            file.write_all(&[text]).expect("it can be written");
        }
        assert_eq!(value.get(), 1, "the memory is there");
        let error = value.add(1).expect_err("its file is closed");
        assert!(matches!(&error, LockError::Forked(ForkError::Reopen(_))), "{error}");
        let check = |files: &mut Vec<File>| {
            for (file, text) in files.iter_mut().zip(b'a'..) {
                let mut read = [0];
                file.rewind().and_then(|()| file.read_exact(&mut read)).expect("it is the file");
                assert_eq!(read, [text]);
            }
        };
        check(&mut files);
        join(fork(|| check(&mut files)));
        let attached = SharedValue::<i32>::attach(name).expect("it is there");
        attached.add(1).expect("the lock is sound");
        check(&mut files);
    }));
    assert_eq!(value.get(), 2);
    let own: SegmentName = format!("{name}-own").parse().expect("the name is legal");
    join(fork(|| {
        close_all();
        // No descriptor of the parent is left, and the child of this process keeps no role all the same.
        forget(SharedValue::open_or_create(&own, 0).expect("the name is free"));
        fork(|| while_there(&own));
    }));
    remove(&own, Condition::Unattached).expect("its only user has ended");
}

/// Sleeps until the segment is removed.
fn while_there(name: &SegmentName) {
    let began = Instant::now();
    while name.path().exists() && began.elapsed() < LIFE {
        sleep(Duration::from_millis(2));
    }
}

/// A child without /proc: it cannot open the file again, and says so. Prints whether it could be tried.
fn no_proc(name: &SegmentName) {
    let value = SharedValue::create(name, 1).expect("the name is free");
    let empty = tempfile::tempdir().expect("it can be made");
    join(fork(|| {
        if chroot(empty.path()).is_err() {
            return println!("not permitted");
        }
        let error = value.add(1).expect_err("it cannot find the file");
        assert!(
            matches!(&error, LockError::Forked(ForkError::Reopen(_))) && error.to_string().contains("/proc"),
            "{error}"
        );
        assert_eq!(value.get(), 1, "the memory is there");
        println!("tried");
    }));
    assert_eq!(value.add(1).expect("the parent has all that it had"), 2);
}

/// Children are killed in the middle of updates; then one goes on after its parent is killed.
fn kills(name: &SegmentName) {
    let array = SharedArray::<u64>::zeroed(name, 50).expect("the name is free");
    let add_for_ever = || loop {
        array.update(|cells| cells.iter_mut().for_each(|cell| *cell += 1)).expect("the lock is sound");
    };
    let exact = || {
        let guard = array.lock_within(Duration::from_secs(10)).expect("it is had from the dead");
        assert!(guard.iter().all(|cell| Some(cell) == guard.get(0)), "{:?}", guard.to_vec());
        (guard.get(0).expect("there is a cell"), guard.outcome())
    };
    let mut deaths = 0;
    for round in 0..60 {
        let before = exact().0;
        let child = fork(add_for_ever);
        while array.get(0) == Some(before) {
            std::hint::spin_loop();
        }
        sleep(Duration::from_micros(round * 7));
        kill(child);
        deaths += u32::from(exact().1 == LockOutcome::OwnerDied);
    }
    assert!(deaths > 0, "none was killed with the lock held");
    // The parent is killed with the lock held at the fork of its child, which goes on.
    let ready =
        SharedArray::<i32>::zeroed(&format!("{name}-pid").parse().expect("the name is legal"), 1).expect("free");
    for _ in 0..10 {
        let before = exact().0;
        ready.lock().expect("nobody holds it").set(0, 0).expect("it is its own");
        let parent = fork(|| {
            let guard = array.lock().expect("nobody holds it");
            let child = fork(add_for_ever);
            let pid = child.as_raw_nonzero().get();
            ready.lock().expect("nobody holds it").set(0, pid).expect("it is its own");
            sleep(LIFE);
            drop(guard);
        });
        while ready.get(0) == Some(0) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(array.get(0), Some(before), "the child waits for the lock");
        kill(parent);
        while array.get(0).is_none_or(|now| now < before + 20) {
            sleep(Duration::from_millis(1));
        }
        let child = Pid::from_raw(ready.get(0).expect("there is a cell")).expect("it is a process");
        kill_process(child, Signal::KILL).expect("it lives");
        exact();
    }
}

fn say(pid: Pid) {
    println!("{}", pid.as_raw_nonzero());
}
