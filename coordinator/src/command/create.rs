//! `coordinator create`: a ready segment and no worker.

use common::{Mode, Segment, exit_code, say};

use crate::args::CreateArgs;
use crate::error::Result;
use crate::plan;
use crate::report::table;

/// Creates the segment and leaves it.
pub fn create(args: &CreateArgs) -> Result<u8> {
    // What creators that were killed left behind; a folder that cannot be read is told of by the creation.
    let _ = common::remove_creation_debris();
    let segment = Segment::create(&args.name, &plan::hand_terms(&args.terms)?)?;
    if !args.quiet {
        let (name, worker) = (&args.name, table::worker(segment.terms()));
        let what = match segment.terms().mode {
            Mode::Split => format!("a range of {} iterations", segment.terms().iterations),
            _ => format!("{} contributions", segment.terms().workers),
        };
        say(&format!(
            "created segment {name} for {what}\n\
             next: {worker} --name {name}; coordinator wait {name}; coordinator remove {name}\n"
        ));
    }
    Ok(exit_code::COMPLETE)
}
