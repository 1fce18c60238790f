//! `job.json`: what a folder's results are results of.

use std::hash::Hasher;

use common::{Overflow, Shard, Terms, ValueType};
use fnv::FnvHasher;
use serde::{Deserialize, Serialize};

use super::spelling::{decimal, kind, optional_decimal};
use crate::error::{Error, Result};

/// The name of the file.
pub const NAME: &str = "job.json";

/// The largest file that is read as one: more than the terms of a segment have room for.
pub const MOST_BYTES: u64 = 1 << 16;

/// The version of the files in a folder. A later version only adds keys, unless this number changes.
pub const SCHEMA: u32 = 1;

/// A job: the terms that all its shards have, and a random id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    schema: u32,
    /// The version of the program that began it.
    pub version: String,
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// Its terms.
    #[serde(flatten)]
    pub terms: JobTerms,
}

/// What must be the same for all shards of a job. Delays, chunks and workers may differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTerms {
    /// The name of the kernel.
    pub kernel: String,
    /// The whole range is 0 to this, exclusive.
    #[serde(with = "decimal")]
    pub n: u64,
    /// The type of the value.
    #[serde(rename = "type", with = "kind")]
    pub value_type: ValueType,
    /// The number of cells.
    pub cells: u32,
    /// The seed of random kernels.
    #[serde(with = "decimal")]
    pub seed: u64,
    /// The command of `--exec` or `--serve`, as the kernel says.
    pub command: Option<String>,
    /// The executable of `--worker`.
    pub worker: Option<String>,
    /// What happens with a sum that does not fit.
    overflow: OverflowName,
    /// The number of shards; nothing for parts of any length (`--range`).
    #[serde(with = "optional_decimal")]
    pub shards: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OverflowName {
    Wrap,
    Error,
}

impl Job {
    /// A new job, by this version of the program.
    pub fn new(terms: JobTerms) -> Self {
        let id = format!("{:016x}{:016x}", common::random(), common::random());
        Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), id, terms }
    }

    /// The job with that id once more.
    pub fn again(id: &str, terms: JobTerms) -> Self {
        Self { id: id.to_owned(), ..Self::new(terms) }
    }

    /// Reads the text of a file; or says why it is no job.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let job: Self = serde_json::from_slice(text).map_err(|error| format!("is not a job: {error}"))?;
        let is_id = job.id.len() == 32 && job.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if job.schema != SCHEMA {
            return Err(format!("has schema {}, and this version reads {SCHEMA}", job.schema));
        }
        if !is_id || !(1..=common::MOST_CELLS).contains(&job.terms.cells) || job.terms.n == 0 {
            return Err("is not a job: its id, n or cells make no sense".to_owned());
        }
        if job.terms.shards.is_some_and(|shards| !(1..=job.terms.n).contains(&shards)) {
            return Err("is not a job: its number of shards makes no sense".to_owned());
        }
        Ok(job)
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a job has only string keys") + "\n"
    }
}

/// Refuses a named worker whose path the file cannot have.
pub fn worker_must_be_text(terms: &Terms) -> Result<()> {
    if !terms.has_named_worker || terms.worker.to_str().is_some() {
        return Ok(());
    }
    let what = format!("the path of the worker, {}, is not UTF-8", terms.worker.display());
    Err(Error::usage(what, "with --results it must be: rename it"))
}

impl JobTerms {
    /// The terms of a run. The path of a named worker is UTF-8.
    pub fn of(terms: &Terms) -> Self {
        let shards = match &terms.part {
            None => Some(1),
            Some(part) => part.shard().map(Shard::of),
        };
        let mut job = Self {
            kernel: terms.kernel.clone(),
            n: terms.iterations,
            value_type: terms.value_type,
            cells: terms.cells,
            seed: 0,
            command: Some(terms.command.clone()).filter(|command| !command.is_empty()),
            worker: terms.has_named_worker.then(|| terms.worker.to_string_lossy().into_owned()),
            overflow: match terms.overflow {
                Overflow::Wrap => OverflowName::Wrap,
                Overflow::Error => OverflowName::Error,
            },
            shards,
        };
        job.seed = terms.seed.unwrap_or_else(|| job.derived_seed());
        job
    }

    /// A seed that follows from the other terms, so that all shards have the same without asking each other.
    fn derived_seed(&self) -> u64 {
        let whole = Self { seed: 0, shards: None, ..self.clone() };
        let mut hasher = FnvHasher::default();
        hasher.write(serde_json::to_string(&whole).expect("terms have only string keys").as_bytes());
        hasher.finish()
    }

    /// What happens with a sum that does not fit.
    pub fn overflow(&self) -> Overflow {
        match self.overflow {
            OverflowName::Wrap => Overflow::Wrap,
            OverflowName::Error => Overflow::Error,
        }
    }

    /// A term that differs: its name, its value here, and its value there. The seed only if no other does, for it may follow from them.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let fields = |terms: &Self| match serde_json::to_value(terms) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("terms are an object"),
        };
        let theirs = fields(other);
        let differing = fields(self).into_iter().filter(|(name, here)| theirs.get(name) != Some(here));
        differing.max_by_key(|(name, _)| name != "seed").map(|(name, here)| {
            let there = theirs.get(&name).map_or_else(String::new, shown);
            (name, shown(&here), there)
        })
    }
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "not given".to_owned(),
        // A command, perhaps.
        serde_json::Value::String(text) if text.contains(' ') => format!("\"{text}\""),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The job of a run.
    pub fn job(change: impl FnOnce(&mut Terms)) -> Job {
        let mut terms = Terms { mode: common::Mode::Split, iterations: 1000, ..Terms::by_hand("prime-count", 1) };
        change(&mut terms);
        Job::new(JobTerms::of(&terms))
    }

    #[test]
    fn a_job_is_read_as_it_was_written() {
        let job = job(|terms| terms.command = "seq {start}\n\"é\"".to_owned());
        assert_eq!(Job::parse(job.to_text().as_bytes()), Ok(job));
    }

    #[test]
    fn what_makes_no_sense_is_no_job() {
        let text = job(|_| {}).to_text();
        for (from, to) in [
            ("\"schema\":1", "\"schema\":2"),
            ("\"n\":\"1000\"", "\"n\":1000"),
            ("\"n\":\"1000\"", "\"n\":\"0\""),
            ("\"n\":\"1000\"", "\"n\":\"-1\""),
            ("\"cells\":1", "\"cells\":0"),
            ("\"type\":\"i32\"", "\"type\":\"bool\""),
            ("\"shards\":\"1\"", "\"shards\":\"1001\""),
            ("\"id\":\"", "\"id\":\"../"),
            ("\"kernel\":", "\"other\":"),
            ("{", "{{"),
        ] {
            let wrong = text.replacen(from, to, 1);
            assert!(wrong != text && Job::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Job::parse("[".repeat(30_000).as_bytes()).is_err());
        assert!(Job::parse(b"\xff").is_err());
    }

    #[test]
    fn the_seed_follows_from_the_terms_but_not_from_the_number_of_shards() {
        let seed = |change: fn(&mut Terms)| job(change).terms.seed;
        let plain = seed(|_| {});
        assert_eq!(seed(|terms| terms.part = Some(common::Part::of_range(0..5))), plain);
        assert_eq!(seed(|terms| terms.workers = 9), plain);
        assert_ne!(seed(|terms| terms.iterations = 999), plain);
        assert_eq!(seed(|terms| terms.seed = Some(7)), 7);
    }

    #[test]
    fn a_term_that_differs_is_named_and_the_seed_last() {
        let (one, other) = (job(|_| {}).terms, job(|terms| terms.kernel = "cubes".to_owned()).terms);
        let named = |name: &str, here: &str, there: &str| Some((name.to_owned(), here.to_owned(), there.to_owned()));
        assert_eq!(one.difference(&one), None);
        assert_eq!(one.difference(&other), named("kernel", "prime-count", "cubes"));
        let seed = JobTerms { seed: 5, ..one.clone() };
        assert_eq!(seed.difference(&one), named("seed", "5", &one.seed.to_string()));
        let ranges = JobTerms { shards: None, ..one.clone() };
        assert_eq!(one.difference(&ranges), named("shards", "1", "not given"));
    }
}
