//! Planted deaths: places at which a test makes the process die, stop or fail for real.
//!
//! Without the feature `plant`, which only the tests' package turns on, every function here is empty. With it, the
//! variable `MULTIPROCESS_PLANT` names a point and an action (`published=kill`), and `MULTIPROCESS_PLANT_TIMES` a folder
//! with one file a time that the plant may go off, so that a worker launched again gets through, and
//! `MULTIPROCESS_PLANT_SPARES` a program in which it does not. `MULTIPROCESS_FAULTS` names mistakes in the protocol itself,
//! which the tests must find.

/// A place at which something can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A ticket was taken.
    Taken,
    /// The kernel is done.
    Computed,
    /// The lock is held and nothing is changed.
    Locked,
    /// The redo record is written and not published.
    Recorded,
    /// The redo record is published and not applied.
    Published,
    /// The commit is applied in part.
    HalfApplied,
    /// Recovery has begun.
    Recovering,
    /// The lock is released, the contribution applied, and the process still there.
    Committed,
    /// The segment lies under its creation name.
    Created,
    /// All workers are gone, and nothing is reported yet.
    Supervised,
    /// A worker is about to be launched.
    Launching,
}

impl Point {
    /// The name in the variable.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Computed => "computed",
            Self::Locked => "locked",
            Self::Recorded => "recorded",
            Self::Published => "published",
            Self::HalfApplied => "half-applied",
            Self::Recovering => "recovering",
            Self::Committed => "committed",
            Self::Created => "created",
            Self::Supervised => "supervised",
            Self::Launching => "launching",
        }
    }
}

/// Does what is planted at this point.
#[cfg(not(feature = "plant"))]
#[inline]
pub fn at(_point: Point) {}

/// Whether the system is to refuse what comes next.
#[cfg(not(feature = "plant"))]
#[must_use]
pub fn refuses(_point: Point) -> bool {
    false
}

/// A mistake in the protocol, planted to see that the tests would find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The value is added to and the ticket marked afterwards, without a record.
    AddBeforeMark,
    /// The value is stored before the commit point.
    ValueBeforeCommit,
    /// Recovery does not declare the mutex consistent.
    NoConsistent,
    /// A commit does not check that its ticket, and its chunk, are still its own.
    NoRecheck,
    /// A ticket is given to a second worker while the first one lives.
    NoRoles,
    /// A commit is applied before it is published: its record is none.
    AppliedBeforePublished,
    /// The next chunk is stored in the slot before the commit point.
    ChunkBeforeCommit,
    /// Up to where the range is given out is stored before the commit point.
    CursorBeforeCommit,
    /// A chunk that is taken over stays with the dead worker's ticket as well.
    RobbedNotCleared,
    /// A chunk is taken over without asking the kernel whether its worker lives.
    RobWithoutRole,
    /// Who takes a dead worker's ticket does not go on with its chunk.
    HeldForgotten,
}

impl Fault {
    /// The name in the variable.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddBeforeMark => "add-before-mark",
            Self::ValueBeforeCommit => "value-before-commit",
            Self::NoConsistent => "no-consistent",
            Self::NoRecheck => "no-recheck",
            Self::NoRoles => "no-roles",
            Self::AppliedBeforePublished => "applied-before-published",
            Self::ChunkBeforeCommit => "chunk-before-commit",
            Self::CursorBeforeCommit => "cursor-before-commit",
            Self::RobbedNotCleared => "robbed-not-cleared",
            Self::RobWithoutRole => "rob-without-role",
            Self::HeldForgotten => "held-forgotten",
        }
    }
}

/// Whether the fault is planted in this process.
#[cfg(not(feature = "plant"))]
#[must_use]
#[inline]
pub const fn has(_fault: Fault) -> bool {
    false
}

#[cfg(feature = "plant")]
pub use planted::{at, has, refuses};

#[cfg(feature = "plant")]
mod planted {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::{env, fs};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Fault, Point};

    /// The point's name and what to do there.
    static PLANT: OnceLock<Option<(String, String)>> = OnceLock::new();

    fn action(point: Point) -> Option<&'static str> {
        let plant = PLANT.get_or_init(|| {
            let plant = env::var("MULTIPROCESS_PLANT").ok()?;
            let program = env::args_os().next().map(PathBuf::from);
            let spared = env::var_os("MULTIPROCESS_PLANT_SPARES");
            if spared.is_some() && spared.as_deref() == program.as_ref().and_then(|program| program.file_name()) {
                return None;
            }
            plant.split_once('=').map(|(point, action)| (point.to_owned(), action.to_owned()))
        });
        let (wanted, action) = plant.as_ref()?;
        (wanted == point.name() && goes_off()).then_some(action.as_str())
    }

    /// Takes one file of the folder away; the kernel lets just one process remove a file.
    fn goes_off() -> bool {
        let Some(folder) = env::var_os("MULTIPROCESS_PLANT_TIMES") else { return true };
        let Ok(files) = fs::read_dir(folder) else { return false };
        files.filter_map(Result::ok).any(|file| fs::remove_file(file.path()).is_ok())
    }

    /// Does what is planted at this point.
    ///
    /// # Panics
    /// If that is what is planted.
    pub fn at(point: Point) {
        let signal = match action(point) {
            Some("kill") => Signal::KILL,
            Some("stop") => Signal::STOP,
            Some("panic") => panic!("planted at {}", point.name()),
            _ => return,
        };
        // The signal cannot be refused: it goes to this very process.
        let _ = kill_process(getpid(), signal);
    }

    /// The planted faults.
    static FAULTS: OnceLock<String> = OnceLock::new();

    /// Whether the fault is planted in this process: its name is among those in `MULTIPROCESS_FAULTS`.
    #[must_use]
    pub fn has(fault: Fault) -> bool {
        let faults = FAULTS.get_or_init(|| env::var("MULTIPROCESS_FAULTS").unwrap_or_default());
        faults.split(',').any(|name| name == fault.name())
    }

    /// Whether the system is to refuse what comes next.
    #[must_use]
    pub fn refuses(point: Point) -> bool {
        action(point) == Some("refuse")
    }
}
