//! A storm over a split run of which one chunk in twenty is bad: workers, coordinators and resumers are killed.
//!
//! The command records outside the segment which chunks it has computed. Its contribution has three cells, the sums of 1, i
//! and i² over the good chunks, so that a chunk that is lost, or applied twice in place of another, shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::cli::exit_code;
use common::{SegmentName, process};
use harness::storm::dice;
use harness::{Running, TestEnv, report, test_env, until};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};

/// How long the storm may take, and the calm after it.
const PATIENCE: Duration = Duration::from_secs(300);

/// How many processes are killed.
const LEAST_KILLS: u32 = 300;

/// How many of the kills are of coordinators, the first one's and of those that resume.
const LEAST_COORDINATORS: u32 = 30;

/// Whether a chunk cannot be computed.
fn is_bad(start: u64) -> bool {
    start % 20 == 7
}

/// The run, and the record of its commands.
struct Storm<'a> {
    env: &'a TestEnv,
    name: SegmentName,
    iterations: u64,
    coordinator: Running,
    kills: u32,
    coordinators_killed: u32,
    began: Instant,
}

impl<'a> Storm<'a> {
    fn new(env: &'a TestEnv, iterations: u64, record: &Path) -> Self {
        let name = env.name("bad");
        let command = format!(
            "[ $(({{start}} % 20)) = 7 ] && exit 3; echo {{start}} >> {}; echo 1 {{start}} $(({{start}} * {{start}})) # {{end}}",
            record.display()
        );
        let range = iterations.to_string();
        let args =
            ["--split", "--name", &name, "-n", &range, "--chunk", "1", "-w", "4", "--type", "i64", "--cells", "3"];
        let coordinator = env.coordinator(args).args(["--restarts", "2", "--exec", &command]).start();
        let parsed: SegmentName = name.parse().expect("the name is legal");
        until("the run to begin", || common::inspect(&parsed).is_ok_and(|(snapshot, _)| snapshot.has_coordinator));
        let began = Instant::now();
        Self { env, name: parsed, iterations, coordinator, kills: 0, coordinators_killed: 0, began }
    }

    /// Kills one of the run's live workers.
    fn kill_worker(&mut self, dice: &mut StdRng) {
        let Ok((snapshot, _)) = common::inspect(&self.name) else { return };
        let alive: Vec<u32> = snapshot.workers.iter().filter(|worker| worker.alive).map(|worker| worker.pid).collect();
        if alive.is_empty() {
            return;
        }
        let pid = alive[dice.random_range(0..alive.len())];
        let Some(Ok(worker)) = process::id(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return };
        // Checked after opening the descriptor: if the id is reused later, the signal goes to nobody.
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if command.contains(self.name.as_str()) && pidfd_send_signal(worker, Signal::KILL).is_ok() {
            self.kills += 1;
        }
    }

    /// Kills the coordinator, wherever it is, and resumes the run.
    fn kill_coordinator(&mut self) {
        if !self.coordinator.has_ended() {
            self.coordinator.signal(Signal::KILL);
        }
        self.resume();
    }

    /// Resumes the run once the last coordinator has ended.
    fn resume(&mut self) {
        let next = self.env.coordinator(["resume", self.name.as_str()]).start();
        let ended = std::mem::replace(&mut self.coordinator, next).finish();
        let was_killed = ended.signal == Some(9);
        self.kills += u32::from(was_killed);
        self.coordinators_killed += u32::from(was_killed);
        // A resumer that finds its predecessor dying is refused, and another one follows.
        let legal = [exit_code::INCOMPLETE, exit_code::UNAVAILABLE];
        assert!(was_killed || legal.iter().any(|code| ended.code == Some((*code).into())), "{ended:?}");
    }

    fn rage(&mut self, dice: &mut StdRng) {
        while self.kills < LEAST_KILLS || self.coordinators_killed < LEAST_COORDINATORS {
            assert!(
                self.began.elapsed() < PATIENCE,
                "{} kills, {} of coordinators",
                self.kills,
                self.coordinators_killed
            );
            thread::sleep(Duration::from_micros(dice.random_range(0..20_000)));
            match dice.random_range(0..8) {
                0 => self.kill_coordinator(),
                _ if self.coordinator.has_ended() => self.resume(),
                _ => self.kill_worker(dice),
            }
        }
    }

    /// Resumes the run until just the bad chunks are missing; returns the last report.
    fn calm(mut self) -> Value {
        self.began = Instant::now();
        let bad: Vec<Value> = (0..self.iterations).filter(|start| is_bad(*start)).map(missing).collect();
        loop {
            assert!(self.began.elapsed() < PATIENCE, "the run comes to its end");
            let _ = self.coordinator.finish();
            let args = ["resume", self.name.as_str(), "--format", "json"];
            let resumed = self.env.coordinator(args).run();
            // Its predecessor's workers may still be leaving.
            let report = if resumed.code == Some(exit_code::INCOMPLETE.into()) { resumed.json() } else { Value::Null };
            if report["missing"] == json!(bad) {
                return report;
            }
            self.coordinator = self.env.coordinator(["resume", self.name.as_str()]).start();
        }
    }
}

fn missing(start: u64) -> Value {
    json!({"start": start.to_string(), "end": (start + 1).to_string(), "attempts": 3, "why": "exit code 3"})
}

/// Faults 33 to 35.
#[test]
fn a_storm_over_a_run_with_bad_chunks_applies_every_good_one_once_and_names_the_bad_ones() {
    let env = test_env!();
    let (record, iterations) = (env.path().join("record"), 3000);
    let mut dice = dice("bad");
    let mut storm = Storm::new(&env, iterations, &record);
    storm.rage(&mut dice);
    let (kills, coordinators, name) = (storm.kills, storm.coordinators_killed, storm.name.clone());
    let result = storm.calm();
    let good: BTreeSet<u64> = (0..iterations).filter(|start| !is_bad(*start)).collect();
    let sums = [good.len() as u64, good.iter().sum(), good.iter().map(|start| start * start).sum()];
    assert_eq!(result["exact_total"], json!(sums.map(|sum| sum.to_string())), "each good chunk is applied once");
    assert_eq!(result["split"]["iterations_done"], good.len().to_string());
    let computed = fs::read_to_string(&record).expect("commands ran");
    let computed: BTreeSet<u64> = computed.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(computed, good, "each good chunk was computed, and no bad one");
    report(&format!("bad: {kills} kills, {coordinators} of them of coordinators"));
    env.remove(name.as_str());
}
