//! Real truncations and foreign signals, each in a process of its own, which it may end.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, exit};
use std::ptr::null_mut;

use libc::{SA_RESETHAND, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGBUS};

use super::earlier::{Next, next};
use super::*;
use crate::{Ledger, LockError, Segment, SegmentName, Snapshot, Terms};

/// What a process of its own is to do.
const CASE: &str = "SIGBUS_TEST_CASE";

const PAGE: usize = 4096;

/// Installs an action for SIGBUS; returns the one before.
fn set_action(handler: libc::sighandler_t, flags: c_int) -> libc::sighandler_t {
    // SAFETY: all-zero bytes are a valid sigaction.
    let (mut action, mut old): (libc::sigaction, libc::sigaction) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    // SAFETY: both are locals of the right type, and the tests pass handlers that fit the flags.
    assert_eq!(unsafe { libc::sigaction(SIGBUS, &raw const action, &raw mut old) }, 0);
    old.sa_sigaction
}

/// A segment without a name, and its file.
fn segment() -> (Segment, File) {
    let name: SegmentName = format!("sigbus-{}", std::process::id()).parse().expect("the name is legal");
    let segment = Segment::create(&name, &Terms::by_hand("sum-of-squares", 100)).expect("the name is free");
    let file = File::options().write(true).open(name.path()).expect("it is there");
    std::fs::remove_file(name.path()).expect("it is there");
    (segment, file)
}

/// A page of a mapping that is not ours, which its file has lost.
fn foreign_page() -> *mut u8 {
    let file = tempfile::tempfile().expect("there is room");
    file.set_len(PAGE as u64).expect("there is room");
    // SAFETY: a new mapping, which nobody else knows.
    let page = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(null_mut(), PAGE, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    assert_ne!(page, libc::MAP_FAILED);
    file.set_len(0).expect("it can be cut");
    page.cast()
}

fn touch(page: *mut u8) {
    // SAFETY: the page is mapped; that its file has lost it is what the test is about.
    unsafe { page.write_volatile(1) };
}

fn send() {
    // SAFETY: a signal to this very thread.
    unsafe { libc::raise(SIGBUS) };
}

extern "C" fn plain(signal: c_int) {
    // SAFETY: async-signal-safe.
    unsafe { libc::_exit(if signal == SIGBUS { 42 } else { 1 }) }
}

/// What `with_info` is to find.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn with_info(_signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel, or our handler, passes a valid siginfo.
    let address = unsafe { (*info).si_addr() as usize };
    // SAFETY: async-signal-safe.
    unsafe { libc::_exit(if address == EXPECTED.load(Relaxed) { 43 } else { 1 }) }
}

extern "C" fn count(_signal: c_int) {
    EXPECTED.fetch_add(1, Relaxed);
}

/// The action under a handler that was installed over ours, and passes everything on.
static BELOW: AtomicUsize = AtomicUsize::new(0);

extern "C" fn later(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let below = BELOW.load(Relaxed) as *const ();
    // SAFETY: ours has this type.
    let below: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = unsafe { std::mem::transmute(below) };
    below(signal, info, context);
}

/// The lock and a snapshot of a truncated segment are errors.
fn must_be_damaged(segment: &Segment) {
    for _ in 0..3 {
        let error = Ledger::of(segment).lock(|_, _| {}).map(drop).expect_err("it is truncated");
        assert!(
            matches!(&error, LockError::Damaged(damage) if damage.what.contains("truncated by another program")),
            "{error}"
        );
        assert!(Snapshot::of(segment).is_err());
    }
}

/// What the other tests start as a process of its own. Started by hand, it does nothing.
#[test]
#[ignore = "other tests start it as a process; by itself it does nothing"]
fn process() {
    let Ok(case) = std::env::var(CASE) else { return };
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    match case.as_str() {
        "default" => {
            set_action(SIG_DFL, 0);
            let _segment = segment();
            touch(foreign_page());
        }
        "of the standard library" => {
            let _segment = segment();
            touch(foreign_page());
        }
        "default, sent" => {
            set_action(SIG_DFL, 0);
            let _segment = segment();
            send();
        }
        "ignored" => {
            set_action(SIG_IGN, 0);
            let _segment = segment();
            send();
            touch(foreign_page());
        }
        "plain" => {
            set_action(plain as *const () as usize, 0);
            let _segment = segment();
            touch(foreign_page());
        }
        "plain, sent" => {
            set_action(plain as *const () as usize, 0);
            let _segment = segment();
            send();
        }
        "with information" => {
            set_action(with_info as *const () as usize, SA_SIGINFO);
            let _segment = segment();
            let page = foreign_page();
            EXPECTED.store(page as usize, Relaxed);
            touch(page);
        }
        "called once" => {
            set_action(count as *const () as usize, SA_RESETHAND);
            let _segment = segment();
            send();
            assert_eq!(EXPECTED.load(Relaxed), 1);
            send();
        }
        "ours" => {
            set_action(plain as *const () as usize, 0);
            let (segment, file) = segment();
            file.set_len(0).expect("it can be cut");
            must_be_damaged(&segment);
            drop(segment);
            exit(40);
        }
        "ours under a later one" => {
            let (segment, file) = segment();
            BELOW.store(set_action(later as *const () as usize, SA_SIGINFO), Relaxed);
            file.set_len(0).expect("it can be cut");
            must_be_damaged(&segment);
            exit(41);
        }
        "exit" => {
            exit_on_truncation(4);
            let (segment, file) = segment();
            file.set_len(0).expect("it can be cut");
            let _ = segment.lifecycle();
        }
        "exit, and foreign" => {
            exit_on_truncation(4);
            set_action(plain as *const () as usize, 0);
            let _segment = segment();
            touch(foreign_page());
        }
        _ => panic!("no case {case}"),
    }
    exit(2);
}

/// Runs a case in a process of its own.
fn run(case: &str) -> Output {
    let program = std::env::current_exe().expect("the test knows its executable");
    let name = concat!(module_path!(), "::process").split_once("::").expect("it is in a module").1;
    let mut command = Command::new(program);
    command.args(["--exact", name, "--ignored", "--nocapture"]).env(CASE, case);
    command.output().expect("the test can be started")
}

/// Fault 64.
#[test]
fn a_foreign_sigbus_does_what_it_did_before() {
    for case in ["default", "of the standard library", "default, sent", "ignored", "called once"] {
        let output = run(case);
        assert_eq!(output.status.signal(), Some(SIGBUS), "{case}: {output:?}");
    }
    for (case, code) in [("plain", 42), ("plain, sent", 42), ("with information", 43), ("exit, and foreign", 42)] {
        let output = run(case);
        assert_eq!(output.status.code(), Some(code), "{case}: {output:?}");
    }
}

/// Fault 64.
#[test]
fn a_truncated_segment_is_an_error_whatever_handler_is_below_or_above() {
    for (case, code) in [("ours", 40), ("ours under a later one", 41)] {
        let output = run(case);
        assert_eq!(output.status.code(), Some(code), "{case}: {output:?}");
    }
}

/// Fault 27.
#[test]
fn an_executable_exits_with_its_code() {
    let output = run("exit");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("error: the segment was truncated"), "{output:?}");
}

#[test]
fn a_signal_is_passed_on_as_the_kernel_would_deliver_it() {
    const SENT: c_int = libc::SI_USER;
    const FAULT: c_int = libc::BUS_ADRERR;
    let handler = plain as *const () as usize;
    for (case, expected) in [
        ((SIG_DFL, 0, FAULT, false), Next::Default),
        ((SIG_DFL, 0, SENT, false), Next::Default),
        ((SIG_IGN, 0, SENT, false), Next::Ignore),
        ((SIG_IGN, 0, libc::BUS_MCEERR_AO, false), Next::Ignore),
        ((SIG_IGN, 0, libc::BUS_MCEERR_AR, false), Next::Default),
        ((SIG_IGN, 0, FAULT, false), Next::Default),
        ((handler, 0, FAULT, true), Next::Call),
        ((handler, SA_SIGINFO, SENT, false), Next::Call),
        ((handler, SA_RESETHAND, FAULT, false), Next::Call),
        ((handler, SA_RESETHAND, FAULT, true), Next::Default),
    ] {
        let (handler, flags, code, was_called) = case;
        assert_eq!(next(handler, flags, code, was_called), expected, "{case:?}");
    }
}

#[test]
fn an_address_is_found_in_its_range_alone() {
    let mut bytes = [0_u8; 64];
    let base = bytes.as_mut_ptr();
    let watched = WatchedRange::new(base, 32);
    assert!(range::find(base as usize).is_some() && range::find(base as usize + 31).is_some());
    assert!(range::find((base as usize).wrapping_sub(1)).is_none() && range::find(base as usize + 32).is_none());
    assert!(!watched.has_lost(usize::MAX));
    drop(watched);
    assert!(range::find(base as usize).is_none());
}
