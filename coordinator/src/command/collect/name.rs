//! What the names in a folder of results mean.

use std::ops::Range;

use crate::results::job;
use crate::results::shard_result::ShardResult;

/// The meaning of a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Name {
    /// The job.
    Job,
    /// The result of a part.
    Result(Range<u64>),
    /// Another result of a part.
    Differing(Range<u64>),
    /// What stood under the name of a part's result, and was none.
    SetAside,
    /// A file that is being written, or whose writer was killed.
    Temporary,
    /// None of a job.
    Foreign,
}

impl Name {
    /// The meaning of that name.
    pub fn of(name: &str) -> Self {
        if name == job::NAME {
            return Self::Job;
        }
        if let Some(range) = ShardResult::range_of(name) {
            return Self::Result(range);
        }
        if let Some(range) = differing(name) {
            return Self::Differing(range);
        }
        let is_set_aside = name.split_once(".json.damaged").is_some_and(|(part, rest)| {
            let is_rest = rest.is_empty() || rest.strip_prefix('-').is_some_and(is_random);
            is_rest && ShardResult::range_of(&format!("{part}.json")).is_some()
        });
        match name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")) {
            Some(_) => Self::Temporary,
            None if is_set_aside => Self::SetAside,
            None => Self::Foreign,
        }
    }
}

/// Whether those are the digits behind a name that was taken.
fn is_random(digits: &str) -> bool {
    digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The part of `<start>-<end>.differs-<host>-<pid>.json`; where that name was taken, 16 hexadecimal digits follow.
fn differing(name: &str) -> Option<Range<u64>> {
    let (part, source) = name.strip_suffix(".json")?.split_once(".differs-")?;
    let source = source.rsplit_once('-').filter(|(_, last)| is_random(last)).map_or(source, |(source, _)| source);
    let (host, pid) = source.rsplit_once('-')?;
    let is_source = !host.is_empty() && pid.parse::<u32>().is_ok();
    ShardResult::range_of(&format!("{part}.json")).filter(|_| is_source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_a_job_mean_something() {
        for (name, meaning) in [
            ("job.json", Name::Job),
            ("0-10.json", Name::Result(0..10)),
            ("0-10.differs-node-1-4711.json", Name::Differing(0..10)),
            ("0-10.differs-node-1-4711-0123456789abcdef.json", Name::Differing(0..10)),
            ("0-10.json.damaged", Name::SetAside),
            ("0-10.json.damaged-0123456789abcdef", Name::SetAside),
            (".0-10.json.node-1-4711.tmp", Name::Temporary),
            (".job.json.node-1-4711.tmp", Name::Temporary),
        ] {
            assert_eq!(Name::of(name), meaning, "{name}");
        }
        for foreign in [
            "notes.txt",
            "10-0.json",
            "00-10.json",
            "0-10.json~",
            "0-10.json.tmp",
            "00-10.json.damaged",
            "job.json.damaged",
            "0-10.differs-4711.json",
            "0-10.differs-node-x.json",
            "0-10.differs-node-0123456789abcdef.json",
            "00-10.differs-node-1.json",
            "0-10.json.damaged.damaged",
            "0-10.json.damaged-1",
            "slurm-12_3.out",
            ".tmp.swp",
            "0-10.json\n",
        ] {
            assert_eq!(Name::of(foreign), Name::Foreign, "{foreign}");
        }
    }
}
