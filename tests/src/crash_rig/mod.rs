//! Kills victims one after another on a segment, and checks what must hold after each death.
//!
//! A [`Subject`] defines what the victims do and what the ledger must contain. The checks that all subjects share are
//! here: the next process gets the lock at once, the lock works again, and the ledger is consistent.

mod array_changes;
mod chunk_cases;
mod chunks;
mod contributions;
mod kill;

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::failpoint::Mutant;
use common::{Ledger, LockedLedger, Segment, SegmentName, Snapshot, Terms};

use crate::ptrace::Traced;
use crate::report::{report, skip};
use crate::test_env::TestEnv;

pub use array_changes::ArrayChanges;
pub use chunks::{Chunks, Hand};
pub use contributions::Contributions;
pub use kill::stride;

/// How long the next lock may take: what is promised.
const PATIENCE: Duration = Duration::from_secs(1);

/// The build that the victims run.
#[derive(Clone, Copy)]
pub struct Build {
    is_shipped: bool,
    mutants: &'static [Mutant],
}

impl Build {
    /// The shipped build.
    pub const SHIPPED: Self = Self { is_shipped: true, mutants: &[] };

    /// The faulty build, with these mutants.
    #[must_use]
    pub const fn with(mutants: &'static [Mutant]) -> Self {
        Self { is_shipped: false, mutants }
    }
}

/// The terms of a victims' segment.
#[must_use]
pub fn terms(tickets: u32) -> Terms {
    Terms { slots: tickets, value_type: common::ValueType::I64, ..Terms::by_hand("none", 1) }
}

/// What victims do, and what must hold after the death of one.
pub trait Subject {
    /// The terms of its segment.
    fn terms(&self) -> Terms;

    /// Prepares a fresh segment for its first victim.
    fn prepare(&mut self, segment: &Segment);

    /// The action of a victim (`victims/steps.rs`).
    fn action(&self) -> &'static str;

    /// The action's arguments after the segment's name.
    fn args(&self) -> Vec<String>;

    /// Checks what the dead victim left, and finishes its work as a restarted worker would.
    ///
    /// # Errors
    /// What is lost or applied twice.
    fn finish(&mut self, guard: LockedLedger<'_>) -> Result<(), String>;

    /// Checks the result; returns whether the segment has room for one more victim.
    ///
    /// # Errors
    /// What is lost or applied twice.
    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String>;
}

/// A segment and its subject.
pub struct CrashRig<'a, S: Subject> {
    env: &'a TestEnv,
    build: Build,
    name: SegmentName,
    segment: Segment,
    subject: S,
}

impl<'a, S: Subject> CrashRig<'a, S> {
    /// A fresh segment; none, and a report, where ptrace is not permitted.
    #[must_use]
    pub fn new(env: &'a TestEnv, label: &str, build: Build, mut subject: S) -> Option<Self> {
        let name: SegmentName = env.name(label).parse().expect("the name is legal");
        let segment = Segment::create(&name, &subject.terms()).expect("the name is free");
        subject.prepare(&segment);
        let rig = Self { env, build, name, segment, subject };
        match Traced::start(rig.command("recover", &rig.name)) {
            Ok(_) => Some(rig),
            Err(error) => {
                skip(label, &format!("ptrace is not permitted here: {error}"));
                None
            }
        }
    }

    /// The next victim, stopped before its first instruction.
    #[must_use]
    pub fn victim(&self) -> Traced {
        self.on(self.subject.action(), &self.name)
    }

    /// A process that only takes the lock, and so recovers what a victim left.
    #[must_use]
    pub fn recoverer(&self) -> Traced {
        self.on("recover", &self.name)
    }

    /// A process for that action, on any segment.
    #[must_use]
    pub fn on(&self, action: &str, name: &SegmentName) -> Traced {
        Traced::start(self.command(action, name)).expect("the victim can be started")
    }

    /// A victim with its own action and arguments.
    #[must_use]
    pub fn victim_with(&self, words: &[&str]) -> Traced {
        Traced::start(self.order(words[0], &self.name, &words[1..])).expect("the victim can be started")
    }

    fn command(&self, action: &str, name: &SegmentName) -> Command {
        self.order(action, name, &self.subject.args())
    }

    fn order<A: AsRef<OsStr>>(&self, action: &str, name: &SegmentName, args: &[A]) -> Command {
        let program: PathBuf = self.env.path().join(if self.build.is_shipped { "victim" } else { "faulty" });
        let mut command = Command::new(program);
        command.arg(action).arg(name.as_str()).args(args);
        let mutants: Vec<String> = self.build.mutants.iter().map(|mutant| format!("{mutant:?}")).collect();
        // Without the test runner's environment, whose library path would make the loader search a dozen folders.
        command.env_clear().env("KILLPROOF_MUTANTS", mutants.join(","));
        command
    }

    /// Checks Invariant I after a death, finishes the dead victim's ticket as a restarted worker would, and checks
    /// again.
    pub fn survive(&mut self) {
        self.check_after_death().unwrap_or_else(|what| panic!("{} {:?}: {what}", self.name, self.subject.args()));
    }

    /// The same, without a panic.
    ///
    /// # Errors
    /// What is lost, applied twice, or blocked.
    pub fn check_after_death(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let guard =
            Ledger::of(&self.segment).lock_within(PATIENCE).map_err(|error| format!("the next lock: {error}"))?;
        if began.elapsed() > PATIENCE {
            return Err("the next lock came late".to_owned());
        }
        self.subject.finish(guard)?;
        // Once more: the recovered lock must work again.
        drop(
            Ledger::of(&self.segment)
                .lock_within(PATIENCE)
                .map_err(|error| format!("the lock after the next: {error}"))?,
        );
        if !self.subject.judge(&sound(&self.segment)?)? {
            self.renew();
        }
        Ok(())
    }

    /// A fresh segment under the same name.
    fn renew(&mut self) {
        common::unlink(&self.segment).expect("it can be removed");
        self.segment = Segment::create(&self.name, &self.subject.terms()).expect("the name is free");
        self.subject.prepare(&self.segment);
    }
}

impl<S: Subject> Drop for CrashRig<'_, S> {
    fn drop(&mut self) {
        let _ = common::unlink(&self.segment);
    }
}

/// A consistent snapshot whose value is the sum of the contributions.
fn sound(segment: &Segment) -> Result<Snapshot, String> {
    let snapshot = Snapshot::of(segment).map_err(|error| error.to_string())?;
    snapshot.check().map_err(|violation| violation.to_string())?;
    if snapshot.is_consistent {
        Ok(snapshot)
    } else {
        Err("nobody is at work, and the ledger is not consistent".to_owned())
    }
}

/// Passes if the mutant was found, or if the check was skipped.
#[track_caller]
pub fn assert_found<T: Debug>(outcome: Option<Result<T, String>>) {
    match outcome {
        Some(Err(what)) => report(&format!("the mutant was found: {what}")),
        Some(Ok(states)) => panic!("the mutant was not found, states: {states:?}"),
        None => {}
    }
}
