//! The commands other than `run` and `resume`, one file each.

pub mod collect;
pub mod completions;
pub mod create;
mod idle;
pub mod kernels;
pub mod list;
pub mod man;
pub mod remove;
pub mod status;
pub mod stop;
pub mod wait;
mod watch;

use common::{Mode, Observer};

use crate::error::{Error, Result};
use crate::output::Output;

/// Refuses a segment that is the shared value of programs and not a run.
pub fn must_be_a_run(segment: &impl AsRef<Observer>) -> Result<()> {
    let segment = segment.as_ref();
    if segment.terms().mode != Mode::Shared {
        return Ok(());
    }
    let why = "programs share its value, and it has no run";
    Err(Error::NothingLeft { name: segment.name().clone(), why })
}

/// Prints a result and waits until stdout has taken it.
fn print(text: &str) -> Result<u8> {
    let mut output = Output::default();
    output.line(text);
    let mut signals = crate::signals::Signals::listen()?;
    Ok(crate::report::drain(&mut output, &mut signals, None, None, common::cli::exit_code::COMPLETE))
}
