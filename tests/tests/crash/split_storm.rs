//! Storms over split runs: each iteration counts once, whoever is killed.
//!
//! Victims hold the lock nearly always and record their commits in a file (`victims/split_storm.rs`), which is compared
//! with the ledger at the end. Real runs lose workers and coordinators and must reach the known total.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::cli::exit_code;
use common::failpoint::Failpoint;
use common::{Ledger, Mode, Removal, Segment, SegmentName, Snapshot, Terms, ValueType, process};
use harness::storm::{BOUND, StormOutcome, Victim, dice, storm};
use harness::{Running, TestEnv, report, test_env, until};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;

/// How long a victim of the storm holds the lock for each chunk.
const HOLD: Duration = Duration::from_micros(100);

/// Iterations in a chunk of a real run.
const SIZE: u64 = 10;

/// How long a range may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The sum of the squares below `end`.
fn squares(end: u64) -> i128 {
    let end = i128::from(end);
    end * (end - 1) * (2 * end - 1) / 6
}

/// A range for victims, and their record, a file.
struct Round {
    program: PathBuf,
    name: SegmentName,
    segment: Segment,
    record: PathBuf,
    iterations: u64,
    began: Instant,
}

impl Round {
    fn new(env: &TestEnv, label: &str, iterations: u64) -> Self {
        let (name, record) = (env.name(label), env.path().join(label));
        let terms = Terms { mode: Mode::Split, iterations, value_type: ValueType::I64, ..Terms::by_hand("none", 5) };
        // No chunk is set aside, however many victims die with it.
        let terms = Terms { slots: 1000, restarts: u32::MAX, ..terms };
        File::create(&record).expect("the record can be made");
        let name: SegmentName = name.parse().expect("the name is legal");
        let segment = Segment::create(&name, &terms).expect("the name is free");
        let program = env.path().join("split-storm-victim");
        Self { program, name, segment, record, iterations, began: Instant::now() }
    }

    fn victim(&self, point: Option<Failpoint>) -> Victim {
        let mut victim = Command::new(&self.program);
        victim.arg(self.name.as_str()).arg(&self.record).arg(HOLD.as_micros().to_string());
        victim.envs(point.map(|point| ("KILLPROOF_FAILPOINT", format!("{point:?}=kill"))));
        Victim::start(&mut victim)
    }

    /// Sometimes offers a dead victim's chunk to the others, as a coordinator does; returns whether there is more to
    /// do.
    fn goes_on(&self, dice: &mut StdRng) -> bool {
        assert!(self.began.elapsed() < PATIENCE, "the range comes to its end");
        let snapshot = Snapshot::of(&self.segment).expect("it can be read");
        let orphan = snapshot.workers.iter().find(|worker| !worker.alive && !worker.chunk.is_empty());
        if let Some(orphan) = orphan.filter(|_| dice.random()) {
            Ledger::of(&self.segment).offer_orphan(orphan.ticket);
        }
        !snapshot.is_consistent || !snapshot.is_complete()
    }

    /// The recorded chunks by their start, and the tickets that recorded each; a start belongs to one chunk only.
    fn recorded(record: &str, kind: &str) -> BTreeMap<u64, (Range<u64>, Vec<u32>)> {
        let mut chunks: BTreeMap<u64, (Range<u64>, Vec<u32>)> = BTreeMap::new();
        let lines = record.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        for line in lines.filter(|line| line[0] == kind) {
            let [ticket, start, end] = [1, 2, 3].map(|word| line[word].parse::<u64>().expect("a number"));
            assert_eq!(line[4].parse(), Ok(squares(end) - squares(start)), "{start}..{end}");
            let (chunk, tickets) = chunks.entry(start).or_insert((start..end, Vec::new()));
            assert_eq!(*chunk, start..end, "{kind}");
            tickets.push(u32::try_from(ticket).expect("a ticket"));
        }
        chunks
    }

    /// Checks by the ledger and by the record that each iteration counts once; removes the segment. Returns the numbers
    /// of chunks and of chunks that changed their ticket.
    fn finish(self) -> (usize, usize) {
        drop(Ledger::of(&self.segment).lock_within(BOUND).expect("the lock is to be had"));
        let snapshot = Snapshot::of(&self.segment).expect("it can be read");
        snapshot.check().expect("the ledger holds together");
        assert!(snapshot.is_consistent && snapshot.is_complete(), "{snapshot:?}");
        assert_eq!(snapshot.exact_total(), Some(vec![squares(self.iterations)].into()));
        assert_eq!(harness::integer(&snapshot.value), squares(self.iterations));
        let record = fs::read_to_string(&self.record).expect("the record can be read");
        let (intents, applied) = (Self::recorded(&record, "intent"), Self::recorded(&record, "applied"));
        let end = intents.values().fold(0, |end, (chunk, _)| {
            assert_eq!(chunk.start, end, "each iteration is in one chunk");
            chunk.end
        });
        assert_eq!(end, self.iterations, "every iteration is in a chunk");
        self.compare(&snapshot, intents.len(), &applied);
        for (start, (chunk, tickets)) in &applied {
            assert_eq!((tickets.len(), chunk), (1, &intents[start].0), "applied once, under one ticket");
        }
        let is_passed_on = |tickets: &[u32]| tickets.iter().collect::<BTreeSet<_>>().len() > 1;
        let passed_on = intents.values().filter(|(_, tickets)| is_passed_on(tickets)).count();
        assert_eq!(common::unlink(&self.segment).expect("it can be removed"), Removal::Removed);
        (intents.len(), passed_on)
    }

    /// The ledger has each ticket's reported chunks, and each chunk once in all.
    fn compare(&self, snapshot: &Snapshot, chunks: usize, applied: &BTreeMap<u64, (Range<u64>, Vec<u32>)>) {
        assert_eq!(snapshot.workers.iter().map(|worker| worker.chunks).sum::<u64>(), chunks as u64);
        assert_eq!(snapshot.iterations_done(), self.iterations);
        for worker in &snapshot.workers {
            let own = applied.values().filter(|(_, tickets)| tickets.contains(&worker.ticket));
            let told = own.fold((0, 0), |(count, sum), (chunk, _)| (count + 1, sum + chunk.end - chunk.start));
            // A victim killed between its commit and its line did not record the commit.
            let is_all = told == (worker.chunks, worker.iterations);
            assert!(is_all || told.0 < worker.chunks && told.1 < worker.iterations, "{told:?} {worker:?}");
        }
    }
}

/// Storms over one range after another, for that long; returns the number of kills.
fn storm_over_chunks(label: &str, duration: Duration) -> u32 {
    let env = test_env!();
    let mut dice = dice(label);
    let began = Instant::now();
    let (mut all, mut sum, mut rounds) = ((0, 0), StormOutcome::default(), 0);
    while began.elapsed() < duration {
        rounds += 1;
        let round = Round::new(&env, &format!("{label}-{rounds}"), 300_000);
        let outcome = storm(&round.name, &mut dice, |point| round.victim(point), |dice| round.goes_on(dice));
        sum.kills += outcome.kills;
        sum.in_a_commit += outcome.in_a_commit;
        sum.in_a_recovery += outcome.in_a_recovery;
        sum.left += outcome.left;
        sum.longest = sum.longest.max(outcome.longest);
        let (chunks, passed_on) = round.finish();
        all = (all.0 + chunks, all.1 + passed_on);
    }
    let (chunks, passed_on) = all;
    report(&format!("{label}: {rounds} ranges, {chunks} chunks, {passed_on} of them passed on; {sum:.1?}"));
    assert!(sum.kills > 0 && sum.in_a_commit > 0 && sum.in_a_recovery > 0 && passed_on > 0, "it was no storm");
    sum.kills
}

/// Fault 8: also while a chunk is taken over, and by recoverers of it.
#[test]
fn a_storm_over_chunks_applies_each_of_them_once() {
    storm_over_chunks("chunks", Duration::from_secs(5));
}

/// Fault 8, the long form: `cargo test -p tests --test crash -- --ignored a_minute_of_storm_over_chunks`
#[test]
#[ignore = "takes a minute and all processors; the command stands above, and in tests/README.md"]
fn a_minute_of_storm_over_chunks() {
    assert!(storm_over_chunks("minute", Duration::from_secs(60)) >= 1000);
}

/// A run whose workers and coordinators are killed.
struct Hunt<'a> {
    env: &'a TestEnv,
    name: String,
    iterations: u64,
    /// The current coordinator, last, and all killed ones.
    coordinators: Vec<Running>,
    by_hand: Vec<Running>,
    kills: u32,
}

impl<'a> Hunt<'a> {
    /// Starts a run with that many chunks.
    fn new(env: &'a TestEnv, label: &str, chunks: u64) -> Self {
        let (name, iterations) = (env.name(label), chunks * SIZE);
        let (range, size) = (iterations.to_string(), SIZE.to_string());
        let args = ["--name", &name, "--split", "-n", &range, "--chunk", &size, "--type", "i64", "-w", "4"];
        let run = env.coordinator(args).args(["--restarts", "1000000", "--format", "json"]).start();
        let hunt = Self { env, name, iterations, coordinators: vec![run], by_hand: Vec::new(), kills: 0 };
        until("the run to begin", || hunt.look().is_some());
        hunt
    }

    /// The run's status; none once its segment is removed.
    fn look(&self) -> Option<Value> {
        let status = self.env.coordinator(["status", &self.name, "--format", "json"]).run();
        if status.code == Some(exit_code::UNAVAILABLE.into()) { None } else { Some(status.expect(0).json()) }
    }

    /// Kills the process with that id if it is still a worker of this run.
    fn kill(&mut self, pid: &Value) {
        let pid = pid.as_u64().and_then(|pid| process::id(u32::try_from(pid).ok()?));
        let Some((pid, Ok(process))) = pid.map(|pid| (pid, pidfd_open(pid, PidfdFlags::empty()))) else { return };
        // Checked after opening the descriptor: if the id is reused later, the signal goes to nobody.
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if command.contains(&self.name) && pidfd_send_signal(process, Signal::KILL).is_ok() {
            self.kills += 1;
        }
    }

    /// Kills the coordinator during the run, and resumes the run.
    fn replace_coordinator(&mut self) {
        let coordinator = self.coordinators.last().expect("there is one");
        // Stopped, so that the run cannot end before the kill; then there would be nothing to resume.
        coordinator.signal(Signal::STOP);
        if self.look().is_none_or(|status| status["complete"] == true) {
            coordinator.signal(Signal::CONT);
            return;
        }
        coordinator.signal(Signal::KILL);
        until("the coordinator to be dead", || {
            self.look().is_some_and(|status| status["coordinator"]["alive"] == false)
        });
        self.coordinators.push(self.env.coordinator(["resume", &self.name, "--format", "json"]).start());
    }

    /// Checks that each iteration counts once, and that only killed processes failed.
    fn finish(mut self) {
        let result = self.coordinators.pop().expect("there is one").finish().expect(exit_code::COMPLETE).json();
        let total = squares(self.iterations);
        assert_eq!(result["exact_total"], total.to_string(), "{result}");
        // In a longer run the value wraps, as in C.
        let low = total.to_le_bytes().first_chunk().copied().map(i64::from_le_bytes).expect("it has 16 bytes");
        assert_eq!(result["value"], low.to_string(), "{result}");
        assert_eq!(
            (&result["complete"], &result["split"]["chunks"]),
            (&true.into(), &(self.iterations / SIZE).to_string().into())
        );
        assert_eq!(result["split"]["iterations_done"], self.iterations.to_string());
        for dead in self.coordinators {
            assert_eq!(dead.finish().signal, Some(9));
        }
        let legal = [exit_code::COMPLETE, exit_code::INCOMPLETE, exit_code::UNAVAILABLE, exit_code::NOTHING_TO_DO];
        for worker in self.by_hand.into_iter().map(Running::finish) {
            let is_legal = worker.signal == Some(9) || legal.iter().any(|code| worker.code == Some((*code).into()));
            assert!(is_legal, "{worker:?}");
        }
        let (restarts, recoveries) = (&result["restarts"], &result["recoveries"]);
        report(&format!("{}: {} kills, {restarts} restarts, {recoveries} recoveries", self.name, self.kills));
    }
}

/// Kills random workers of a run with that many chunks, also some started by hand, and three of its coordinators;
/// returns the number of killed workers.
fn hunt(label: &str, chunks: u64) -> u32 {
    let env = test_env!();
    let mut dice = dice(label);
    let mut hunt = Hunt::new(&env, label, chunks);
    let (began, mut looks) = (Instant::now(), 0);
    while let Some(status) = hunt.look() {
        assert!(began.elapsed() < PATIENCE, "the run comes to its end: {status}");
        looks += 1;
        let given_out = harness::whole(&status["split"]["given_out"]);
        if given_out >= hunt.coordinators.len() as u64 * hunt.iterations / 4 && hunt.coordinators.len() < 4 {
            hunt.replace_coordinator();
        } else if looks % 16 == 1 {
            hunt.by_hand.push(env.worker(&hunt.name).start());
        }
        let workers = status["workers"].as_array().expect("workers are an array");
        let at_work =
            |worker: &&Value| ["attached", "computing", "waiting"].iter().any(|state| worker["state"] == *state);
        for worker in workers.iter().filter(at_work) {
            if dice.random() {
                hunt.kill(&worker["pid"]);
            }
        }
    }
    let (kills, coordinators) = (hunt.kills, hunt.coordinators.len());
    hunt.finish();
    assert!(kills > 10 && coordinators > 1, "nobody was hunted: {kills} kills, {coordinators} coordinators");
    kills
}

/// Faults 8 and 11.
#[test]
fn a_split_run_is_exact_whoever_is_killed_and_however_often() {
    hunt("hunt", 500_000);
}

/// Faults 8 and 11, the long form: `cargo test -p tests --test crash -- --ignored
/// a_long_split_run_is_exact_after_a_thousand_kills`
#[test]
#[ignore = "takes a minute and all processors; the command stands above, and in tests/README.md"]
fn a_long_split_run_is_exact_after_a_thousand_kills() {
    assert!(hunt("long-hunt", 5_000_000) >= 1000);
}
