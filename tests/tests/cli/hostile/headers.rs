//! Segments with changed bytes: rejected with a typed error, or used correctly; never a crash, never an endless wait.
//!
//! In this process, because a process for each of thousands of changes would take minutes. If the library crashes or
//! hangs, so does this test.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use common::cli::exit_code::{COMPLETE, FOREIGN, NOTHING_TO_DO};
use common::cli::exit_code_of;
use common::{Ledger, Segment, SegmentName, Snapshot, Terms};
use harness::{TestEnv, assert_error, test_env, until};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::offsets::{
    APPLIED, C_LIBRARY, CHECKSUM, DONE_COUNT, LIVE, LOG, MUTEX, PUBLISHED, READY, RECOVERIES, SLOT_COUNT, SLOTS, TERMS,
    TEXT,
};

/// A real segment with one contribution of four, and its bytes.
struct Specimen {
    name: SegmentName,
    terms: Terms,
    file: File,
    bytes: Vec<u8>,
}

impl Specimen {
    fn new(env: &TestEnv) -> Self {
        let name = env.name("specimen");
        let args = ["create", &name, "--quiet", "-w", "4", "--slots", "4", "-n", "10"];
        let _ = env.coordinator(args).run().expect(COMPLETE);
        let _ = env.worker(&name).args(["--delay", "0"]).run().expect(COMPLETE);
        let file = File::options().read(true).write(true).open(env.segment(&name)).expect("it can be opened");
        let bytes = fs::read(env.segment(&name)).expect("it can be read");
        let name: SegmentName = name.parse().expect("it is a name");
        let terms = Segment::attach(&name).expect("it is whole").terms().clone();
        Self { name, terms, file, bytes }
    }

    /// The original segment with this change.
    fn change(&self, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        self.file.write_all_at(&bytes, 0).expect("it can be written");
    }

    /// Waits until no other process is present: then an owner of the lock that does not exist is damage.
    fn wait_until_alone(&self) {
        until("nobody else to be present", || {
            self.change(|bytes| bytes[MUTEX + 3] ^= 8);
            Segment::attach(&self.name).is_err()
        });
    }

    /// Reads it, attaches, locks, contributes; returns whether it contributed, or what was wrong.
    fn probe(&self) -> Result<bool, String> {
        let was_sound = match common::inspect(&self.name) {
            Ok((snapshot, _)) => snapshot.check().is_ok(),
            Err(error) => {
                refusal(error)?;
                false
            }
        };
        let segment = match Segment::attach(&self.name) {
            Ok(segment) => segment,
            Err(error) => return refusal(error),
        };
        let _ = Snapshot::of(&segment).map(|_| true).or_else(refusal)?;
        let mut guard = match Ledger::of(&segment).lock_within(Duration::from_millis(50)) {
            Ok(guard) => guard,
            // Busy is wrong too: nobody has the lock, so nobody would ever release it.
            Err(error) => return refusal(error),
        };
        let claim = guard.join().map_err(common::Error::from);
        let committed = claim.and_then(|claim| Ok(guard.commit(&claim, 7)?));
        drop(guard);
        match committed {
            Ok(_) if !was_sound => Ok(true),
            Ok(committed) => {
                let snapshot = Snapshot::of(&segment).map_err(|error| format!("then {error}"))?;
                let agrees = snapshot.value == committed.value && snapshot.check().is_ok();
                if agrees { Ok(true) } else { Err(format!("was sound, and then {:?}", snapshot.check())) }
            }
            Err(error) => refusal(error),
        }
    }
}

impl Drop for Specimen {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.name.path());
    }
}

/// Whether the bytes of a segment may cause this error.
fn refusal(error: impl Into<common::Error>) -> Result<bool, String> {
    let error = error.into();
    if [FOREIGN, NOTHING_TO_DO].contains(&exit_code_of(&error)) { Ok(false) } else { Err(format!("{error:?}")) }
}

fn set(bytes: &mut [u8], offset: usize, word: u64) {
    bytes[offset..offset + 8].copy_from_slice(&word.to_le_bytes());
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("it is eight bytes"))
}

/// Runs a property test; failures are reported and not saved to a file.
fn check<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> Result<bool, String>) {
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(strategy, |input| property(input).map(drop).map_err(TestCaseError::fail));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Random words, and words at which sums, products and indices overflow.
fn edge() -> impl Strategy<Value = u64> {
    let edges = prop::sample::select(vec![0, 1, 2, 5, u64::MAX, u64::MAX - 2, 1 << 63, u64::from(u32::MAX), 1 << 32]);
    prop_oneof![3 => edges, 1 => any::<u64>()]
}

/// Fault 24.
#[test]
fn every_flipped_bit_is_refused_or_does_no_harm() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    assert_eq!(specimen.probe(), Ok(true), "without a change it takes contributions");
    let mut failures = Vec::new();
    for offset in (0..TEXT + 32).chain(SLOTS..LOG + 16) {
        // Each change of the word `ready` costs a wait, so one bit of each of its bytes must do.
        for bit in (0..8).filter(|bit| !(READY..READY + 4).contains(&offset) || *bit == 0) {
            specimen.change(|bytes| bytes[offset] ^= 1 << bit);
            let outcome = specimen.probe().or_else(|_| {
                // A child of another test, between its fork and its exec, may have been present for the owner.
                specimen.wait_until_alone();
                specimen.change(|bytes| bytes[offset] ^= 1 << bit);
                specimen.probe()
            });
            failures.extend(outcome.err().map(|failure| format!("bit {bit} of byte {offset}: {failure}")));
            let terms = Segment::attach(&specimen.name).ok().map(|segment| segment.terms().clone());
            assert!(terms.is_none_or(|terms| terms == specimen.terms), "bit {bit} of byte {offset}: other terms");
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Fault 24.
#[test]
fn random_changes_of_a_header_are_refused_or_do_no_harm() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    check(&prop::collection::vec((0..TEXT, any::<u8>()), 1..24), |changes| {
        specimen.change(|bytes| {
            for (offset, byte) in changes {
                bytes[offset] = byte;
            }
            bytes[READY..READY + 4].copy_from_slice(&specimen.bytes[READY..READY + 4]);
        });
        specimen.probe()
    });
}

/// Fault 24.
#[test]
fn a_random_header_of_our_version_is_refused() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    check(&prop::collection::vec(any::<u8>(), SLOTS), |header| {
        specimen.change(|bytes| {
            bytes[..SLOTS].copy_from_slice(&header);
            // Magic, version, ready, layout and C library: what is checked before the terms.
            for right in [0..24, C_LIBRARY..C_LIBRARY + 4] {
                bytes[right.clone()].copy_from_slice(&specimen.bytes[right]);
            }
        });
        match Segment::attach(&specimen.name) {
            Err(common::AttachError::Refused { .. }) => specimen.probe(),
            outcome => Err(format!("{:?}", outcome.err())),
        }
    });
}

/// Fault 24.
#[test]
fn terms_of_any_words_under_a_right_checksum_are_refused_or_do_no_harm() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    check(&prop::collection::vec((0..16_usize, edge()), 1..4), |changes| {
        specimen.change(|bytes| {
            for (index, word) in changes {
                set(bytes, TERMS + index * 8, word);
            }
            let slots = TERMS + 7 * 8 + 4;
            bytes.copy_within(slots..slots + 4, SLOT_COUNT);
            let checksum = checksum(bytes);
            set(bytes, CHECKSUM, checksum);
        });
        specimen.probe()
    });
}

/// Fault 24.
#[test]
fn a_ledger_of_any_words_is_refused_or_does_no_harm() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    // All words of the live part, the commit's numbers, the value, the redo record and the claims of two tickets.
    let offsets: Vec<usize> =
        (LIVE..MUTEX).chain(PUBLISHED..TEXT).step_by(8).chain([SLOTS, SLOTS + 128, LOG]).collect();
    check(&prop::collection::vec((prop::sample::select(offsets), edge()), 1..6), |changes| {
        specimen.change(|bytes| changes.iter().for_each(|(offset, word)| set(bytes, *offset, *word)));
        specimen.probe()
    });
}

/// Fault 24.
#[test]
fn counters_at_their_ends_do_not_make_a_process_panic() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    // The last bit pattern is a taken ticket whose worker is process 0, which does not exist.
    let last_epoch = u64::MAX - 2;
    // The owner-died bit alone makes the next owner recover.
    let owner_died = 0x4000_0000;
    let cases: [(&str, &[(usize, u64)]); 4] = [
        ("commits", &[(PUBLISHED, u64::MAX), (APPLIED, u64::MAX)]),
        ("tickets done", &[(DONE_COUNT, u64::MAX)]),
        ("recoveries", &[(RECOVERIES, u64::MAX), (MUTEX, owner_died)]),
        ("epochs", &[(SLOTS + 128, last_epoch)]),
    ];
    let mut failures = Vec::new();
    for (what, changes) in cases {
        specimen.change(|bytes| changes.iter().for_each(|(offset, word)| set(bytes, *offset, *word)));
        match catch_unwind(AssertUnwindSafe(|| specimen.probe())) {
            Ok(outcome) => failures.extend(outcome.err().map(|failure| format!("{what}: {failure}"))),
            Err(_) => failures.push(format!("{what}: panicked")),
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Fault 24.
#[test]
fn a_lock_that_nobody_holds_and_nobody_can_get_is_damage_and_not_waited_for() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    // A thread that cannot exist (`PID_MAX_LIMIT` is 2^22), and the waiters bit without an owner.
    for lock in [0x3fff_fff0_u32, 0x8000_0000] {
        specimen.change(|_| {});
        let segment = Segment::attach(&specimen.name).expect("it is whole");
        // After the attach, which rejects the former.
        specimen.file.write_all_at(&lock.to_le_bytes(), MUTEX as u64).expect("it can be written");
        // Counted in seconds of waiting, not of the clock: a slow machine counts no faster.
        let patient = |_, waited: Duration| assert!(waited.as_secs() < 10, "{lock:#x}: waits without end");
        let outcome = Ledger::of(&segment).lock(patient).map(drop);
        assert!(matches!(outcome, Err(common::LockError::Damaged(_))), "{lock:#x}: {outcome:?}");
    }
}

/// Fault 24.
#[test]
fn both_executables_tell_of_a_damaged_header() {
    let env = test_env!();
    let specimen = Specimen::new(&env);
    let name = specimen.name.as_str();
    specimen.change(|bytes| bytes[TEXT] ^= 1);
    assert_error(&env.worker(name).run(), FOREIGN, "its header is damaged (checksum)");
    assert_error(&env.coordinator(["status", name]).run(), FOREIGN, "its header is damaged (checksum)");
    assert_error(&env.coordinator(["remove", name]).run(), FOREIGN, "its header is damaged (checksum)");
    // Word 4 of glibc's mutex is its kind: with another kind the C library might follow pointers.
    specimen.change(|bytes| bytes[MUTEX + 16] ^= 1);
    assert_error(&env.worker(name).run(), FOREIGN, "its lock is damaged");
    specimen.change(|bytes| bytes[376] ^= 1);
    assert_error(&env.coordinator(["status", name]).run(), FOREIGN, "the value is");
}

/// The checksum that a writer of this layout would store.
fn checksum(bytes: &[u8]) -> u64 {
    let half = |offset: usize| word(bytes, offset) & u64::from(u32::MAX);
    let mut words = vec![word(bytes, 0), half(8), word(bytes, 16), word(bytes, 24), half(C_LIBRARY), half(SLOT_COUNT)];
    words.extend([40, 48, 56].map(|offset| word(bytes, offset)));
    words.extend((TERMS..LIVE).step_by(8).map(|offset| word(bytes, offset)));
    let lengths = [96, 104, 112].map(|offset| word(bytes, TERMS + offset));
    let text = usize::try_from(lengths.into_iter().fold(0, u64::saturating_add)).unwrap_or(0).min(SLOTS - TEXT);
    words.extend(bytes[TEXT..TEXT + text].iter().map(|byte| u64::from(*byte)));
    let bytes = words.into_iter().flat_map(u64::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
