//! `coordinator remove`: segments by name, all stale ones, or all unused values.

use common::cli::{self, exit_code};
use common::{AttachError, Condition, Mode, RemoveError, RunState, SegmentInfo, SegmentName, say};

use crate::args::RemoveArgs;
use crate::error::{Error, Result};
use crate::figures::counted;

/// Removes the segments; continues after a failure and returns the exit code of the first one.
pub fn remove(args: &RemoveArgs) -> Result<u8> {
    if args.stale {
        remove_stale()
    } else if args.unused {
        remove_unused()
    } else {
        Ok(remove_all(&args.names, if args.force { Condition::Always } else { Condition::Unattached }))
    }
}

fn remove_all(names: &[SegmentName], condition: Condition) -> u8 {
    let mut code = exit_code::COMPLETE;
    for name in names {
        match common::remove(name, condition).map_err(Error::from) {
            Ok(()) => say(&format!("removed {name}\n")),
            Err(error) => {
                cli::report(&error.to_string(), error.hint().as_deref());
                code = if code == exit_code::COMPLETE { error.exit_code() } else { code };
            }
        }
    }
    code
}

fn remove_stale() -> Result<u8> {
    let mut sweep = Sweep::default();
    match common::remove_creation_debris() {
        Ok(0) => {}
        Ok(removed) => {
            sweep.removed += removed;
            say(&format!("removed {} of dead creators\n", counted(removed as u64, "unfinished segment")));
        }
        Err(error) => sweep.report(&error.into()),
    }
    for SegmentInfo { name, state, terms, .. } in common::list()? {
        if state.is_left_behind(&terms) {
            sweep.note(&name, common::remove(&name, Condition::Stale).map(|()| true));
        } else if state == RunState::ToBeRemoved {
            // Its coordinator was killed while it removed it, or does so now.
            sweep.note(&name, common::remove_marked(&name));
        }
    }
    Ok(sweep.finish("nothing is stale"))
}

fn remove_unused() -> Result<u8> {
    let mut sweep = Sweep::default();
    for SegmentInfo { name, terms, is_in_use, .. } in common::list()? {
        if terms.mode == Mode::Shared && !is_in_use {
            sweep.note(&name, common::remove(&name, Condition::Unused).map(|()| true));
        }
    }
    Ok(sweep.finish("no value is unused"))
}

/// The removal of all segments of a kind.
#[derive(Default)]
struct Sweep {
    removed: usize,
    code: u8,
}

impl Sweep {
    /// Notes what became of a segment. One that was used again or removed meanwhile is not of the kind any more.
    fn note(&mut self, name: &SegmentName, outcome: Result<bool, RemoveError>) {
        match outcome {
            Ok(true) => {
                self.removed += 1;
                say(&format!("removed {name}\n"));
            }
            Ok(false) | Err(RemoveError::Unavailable(AttachError::NoSegment { .. }) | RemoveError::InUse { .. }) => {}
            Err(error) => self.report(&error.into()),
        }
    }

    fn report(&mut self, error: &Error) {
        cli::report(&error.to_string(), error.hint().as_deref());
        self.code = if self.code == exit_code::COMPLETE { error.exit_code() } else { self.code };
    }

    /// Says if nothing was found; returns the exit code.
    fn finish(self, nothing: &str) -> u8 {
        if self.removed == 0 && self.code == exit_code::COMPLETE {
            say(&format!("{nothing}\n"));
        }
        self.code
    }
}
