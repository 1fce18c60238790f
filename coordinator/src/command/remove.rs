//! `coordinator remove`: by name, or all that is stale.

use common::{Condition, RunState, SegmentName, cli, exit_code, say};

use crate::args::RemoveArgs;
use crate::error::{Error, Result};

/// Removes the segments; goes on after a failure and returns the first one's exit code.
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
    let stale = common::list()?.into_iter().filter(|segment| segment.state == RunState::Stale);
    let names: Vec<SegmentName> = stale.map(|segment| segment.name).collect();
    let code = remove_all(&names, Condition::Stale);
    let debris = common::remove_creation_debris()?;
    if debris > 0 {
        say(&format!("removed {debris} unfinished segments whose creators died\n"));
    }
    if names.is_empty() && debris == 0 {
        say("nothing is stale\n");
    }
    Ok(code)
}
