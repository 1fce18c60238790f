//! `--verify`: computes parts again, by runs of this program.
//!
//! Invariant: a folder's files start nothing. A job's command or executable must be given by the caller as well, word for word.

use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Cells, Number, Overflow};
use serde_json::Value as Json;
use worker::kernel::Serve;

use super::collection::contrast;
use super::error::CollectError;
use crate::args::CollectArgs;
use crate::error::{Error, Result};
use crate::launch;
use crate::limits;
use crate::results::folder::Folder;
use crate::results::job::Job;
use crate::results::shard_result::{ShardResult, Stored};
use crate::signals;

/// Computes parts of a job again.
pub struct Verification<'a> {
    /// How many parts.
    count: u64,
    job: &'a Job,
    folder: &'a Folder,
    worker: Option<PathBuf>,
    /// Options of the runs that are no terms of the job.
    others: Vec<String>,
}

impl<'a> Verification<'a> {
    /// For the job in a folder, if the command line names the same command and executable.
    pub fn new(count: u64, args: &CollectArgs, folder: &'a Folder, job: &'a Job) -> Result<Self> {
        let worker = args.worker.as_deref().map(launch::locate).transpose()?;
        let named = worker.as_ref().map(|path| path.to_string_lossy());
        command_must_be_given(args, job)?;
        must_be_given("worker", "--worker", named.as_deref(), job.terms.worker.as_deref())?;
        if args.exec_timeout.is_some() && job.terms.command.is_none() {
            return Err(Error::usage("--exec-timeout is given, and the job has no command", "omit --exec-timeout"));
        }
        let timeout = args.exec_timeout.map(limits::command_timeout).transpose()?;
        let timeout = timeout.map(|timeout| format!("--exec-timeout={}ns", timeout.as_nanos()));
        let restarts = args.restarts.map(limits::restarts).transpose()?;
        let restarts = restarts.map(|restarts| format!("--restarts={restarts}"));
        Ok(Self { count, job, folder, worker, others: timeout.into_iter().chain(restarts).collect() })
    }

    /// Computes as many of the parts again, chosen at random; returns those that agree, and the first failure.
    pub fn verify(&self, parts: &[Range<u64>]) -> (Vec<Range<u64>>, Option<CollectError>) {
        let mut verified = Vec::new();
        signals::await_children();
        for part in sample(parts, self.count, common::random) {
            if let Err(error) = self.verify_part(part) {
                return (verified, Some(error));
            }
            let file = self.folder.path_of(&ShardResult::name(part));
            common::cli::note(&format!("{file} is verified"));
            verified.push(part.clone());
        }
        (verified, None)
    }

    fn verify_part(&self, part: &Range<u64>) -> Result<(), CollectError> {
        let file = self.folder.path_of(&ShardResult::name(part));
        let unread = |source| CollectError::System { what: file.clone(), source };
        let found = match ShardResult::read(self.folder, self.job, part).map_err(unread)? {
            Stored::Result(result) => result.total(self.job),
            _ => return Err(unread(io::Error::other("it was valid, and is not any more"))),
        };
        let computed = self.compute(part).map_err(|why| CollectError::Unverified { file: file.clone(), why })?;
        let Some([found, computed]) = contrast(&found, &computed) else { return Ok(()) };
        let number = |said: String| said.trim_start_matches("has ").to_owned();
        Err(CollectError::Wrong { part: part.clone(), file, found: number(found), computed: number(computed) })
    }

    /// The part's total, from a run that ends with this process; or what became of the run.
    fn compute(&self, part: &Range<u64>) -> Result<Cells<Number>, String> {
        let unstarted = |error: io::Error| format!("cannot be started: {error}");
        let program = std::env::current_exe().map_err(unstarted)?;
        let mut run = Command::new(program);
        run.args(self.options(part)).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = run.output().map_err(unstarted)?;
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => {
                total(&output.stdout, self.job).ok_or_else(|| "printed no total of the job's type".to_owned())
            }
            (Some(code), _) => Err(format!("ended with exit code {code}")),
            (None, signal) => Err(format!("was killed by {}", crate::worker_outcome::signal_name(signal.unwrap_or(0)))),
        }
    }

    fn options(&self, part: &Range<u64>) -> Vec<OsString> {
        let terms = &self.job.terms;
        let what = match &terms.command {
            Some(command) if terms.kernel == Serve::NAME => format!("--serve={command}"),
            Some(command) => format!("--exec={command}"),
            None => format!("--kernel={}", terms.kernel),
        };
        let overflow = match terms.overflow() {
            Overflow::Wrap => "wrap",
            Overflow::Error => "error",
        };
        let mut options: Vec<OsString> = [
            "run --split --workers=auto --keep=never --format=json --progress=none --quiet".to_owned(),
            format!("--range={}..{} --iterations={}", part.start, part.end, terms.n),
            format!("--type={} --cells={} --seed={}", terms.value_type.name(), terms.cells, terms.seed),
            format!("--overflow={overflow} --end-with={}", std::process::id()),
        ]
        .iter()
        .flat_map(|options| options.split(' '))
        .map(OsString::from)
        .collect();
        options.push(what.into());
        options.extend(self.others.iter().map(OsString::from));
        if let Some(path) = &self.worker {
            options.extend(["--worker".into(), path.into()]);
        }
        options
    }
}

/// Refuses a command line that does not give the job's command, as the same option.
fn command_must_be_given(args: &CollectArgs, job: &Job) -> Result<()> {
    let option = if job.terms.kernel == Serve::NAME { "--serve" } else { "--exec" };
    let given = [("--exec", &args.exec), ("--serve", &args.serve)]
        .into_iter()
        .find_map(|(option, command)| Some((option, command.as_deref()?)));
    match (given, &job.terms.command) {
        (Some((given, _)), Some(command)) if given != option => {
            let what = format!("the job's command \"{command}\" is for {option}, and {given} is given");
            Err(Error::usage(what, format!("give it as {option}, or omit --verify")))
        }
        (Some((given, command)), named) => must_be_given("command", given, Some(command), named.as_deref()),
        (None, named) => must_be_given("command", option, None, named.as_deref()),
    }
}

/// Refuses a command line that does not name what the job names.
fn must_be_given(noun: &str, option: &str, given: Option<&str>, job: Option<&str>) -> Result<()> {
    let (what, hint) = match (given, job) {
        (given, job) if given == job => return Ok(()),
        (None, Some(job)) => (
            format!("--verify would run the job's {noun} \"{job}\", and {option} is not given"),
            format!("nothing that only the folder names is run; if you trust it, give it: {option}"),
        ),
        (Some(given), Some(job)) => (
            format!("{option} is \"{given}\", and the job's {noun} is \"{job}\""),
            format!("give the job's {noun}, or omit --verify"),
        ),
        (Some(given), None) => {
            (format!("{option} is \"{given}\", and the job has no {noun} of its own"), format!("omit {option}"))
        }
        (None, None) => unreachable!("they are equal"),
    };
    Err(Error::usage(what, hint))
}

/// Different items at random, in their order; all if there are no more.
fn sample<T>(all: &[T], count: u64, mut random: impl FnMut() -> u64) -> Vec<&T> {
    let (mut wanted, mut left) = (count, all.len() as u64);
    let mut is_chosen = |_: &&T| {
        let is_chosen = random() % left < wanted;
        left -= 1;
        wanted -= u64::from(is_chosen);
        is_chosen
    };
    all.iter().filter(|item| is_chosen(item)).collect()
}

/// The total in the JSON of a run.
fn total(stdout: &[u8], job: &Job) -> Option<Cells<Number>> {
    let report: Json = serde_json::from_slice(stdout).ok()?;
    let is_float = job.terms.value_type.is_float();
    let cells = if is_float { &report["value"] } else { &report["exact_total"] };
    let number = |cell: &Json| match cell {
        Json::Number(number) if is_float => number.as_f64().map(Number::Float),
        Json::String(text) if is_float => text.parse().ok().map(Number::Float),
        Json::String(text) => text.parse().ok().map(Number::Integer),
        _ => None,
    };
    let cells = cells.as_array().map_or(std::slice::from_ref(cells), Vec::as_slice);
    let numbers: Vec<Number> = cells.iter().map(number).collect::<Option<_>>()?;
    (numbers.len() == job.terms.cells as usize).then(|| numbers.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::job::tests::job;

    #[test]
    fn a_sample_has_different_items_and_any_of_them() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..1000 {
            let mut state = seed;
            let random = || {
                state = u64::wrapping_mul(state ^ 0x9e37_79b9, 0x2545_f491_4f6c_dd1d);
                state >> 20
            };
            let chosen: Vec<i32> = sample(&[10, 20, 30, 40], 2, random).into_iter().copied().collect();
            assert!(chosen.len() == 2 && chosen[0] < chosen[1], "{chosen:?}");
            seen.insert(chosen);
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
        for count in [4, 5, u64::MAX] {
            assert_eq!(sample(&[10, 20, 30, 40], count, || 7), [&10, &20, &30, &40]);
        }
    }

    #[test]
    fn what_the_job_names_must_be_given_and_nothing_else() {
        let refused = |given, job| must_be_given("command", "--exec", given, job).err().map(|error| error.to_string());
        assert_eq!(refused(None, None), None);
        assert_eq!(refused(Some("seq"), Some("seq")), None);
        for (given, job, words) in [
            (None, Some("seq"), ["\"seq\"", "--exec is not given"]),
            (Some("sed"), Some("seq"), ["\"sed\"", "\"seq\""]),
            (Some("seq "), Some("seq"), ["\"seq \"", "\"seq\""]),
            (Some("seq"), None, ["\"seq\"", "no command"]),
        ] {
            let refused = refused(given, job).unwrap_or_default();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }

    #[test]
    fn the_total_of_a_run_is_read_exactly_and_in_as_many_cells() {
        use common::ValueType::{F64, I32};
        let total = |kind, cells, json: &str| {
            let job = job(|terms| (terms.value_type, terms.cells) = (kind, cells));
            total(json.as_bytes(), &job).map(|total| total.to_string())
        };
        for (kind, cells, json, expected) in [
            (I32, 1, r#"{"value":5,"exact_total":"4294967301"}"#, Some("4294967301")),
            (I32, 2, r#"{"exact_total":["1","-2"]}"#, Some("[1, -2]")),
            (F64, 1, r#"{"value":2.5,"exact_total":null}"#, Some("2.5")),
            (F64, 1, r#"{"value":"-inf"}"#, Some("-inf")),
            (I32, 1, r#"{"exact_total":["1","2"]}"#, None),
            (I32, 1, r#"{"exact_total":null}"#, None),
            (I32, 1, r#"{"exact_total":5}"#, None),
            (I32, 1, "", None),
        ] {
            assert_eq!(total(kind, cells, json).as_deref(), expected, "{json}");
        }
    }
}
