//! The harness: real executables in a folder of their own, segments with names of their own, and nothing left behind.
//!
//! Invariants: every process that a test starts is in a process group that ends with the test; every segment has a name
//! that only this test uses, and a test that leaves one in `/dev/shm` fails; no wait is without a bound.

mod command;
pub mod lab;
mod plant;
mod scene;
mod seclusion;
pub mod storm;
mod terminal;
pub mod trace;

pub use command::{Command, Finished, Running};
pub use plant::Plant;
pub use scene::{Executables, Scene, until};
pub use seclusion::is_secluded;
pub use terminal::Terminal;

/// The integer that is in a segment's only cell.
///
/// # Panics
/// If the segment holds fractions.
#[must_use]
pub fn integer(value: &common::Cells<common::Value>) -> i128 {
    value.as_slice()[0].number().integer().expect("it holds integers")
}

/// The executables that cargo has built for a test of this package.
#[macro_export]
macro_rules! executables {
    () => {
        $crate::Executables {
            coordinator: env!("CARGO_BIN_EXE_coordinator-under-test"),
            worker: env!("CARGO_BIN_EXE_worker-under-test"),
            cubes: env!("CARGO_BIN_EXE_cubes-under-test"),
            victim: env!("CARGO_BIN_EXE_victim-under-test"),
            faulty: env!("CARGO_BIN_EXE_faulty-under-test"),
            folder: env!("CARGO_TARGET_TMPDIR"),
        }
    };
}

/// A scene for the test that calls it.
#[macro_export]
macro_rules! scene {
    () => {
        $crate::Scene::shared(&$crate::executables!())
    };
    (alone) => {
        $crate::Scene::alone(&$crate::executables!())
    };
}
