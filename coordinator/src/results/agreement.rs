//! Which job a folder is of: the first shard says it, and all others find it.

use super::folder::{Entry, Folder};
use super::job::{self, Job};
use super::publication::{Publication, Writer};
use super::shard_result::ShardResult;
use super::{ATTEMPTS, replaced_again, unusable};
use crate::error::{Error, Result};

/// Reads the job of a folder; nothing if it has none, and no results.
///
/// # Errors
/// [`Error::NoJob`] if its `job.json` makes no sense, or is missing and results are there; [`Error::Folder`] if the folder cannot
/// be read.
pub fn read_job(folder: &Folder) -> Result<Option<Job>> {
    if let Some(job) = read_file(folder)? {
        return Ok(Some(job));
    }
    let Some(result) = any_result(folder)? else { return Ok(None) };
    // A first shard may have begun the job since the look above; else it was lost, and a new one would have another id.
    let why = || format!("is missing, and results are there, such as {result}");
    read_file(folder)?.map(Some).ok_or_else(|| Error::NoJob { path: folder.path_of(job::NAME), why: why() })
}

fn read_file(folder: &Folder) -> Result<Option<Job>> {
    let no_job = |why| Error::NoJob { path: folder.path_of(job::NAME), why };
    match folder.read(job::NAME, job::MOST_BYTES).map_err(|source| unusable(folder.path(), source))? {
        Entry::Absent => Ok(None),
        Entry::Unfit(why) | Entry::Others(why) => Err(no_job(why)),
        Entry::File(text) => Job::parse(&text).map(Some).map_err(no_job),
    }
}

/// A name of a result in the folder, if it has one.
fn any_result(folder: &Folder) -> Result<Option<String>> {
    let is_result =
        |name: &std::io::Result<String>| name.as_ref().map_or(true, |name| ShardResult::range_of(name).is_some());
    let first = || folder.names()?.find(is_result).transpose();
    first().map_err(|source| unusable(folder.path(), source))
}

/// The job of the folder; if it has none yet, the wanted one.
pub fn agreed(folder: &Folder, wanted: &Job, writer: &Writer) -> Result<Job> {
    for _ in 0..ATTEMPTS {
        if let Some(job) = read_job(folder)? {
            return Ok(job);
        }
        // Of several first shards one succeeds, and the others find its job.
        let published = folder.publish(job::NAME, &wanted.to_text(), writer);
        if published.map_err(|source| unusable(folder.path(), source))? == Publication::Done {
            return Ok(wanted.clone());
        }
    }
    Err(unusable(folder.path(), replaced_again()))
}
