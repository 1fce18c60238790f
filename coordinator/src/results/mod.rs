//! Folders of exact results: each part of a job once, from any number of machines.

mod agreement;
pub mod folder;
pub mod job;
mod publication;
pub mod shard_result;
mod spelling;

use std::io;
use std::ops::Range;
use std::path::Path;

use common::{Mode, SegmentName, Shard, Terms};

use agreement::agreed;
pub use agreement::read_job;
pub use publication::Writer;

use crate::error::{Error, Result};
use folder::{Entry, Folder};
use job::{Job, JobTerms};
use publication::Publication;
use shard_result::{ShardResult, Stored, agree};

/// How the name of a part's segment begins.
const SEGMENT_PREFIX: &str = "shard-";

/// How often to try again what somebody else has changed meanwhile.
const ATTEMPTS: usize = 16;

/// The place of a part's result in a folder.
pub struct Results {
    folder: Folder,
    job: Job,
    range: Range<u64>,
    shard: Option<Shard>,
    writer: Writer,
}

/// What became of a result.
#[derive(Debug)]
pub enum Left {
    /// It is in the folder.
    Alone,
    /// Somebody else has left the same result meanwhile.
    Equal(ShardResult),
    /// Somebody else has left another result; this one is kept under that name.
    Differs(ShardResult, String),
    /// The folder is not that of the job any more, and why. Nothing is in it.
    OtherJob(String),
}

impl Results {
    /// The place for the result of a run with these terms, which get the job's seed. The first run of a job makes its folder and its
    /// `job.json`.
    ///
    /// # Errors
    /// [`Error::OtherJob`] if the folder is of another job; [`Error::NoJob`] if its `job.json` makes no sense;
    /// [`Error::Folder`] if it cannot be used.
    pub fn for_run(path: &Path, terms: &mut Terms) -> Result<Self> {
        if terms.mode != Mode::Split {
            return Err(Error::usage("--results is for one divided range", "--split; or omit --results"));
        }
        if terms.iterations == 0 {
            return Err(Error::usage("-n is 0, and an empty range has no result to leave", "-n N; or omit --results"));
        }
        job::worker_must_be_text(terms)?;
        let folder = Folder::open_or_make(path).map_err(|source| unusable(path, source))?;
        let (wanted, writer) = (Job::new(JobTerms::of(terms)), Writer::this_process());
        let job = agreed(&folder, &wanted, &writer)?;
        if let Some((term, here, there)) = wanted.terms.difference(&job.terms) {
            return Err(Error::OtherJob { folder: path.to_owned(), term, here, there });
        }
        terms.seed = Some(job.terms.seed);
        terms.has_folder = true;
        Ok(Self { folder, job, range: terms.range(), shard: terms.shard(), writer })
    }

    /// The place for the result of a segment's run; nothing if the folder is of another job.
    ///
    /// # Errors
    /// As [`Self::for_run`], except [`Error::OtherJob`].
    pub fn for_segment(path: &Path, name: &SegmentName, terms: &Terms) -> Result<Option<Self>> {
        let Some(id) = job_of(name).filter(|_| terms.has_folder) else { return Ok(None) };
        let folder = Folder::open(path).map_err(|source| unusable(path, source))?;
        let job = read_job(&folder)?.unwrap_or_else(|| Job::again(id, JobTerms::of(terms)));
        let (range, shard, writer) = (terms.range(), terms.shard(), Writer::this_process());
        let results = Self { folder, job, range, shard, writer };
        Ok((results.segment_name() == *name && results.has_terms(terms)).then_some(results))
    }

    /// Makes a folder without results, as one that was made anew while the run was at work, a folder of the job.
    ///
    /// # Errors
    /// As [`Self::for_run`].
    pub fn begin(&self) -> Result<()> {
        if read_job(&self.folder)?.is_some() {
            return Ok(());
        }
        let job = agreed(&self.folder, &self.job, &self.writer)?;
        if let Some((term, here, there)) = self.job.terms.difference(&job.terms) {
            return Err(Error::OtherJob { folder: self.folder().to_owned(), term, here, there });
        }
        common::cli::note(&format!("{} is a folder of the segment's job now", self.folder().display()));
        Ok(())
    }

    /// The name of the segment for this part of this job, the same at each start.
    pub fn segment_name(&self) -> SegmentName {
        let Range { start, end } = self.range;
        format!("{SEGMENT_PREFIX}{}-{start}-{end}", self.job.id)
            .parse()
            .expect("hexadecimal and decimal digits are legal")
    }

    /// Whether a segment's run has the terms of this part of this job.
    pub fn has_terms(&self, terms: &Terms) -> bool {
        terms.has_folder && terms.range() == self.range && JobTerms::of(terms) == self.job.terms
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The part.
    pub fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// Which of the job's shards that is, if the run was asked for one.
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of the result.
    pub fn path(&self) -> String {
        self.folder.path_of(&self.name())
    }

    /// The machine that this process runs on.
    pub fn host(&self) -> &str {
        &self.writer.host
    }

    /// The result, if it is in the folder; a file that is not one is renamed, and stderr says so.
    ///
    /// # Errors
    /// [`Error::Folder`] if the folder cannot be read, or the file cannot be renamed.
    pub fn stored(&self) -> Result<Option<ShardResult>> {
        let stored = || {
            for _ in 0..ATTEMPTS {
                match ShardResult::read(&self.folder, &self.job, &self.range)? {
                    Stored::Absent => return Ok(None),
                    Stored::Result(result) => return Ok(Some(result)),
                    Stored::Damaged(why) | Stored::Unfit(why) => self.move_aside(&why)?,
                    Stored::Others(why) => return Err(self.taken(&why)),
                }
            }
            Err(replaced_again())
        };
        stored().map_err(|source| unusable(self.folder.path(), source))
    }

    /// The result, if it is in the folder and can be read; nothing is renamed.
    pub fn seen(&self) -> Option<ShardResult> {
        match ShardResult::read(&self.folder, &self.job, &self.range) {
            Ok(Stored::Result(result)) => Some(result),
            _ => None,
        }
    }

    /// Refuses a folder in which nothing can be left, before any work.
    ///
    /// # Errors
    /// [`Error::Folder`].
    pub fn must_be_writable(&self) -> Result<()> {
        self.folder.must_be_writable().map_err(|source| unusable(self.folder.path(), source))
    }

    /// Leaves the result in the folder.
    ///
    /// # Errors
    /// If it cannot be written, or the system does not say that it has reached the disk. The name is taken by all of it or by
    /// nothing then.
    pub fn leave(&self, result: &ShardResult) -> io::Result<Left> {
        for _ in 0..ATTEMPTS {
            // Somebody may have begun again in the same folder.
            if let Some(why) = self.why_of_another_job()? {
                return Ok(Left::OtherJob(why));
            }
            if self.folder.publish(&self.name(), &result.to_text(), &self.writer)? == Publication::Done {
                return Ok(Left::Alone);
            }
            match ShardResult::read(&self.folder, &self.job, &self.range)? {
                Stored::Absent => {}
                Stored::Damaged(why) | Stored::Unfit(why) => self.move_aside(&why)?,
                Stored::Others(why) => return Err(self.taken(&why)),
                Stored::Result(other) if agree(&result.total(&self.job), &other.total(&self.job)) => {
                    return Ok(Left::Equal(other));
                }
                Stored::Result(other) => return Ok(Left::Differs(other, self.leave_beside(result)?)),
            }
        }
        Err(replaced_again())
    }

    /// Why the folder is not that of the job any more.
    fn why_of_another_job(&self) -> io::Result<Option<String>> {
        let found = match self.folder.read(job::NAME, job::MOST_BYTES)? {
            // A whole folder that is gone is told by the writer.
            Entry::Absent if self.folder.is_linked() => Err("is missing".to_owned()),
            Entry::Absent => return Ok(None),
            Entry::File(text) => Job::parse(&text),
            Entry::Unfit(why) | Entry::Others(why) => Err(why),
        };
        Ok(match found {
            Ok(job) if job.id == self.job.id => None,
            Ok(job) => Some(format!("{} is of another job by now, {}", self.folder.path_of(job::NAME), job.id)),
            Err(why) => Some(format!("{} {why}", self.folder.path_of(job::NAME))),
        })
    }

    /// Leaves a result that differs from the one in the folder under another name, which is returned.
    fn leave_beside(&self, result: &ShardResult) -> io::Result<String> {
        let plain = self.differing_name(&self.writer);
        let mut name = plain.clone();
        while self.folder.publish(&name, &result.to_text(), &self.writer)? == Publication::Taken {
            name = format!("{}-{:016x}.json", plain.trim_end_matches(".json"), common::random());
        }
        Ok(self.folder.path_of(&name))
    }

    /// Removes what a dead process of this machine may have left of the result when it was killed in the middle of writing.
    pub fn clear_after(&self, pid: u32) {
        let writer = Writer { pid, ..self.writer.clone() };
        for name in [self.name(), self.differing_name(&writer)] {
            self.folder.clear_after(&name, &writer);
        }
    }

    /// Renames the file that has the result's name and is no result. A result that replaced it meanwhile keeps the name, and a folder
    /// of another job all of its files.
    fn move_aside(&self, why: &str) -> io::Result<()> {
        if let Some(why) = self.why_of_another_job()? {
            return Err(io::Error::other(why));
        }
        let name = self.name();
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{name} {why}, and cannot be renamed: {error}"));
        let Some(aside) = self.folder.move_aside(&name).map_err(named)? else { return Ok(()) };
        if let Stored::Result(_) = ShardResult::read_as(&self.folder, &aside, &self.job, &self.range)? {
            return self.folder.move_back(&aside, &name);
        }
        common::cli::note(&format!("{} {why}; it is renamed to {aside}", self.path()));
        Ok(())
    }

    /// The name is taken by what may be somebody else's result.
    fn taken(&self, why: &str) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", self.name()))
    }

    fn name(&self) -> String {
        ShardResult::name(&self.range)
    }

    fn differing_name(&self, Writer { host, pid }: &Writer) -> String {
        let Range { start, end } = self.range;
        format!("{start}-{end}.differs-{host}-{pid}.json")
    }
}

/// The id of the job to which the segment of that name belongs.
fn job_of(name: &SegmentName) -> Option<&str> {
    let (id, _) = name.as_str().strip_prefix(SEGMENT_PREFIX)?.split_once('-')?;
    Some(id)
}

fn unusable(path: &Path, source: io::Error) -> Error {
    Error::Folder { path: path.to_owned(), source }
}

fn replaced_again() -> io::Error {
    io::Error::other("somebody else replaces its files all the time")
}
