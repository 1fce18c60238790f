//! The benches' baseline locks: a bench without a test harness cannot run these tests itself.

#[path = "../benches/speed/baseline.rs"]
mod baseline;

use std::fs;

use baseline::BaselineLocks;

#[test]
fn another_mapping_of_the_file_adds_to_the_same_sums() {
    let locks = BaselineLocks::create().unwrap();
    let other = BaselineLocks::open(&locks.path()).unwrap();
    for mapping in [&locks, &other] {
        mapping.robust_add();
        mapping.plain_add();
        mapping.raw_sync_add();
        mapping.atomic_add();
    }
    assert_eq!(locks.sum(), 8);
    assert!(!other.is_stopped());
    locks.stop();
    assert!(other.is_stopped());
}

#[test]
fn a_file_without_the_magic_number_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(BaselineLocks::open(file.path()).is_err(), "another size");
    let locks = BaselineLocks::create().unwrap();
    file.as_file().set_len(fs::metadata(locks.path()).unwrap().len()).unwrap();
    assert!(BaselineLocks::open(file.path()).is_err(), "no magic number");
}
