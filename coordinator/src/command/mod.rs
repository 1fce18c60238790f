//! The commands beside `run` and `resume`: one file each.

pub mod completions;
pub mod create;
pub mod kernels;
pub mod list;
pub mod man;
pub mod remove;
pub mod status;
pub mod stop;
pub mod wait;
mod watch;

use crate::error::Result;
use crate::output::Output;

/// Prints a result and sees that it reaches stdout.
fn print(text: &str) -> Result<u8> {
    let mut output = Output::default();
    output.line(text);
    let mut signals = crate::signals::Signals::hear()?;
    Ok(crate::report::drain(&mut output, &mut signals, None, common::exit_code::COMPLETE))
}
