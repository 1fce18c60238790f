//! Failpoints: places where a test makes a process die, stop or fail for real; and mutants, planted protocol mistakes.
//!
//! Without the feature `failpoints`, which only the tests' package enables, everything here is empty. With it:
//!
//! | variable | meaning |
//! |---|---|
//! | `KILLPROOF_FAILPOINT` | a failpoint and an action: `Published=kill`, also `stop`, `panic`, `refuse` |
//! | `KILLPROOF_FAILPOINT_TIMES` | a folder with one file for each time that it fires, so that a restarted worker gets through |
//! | `KILLPROOF_FAILPOINT_SPARES` | a program in which it does not fire |
//! | `KILLPROOF_MUTANTS` | the planted mutants, separated by commas |

/// A place where a test can make the process fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failpoint {
    /// The worker has taken its ticket.
    Taken,
    /// The kernel has returned.
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
    /// The contribution is applied, the lock is released, and the worker still runs.
    Committed,
    /// The segment is complete under its creation name.
    Created,
    /// All workers have ended, and nothing is reported yet.
    Supervised,
    /// The segment is marked as to be removed, and still has its name.
    Marked,
    /// A worker is about to be launched.
    Launching,
    /// The remover has its role, and the segment still has its name.
    Removing,
    /// A worker is about to start a command.
    Commanding,
}

/// A mistake in the protocol. The tests must find each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A commit adds to the value and marks the ticket afterwards, without a record.
    AddBeforeMark,
    /// A commit stores the value before the commit point.
    ValueBeforeCommit,
    /// Recovery does not mark the mutex as consistent.
    NoConsistent,
    /// A commit does not check that its ticket, and its chunk, are still its own.
    NoRecheck,
    /// A ticket is given to a second worker while the first one lives.
    NoRoles,
    /// A commit is applied before it is published.
    AppliedBeforePublished,
    /// A commit stores the next chunk in the slot before the commit point.
    ChunkBeforeCommit,
    /// A commit stores how far the range is given out before the commit point.
    CursorBeforeCommit,
    /// A stolen chunk stays with the dead worker's ticket as well.
    StolenNotCleared,
    /// A chunk is stolen without asking the kernel whether its worker lives.
    StealWithoutRole,
    /// A worker that takes a dead worker's ticket ignores the chunk that it holds.
    HeldForgotten,
    /// A commit that sets a chunk aside stores its range before the commit point.
    SetAsideBeforeCommit,
    /// A commit that sets a chunk aside does not store its range: the chunk is lost.
    SetAsideForgotten,
    /// A chunk that is set aside stays with its ticket as well, which applies it.
    SetAsideNotCleared,
    /// A ticket that is opened again stays in the log, and is finished twice.
    OpenedTicketLogged,
}

#[cfg(not(feature = "failpoints"))]
impl Failpoint {
    /// Does what a test has planted here.
    #[inline]
    pub const fn reach(self) {}

    /// Whether a test wants the system call that follows to be refused.
    #[must_use]
    pub const fn refuses(self) -> bool {
        false
    }
}

#[cfg(not(feature = "failpoints"))]
impl Mutant {
    /// Whether a test has planted this mutant in the process.
    #[must_use]
    #[inline]
    pub const fn is_planted(self) -> bool {
        false
    }
}

#[cfg(feature = "failpoints")]
mod planted {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::{env, fs};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Failpoint, Mutant};

    /// The failpoint's name and its action.
    static PLANTED: OnceLock<Option<(String, String)>> = OnceLock::new();

    /// The planted mutants.
    static MUTANTS: OnceLock<String> = OnceLock::new();

    impl Failpoint {
        /// Does what a test has planted here.
        ///
        /// # Panics
        /// If that is what is planted.
        pub fn reach(self) {
            let signal = match self.action() {
                Some("kill") => Signal::KILL,
                Some("stop") => Signal::STOP,
                Some("panic") => panic!("planted at {self:?}"),
                _ => return,
            };
            // The signal cannot be refused: it goes to this very process.
            let _ = kill_process(getpid(), signal);
        }

        /// Whether a test wants the system call that follows to be refused.
        #[must_use]
        pub fn refuses(self) -> bool {
            self.action() == Some("refuse")
        }

        fn action(self) -> Option<&'static str> {
            let planted = PLANTED.get_or_init(|| {
                let planted = env::var("KILLPROOF_FAILPOINT").ok()?;
                let program = env::args_os().next().map(PathBuf::from);
                let spared = env::var_os("KILLPROOF_FAILPOINT_SPARES");
                if spared.is_some() && spared.as_deref() == program.as_ref().and_then(|program| program.file_name()) {
                    return None;
                }
                planted.split_once('=').map(|(name, action)| (name.to_owned(), action.to_owned()))
            });
            let (name, action) = planted.as_ref()?;
            (*name == format!("{self:?}") && fires()).then_some(action.as_str())
        }
    }

    /// Removes one file of the folder; the kernel lets just one process remove a file.
    fn fires() -> bool {
        let Some(folder) = env::var_os("KILLPROOF_FAILPOINT_TIMES") else { return true };
        let Ok(files) = fs::read_dir(folder) else { return false };
        files.filter_map(Result::ok).any(|file| fs::remove_file(file.path()).is_ok())
    }

    impl Mutant {
        /// Whether a test has planted this mutant in the process.
        #[must_use]
        pub fn is_planted(self) -> bool {
            let mutants = MUTANTS.get_or_init(|| env::var("KILLPROOF_MUTANTS").unwrap_or_default());
            mutants.split(',').any(|name| name == format!("{self:?}"))
        }
    }
}
