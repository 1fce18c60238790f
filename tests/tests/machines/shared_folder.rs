//! The folder that all hosts see: the results, and a line for each shard that was started.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::cli::exit_code;
use harness::{Finished, TestEnv};

/// Writes down that a shard starts, then runs its command.
const COUNTED: &str = r#"#!/bin/sh
echo "$(hostname) $1" >>"${0%/*}/starts"
shift
exec "$@"
"#;

/// A job: how many primes there are below `n`.
#[derive(Clone, Copy)]
pub struct Job {
    pub n: u64,
    pub primes: u64,
    pub shards: u64,
}

/// A shard takes half a second or more.
pub const LONG: Job = Job { n: 5_000_000_000, primes: 234_954_223, shards: 24 };

/// A shard takes no time.
pub const SHORT: Job = Job { n: 100_000_000, primes: 5_761_455, shards: 24 };

/// How often missing shards are started again.
const ROUNDS: u32 = 3;

/// A shard that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Where.
    pub host: String,
    /// Which.
    pub place: u64,
}

/// The files of one job.
pub struct SharedFolder<'a> {
    env: &'a TestEnv,
    path: PathBuf,
    job: Job,
}

impl<'a> SharedFolder<'a> {
    /// An empty one.
    pub fn new(env: &'a TestEnv, name: &str, job: Job) -> Self {
        let path = env.path().join(name);
        fs::create_dir(&path).expect("the folder can be made");
        fs::write(path.join("counted"), COUNTED).expect("the script can be written");
        fs::set_permissions(path.join("counted"), fs::Permissions::from_mode(0o755)).expect("it can be executable");
        Self { env, path, job }
    }

    /// The shell command of a shard, as the pages give it, counted. `place` is its place in the shell's words.
    pub fn command(&self, place: &str, shard: &str) -> String {
        let (n, counted, results) = (self.job.n, self.path.join("counted"), self.results());
        let counted = format!("{} {place} coordinator --split --kernel prime-count", counted.display());
        format!("{counted} -n {n} --shard {shard} --results {} -w 1 -q", results.display())
    }

    /// `PATH` with the executables first.
    pub fn search_path(&self) -> OsString {
        let mut path = self.env.path().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }

    /// The shards that were started so far, in order.
    pub fn starts(&self) -> Vec<Start> {
        let text = fs::read_to_string(self.path.join("starts")).unwrap_or_default();
        let start = |line: &str| {
            let (host, place) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?} is no start"));
            Start { host: host.to_owned(), place: place.parse().unwrap_or_else(|_| panic!("{line:?} has no place")) }
        };
        text.lines().map(start).collect()
    }

    /// The shards that `host` has started and nobody has committed.
    pub fn open_on(&self, host: &str) -> BTreeSet<u64> {
        let started: BTreeSet<_> =
            self.starts().iter().filter(|start| start.host == host).map(|start| start.place).collect();
        &started - &self.committed()
    }

    /// How often that shard was started.
    pub fn starts_of(&self, place: u64) -> usize {
        self.starts().iter().filter(|start| start.place == place).count()
    }

    /// The shards whose results are there.
    pub fn committed(&self) -> BTreeSet<u64> {
        (0..self.job.shards).filter(|place| self.result(*place).exists()).collect()
    }

    /// The file of that shard's result.
    pub fn result(&self, place: u64) -> PathBuf {
        let bound = |place: u64| u128::from(self.job.n) * u128::from(place) / u128::from(self.job.shards);
        self.results().join(format!("{}-{}.json", bound(place), bound(place + 1)))
    }

    /// The folder of results.
    pub fn results(&self) -> PathBuf {
        self.path.join("results")
    }

    /// The shards that were started after that many starts.
    pub fn places_started_since(&self, starts: usize) -> BTreeSet<u64> {
        self.starts()[starts..].iter().map(|start| start.place).collect()
    }

    /// Removes results.
    pub fn lose(&self, places: &[u64]) {
        for place in places {
            fs::remove_file(self.result(*place)).expect("it was there");
        }
    }

    /// What `collect --missing` prints, as an array's option takes it.
    pub fn missing_ranges(&self) -> String {
        self.collect(&["--missing"]).expect(exit_code::COMPLETE).stdout.trim().to_owned()
    }

    /// The shards that `collect --missing` prints, one by one.
    pub fn missing(&self) -> BTreeSet<u64> {
        let place = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{text:?} is no place"));
        let ranges = self.missing_ranges();
        let ranges = ranges.split(',').filter(|range| !range.is_empty());
        ranges
            .flat_map(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                place(first)..=place(last)
            })
            .collect()
    }

    /// Has what is missing started again until nothing is.
    pub fn complete(&self, mut start_again: impl FnMut()) {
        let rounds = (0..ROUNDS).take_while(|_| !self.missing().is_empty());
        rounds.for_each(|_| start_again());
        assert_eq!(self.missing(), BTreeSet::new(), "after {ROUNDS} rounds");
    }

    /// Checks that more shards were started than committed: some were lost while they were computed.
    pub fn assert_more_starts(&self) {
        let (started, committed) = (self.starts().len(), self.committed().len());
        assert!(started > committed, "{started} started, {committed} committed");
    }

    /// Checks that each shard counts once: the total is the number of primes, and nothing else is in the folder.
    pub fn assert_total(&self) {
        let collected = self.collect(&[]).expect(exit_code::COMPLETE);
        let primes = self.job.primes;
        assert_eq!(collected.stdout, format!("Final shared value: {primes}\nExact total: {primes}\n"));
        let files = fs::read_dir(self.results()).expect("it is a folder");
        let names: BTreeSet<_> = files.map(|file| file.expect("it can be read").path()).collect();
        let results = (0..self.job.shards).map(|place| self.result(place));
        let wanted: BTreeSet<_> = results.chain([self.results().join("job.json")]).collect();
        let is_temporary = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "tmp");
        let others: Vec<_> = names.difference(&wanted).filter(|path| !is_temporary(path)).collect();
        assert!(others.is_empty() && wanted.is_subset(&names), "{names:?}");
    }

    fn collect(&self, options: &[&str]) -> Finished {
        self.env.coordinator(["collect"]).args([self.results()]).args(options).run()
    }
}
