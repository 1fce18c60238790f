//! `coordinator remove`: segments by name, or all stale ones.

use common::cli::{self, exit_code};
use common::{AttachError, Condition, RemoveError, RunState, SegmentInfo, SegmentName, say};

use crate::args::RemoveArgs;
use crate::error::{Error, Result};
use crate::figures::counted;

/// Removes the segments; continues after a failure and returns the exit code of the first one.
pub fn remove(args: &RemoveArgs) -> Result<u8> {
    if args.stale {
        remove_stale()
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
    let mut code = exit_code::COMPLETE;
    let mut removed = common::remove_creation_debris()?;
    if removed > 0 {
        say(&format!("removed {} of dead creators\n", counted(removed as u64, "unfinished segment")));
    }
    for SegmentInfo { name, state, .. } in common::list()? {
        let outcome = match state {
            RunState::Stale => common::remove(&name, Condition::Stale).map(|()| true),
            // Its coordinator was killed while it removed it, or does so now.
            RunState::ToBeRemoved => common::remove_marked(&name),
            _ => continue,
        };
        match outcome {
            Ok(true) => {
                removed += 1;
                say(&format!("removed {name}\n"));
            }
            // It was resumed or removed meanwhile, so it is not stale any more.
            Ok(false) | Err(RemoveError::Unavailable(AttachError::NoSegment { .. }) | RemoveError::InUse { .. }) => {}
            Err(error) => {
                let error = Error::from(error);
                cli::report(&error.to_string(), error.hint().as_deref());
                code = error.exit_code();
            }
        }
    }
    if removed == 0 {
        say("nothing is stale\n");
    }
    Ok(code)
}
