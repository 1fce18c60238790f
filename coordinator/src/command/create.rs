//! `coordinator create`: a ready segment without workers.

use common::cli::exit_code;
use common::{Mode, Segment, say};

use crate::advice;
use crate::args::CreateArgs;
use crate::error::{Error, Result};
use crate::figures::{counted, iterations_of};
use crate::leftovers;
use crate::plan;

/// Creates the segment.
pub fn create(args: &CreateArgs) -> Result<u8> {
    leftovers::clear();
    let segment = Segment::create(&args.name, &plan::hand_terms(&args.terms)?).map_err(Error::creating)?;
    if !args.quiet {
        let (name, worker) = (&args.name, advice::worker_command(segment.terms()));
        let what = match segment.terms().mode {
            Mode::Split => format!("a range of {}", iterations_of(segment.terms())),
            _ => counted(segment.terms().workers.into(), "contribution"),
        };
        say(&format!(
            "created segment {name} for {what}\n\
             next: {worker} --name {name}; coordinator wait {name}; coordinator remove {name}\n"
        ));
    }
    Ok(exit_code::COMPLETE)
}
