//! What a folder holds of its job.
//!
//! Of the results only the parts and their sum stay in memory: a folder may have millions.

use std::fmt;
use std::io;
use std::ops::Range;

use common::cli::shortened;
use common::{Cells, Number};

use super::capped::Capped;
use super::error::CollectError;
use super::name::Name;
use super::sum::Sum;
use crate::results::folder::Folder;
use crate::results::job::Job;
use crate::results::shard_result::{ShardResult, Stored, agree};

/// How many characters of a reason are kept.
const MOST_CHARACTERS: usize = 200;

/// What a folder holds.
pub struct Collection {
    /// The parts with a valid result, in order.
    pub parts: Vec<Range<u64>>,
    /// Their sum.
    pub sum: Sum,
    /// Names of results that are none, and why.
    pub damaged: Capped<Damaged>,
    /// Other results of parts, where they differ.
    pub differing: Capped<Differing>,
    /// Names that mean nothing.
    pub foreign: Capped<String>,
    /// The number of files that are or were being written.
    pub temporary: u64,
    /// Launches after the first one, of all parts.
    pub restarts: u64,
    /// Seconds of all parts.
    pub elapsed_s: f64,
}

/// A file that is no result of its part.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Damaged {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// Two files with results of one part that differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Differing {
    /// The part's result.
    pub result: Said,
    /// The other one.
    pub other: Said,
}

/// A file, and what it says: that it `has 5`, or why it is no result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Its name.
    pub name: String,
    /// What it says.
    pub what: String,
}

impl fmt::Display for Differing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { result, other } = self;
        write!(formatter, "{} {}, and {} {}", result.name, result.what, other.name, other.what)
    }
}

impl Collection {
    /// Reads a folder.
    pub fn read(folder: &Folder, job: &Job) -> Result<Self, CollectError> {
        let mut collection = Self {
            parts: Vec::new(),
            sum: Sum::new(job.terms.value_type, job.terms.cells),
            damaged: Capped::default(),
            differing: Capped::default(),
            foreign: Capped::default(),
            temporary: 0,
            restarts: 0,
            elapsed_s: 0.0,
        };
        let mut parts = collection.take_names(folder, job)?;
        parts.sort_by_key(|part| (part.start, part.end));
        for part in parts {
            // One that cannot be read hides no other.
            let unread = |error| Stored::Others(format!("cannot be read: {error}"));
            let stored = ShardResult::read(folder, job, &part).unwrap_or_else(unread);
            collection.take_result(job, part, stored);
        }
        collection.damaged.sort();
        collection.differing.sort();
        collection.foreign.sort();
        Ok(collection)
    }

    /// Goes through the names; returns the parts that have a result.
    fn take_names(&mut self, folder: &Folder, job: &Job) -> Result<Vec<Range<u64>>, CollectError> {
        let system = |source| CollectError::System { what: folder.path().display().to_string(), source };
        let mut parts = Vec::new();
        for name in folder.names().map_err(system)? {
            let name = name.map_err(system)?;
            match Name::of(&name) {
                Name::Result(part) => parts.push(part),
                Name::Differing(part) => self.take_differing(folder, job, &part, name)?,
                Name::Temporary => self.temporary += 1,
                Name::Foreign => self.foreign.push(name),
                Name::Job | Name::SetAside => {}
            }
        }
        Ok(parts)
    }

    /// Takes another result of a part. One that agrees with the part's result by now disagrees with nothing.
    fn take_differing(
        &mut self,
        folder: &Folder,
        job: &Job,
        part: &Range<u64>,
        name: String,
    ) -> Result<(), CollectError> {
        let other = match read(folder, &name, job, part)? {
            Stored::Absent => return Ok(()),
            // Anybody may have put it there.
            Stored::Unfit(why) | Stored::Others(why) => {
                self.damaged.push(Damaged { file: name, why: shortened(&why, MOST_CHARACTERS) });
                return Ok(());
            }
            other => other,
        };
        let result_name = ShardResult::name(part);
        let result = read(folder, &result_name, job, part)?;
        let says = match (&result, &other) {
            (Stored::Result(result), Stored::Result(other)) => contrast(&result.total(job), &other.total(job)),
            _ => Some([says(&result, job), says(&other, job)]),
        };
        if let Some([result, other]) = says {
            let result = Said { name: result_name, what: result };
            self.differing.push(Differing { result, other: Said { name, what: other } });
        }
        Ok(())
    }

    fn take_result(&mut self, job: &Job, part: Range<u64>, stored: Stored) {
        let why = match stored {
            Stored::Result(result) if part.end <= job.terms.n => {
                self.sum.add(&result.total(job));
                self.restarts = self.restarts.saturating_add(result.restarts);
                self.elapsed_s = (self.elapsed_s + result.elapsed_s).min(f64::MAX);
                self.parts.push(part);
                return;
            }
            Stored::Result(_) => format!("ends beyond the job's {} iterations", job.terms.n),
            Stored::Damaged(why) | Stored::Unfit(why) | Stored::Others(why) => why,
            // Removed since its name was read.
            Stored::Absent => return,
        };
        self.damaged.push(Damaged { file: ShardResult::name(&part), why: shortened(&why, MOST_CHARACTERS) });
    }
}

/// Reads a part's result under that name.
fn read(folder: &Folder, name: &str, job: &Job, part: &Range<u64>) -> Result<Stored, CollectError> {
    let system = |source: io::Error| CollectError::System { what: folder.path_of(name), source };
    ShardResult::read_as(folder, name, job, part).map_err(system)
}

/// What two totals say, if they do not agree: of arrays about the first cell that differs.
pub fn contrast(one: &Cells<Number>, other: &Cells<Number>) -> Option<[String; 2]> {
    let (one, other) = (one.as_slice(), other.as_slice());
    let differs = |cell: &usize| !agree(&one[*cell].into(), &other[*cell].into());
    let cell = (0..one.len().min(other.len())).find(differs)?;
    let place = if one.len() > 1 { format!(" in cell {cell}") } else { String::new() };
    Some([one[cell], other[cell]].map(|number| format!("has {number}{place}")))
}

fn says(stored: &Stored, job: &Job) -> String {
    match stored {
        Stored::Absent => "is missing".to_owned(),
        Stored::Damaged(why) | Stored::Unfit(why) | Stored::Others(why) => shortened(why, MOST_CHARACTERS),
        Stored::Result(result) => format!("has {}", crate::report::status::short(&result.total(job))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_totals_that_differ_the_first_cell_that_does_is_named() {
        let cells = |numbers: &[i128]| numbers.iter().copied().map(Number::Integer).collect::<Cells<Number>>();
        let said = |one: &[i128], other: &[i128]| contrast(&cells(one), &cells(other)).map(|said| said.join("; "));
        assert_eq!(said(&[5], &[6]).as_deref(), Some("has 5; has 6"));
        assert_eq!(said(&[1, 2, 3], &[1, 9, 4]).as_deref(), Some("has 2 in cell 1; has 9 in cell 1"));
        assert_eq!(said(&[1, 2], &[1, 2]), None);
    }
}
