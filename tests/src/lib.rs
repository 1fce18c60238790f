//! The harness: runs the real executables on segments with unique names and cleans up after them.
//!
//! Invariants: every process that a test starts is in a process group that is killed with the test; every segment has a
//! name that only this test uses; a test that leaves a segment in `/dev/shm` fails; every wait has a bound.
#![expect(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "a harness panics to fail its test")]

mod assert_error;
mod command;
pub mod crash_rig;
pub mod fork;
mod held_run;
mod injection;
pub mod ptrace;
mod report;
mod results_folder;
mod seclusion;
pub mod storm;
mod terminal;
mod test_env;
pub mod timeline_files;
mod which;
mod wrapped;

pub use assert_error::assert_error;
pub use command::{Command, Finished, Running};
pub use held_run::HeldRun;
pub use injection::Injection;
pub use report::{report, skip};
pub use results_folder::ResultsFolder;
pub use seclusion::{is_on_own_machine, is_secluded};
pub use terminal::Terminal;
pub use test_env::{Executables, TestEnv, until};
pub use which::which;
pub use wrapped::wrapped;

/// The integer in a segment's only cell.
pub fn integer(value: &common::Cells<common::Value>) -> i128 {
    value.as_slice()[0].number().integer().expect("it holds integers")
}

/// A whole number of a JSON report: a string, so that no reader rounds it.
pub fn whole(json: &serde_json::Value) -> u64 {
    json.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{json} is no whole number in a string"))
}

/// The executables that cargo has built for a test crate of this package.
#[macro_export]
macro_rules! executables {
    () => {
        $crate::Executables {
            folder: env!("CARGO_TARGET_TMPDIR"),
            links: &[
                ("coordinator", env!("CARGO_BIN_EXE_coordinator-under-test")),
                ("worker", env!("CARGO_BIN_EXE_worker-under-test")),
                ("cubes", env!("CARGO_BIN_EXE_cubes-under-test")),
                ("hold", env!("CARGO_BIN_EXE_hold-under-test")),
                ("victim", env!("CARGO_BIN_EXE_victim-under-test")),
                ("faulty", env!("CARGO_BIN_EXE_faulty-under-test")),
                ("storm-victim", env!("CARGO_BIN_EXE_storm-under-test")),
                ("split-storm-victim", env!("CARGO_BIN_EXE_split-storm-under-test")),
                ("exec-victim", env!("CARGO_BIN_EXE_exec-under-test")),
                ("fork-victim", env!("CARGO_BIN_EXE_fork-under-test")),
                ("forking-worker", env!("CARGO_BIN_EXE_forking-worker-under-test")),
                ("hosting-worker", env!("CARGO_BIN_EXE_hosting-worker-under-test")),
            ],
        }
    };
}

/// The environment of a test. `alone`: no other test of this package runs at the same time.
#[macro_export]
macro_rules! test_env {
    () => {
        $crate::TestEnv::shared(&$crate::executables!())
    };
    (alone) => {
        $crate::TestEnv::alone(&$crate::executables!())
    };
}

/// Whether the calling test, given by name, runs in a `/dev/shm` of its own ([`is_secluded`]).
#[macro_export]
macro_rules! secluded {
    ($test:ident) => {
        $crate::is_secluded(concat!(module_path!(), "::", stringify!($test)))
    };
}

/// Whether the calling test, given by name, runs on a machine of its own ([`is_on_own_machine`]).
#[macro_export]
macro_rules! on_own_machine {
    ($test:ident) => {
        $crate::is_on_own_machine(concat!(module_path!(), "::", stringify!($test)))
    };
}
