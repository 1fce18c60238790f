//! A segment on which victims are killed one after the other, and what must hold after each death.
//!
//! What the victims do, and what the ledger must say then, is the [`Subject`]'s; that the lock is to be had at once, that
//! it is a lock again, and that the ledger holds together is checked here for all of them.

mod chunks;
mod contributions;
mod kill;

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::plant::Fault;
use common::{Guard, Segment, SegmentName, Snapshot, Terms};

use crate::scene::Scene;
use crate::trace::Traced;

pub use chunks::{Chunks, Hand};
pub use contributions::Contributions;
pub use kill::stride;

/// How long the next lock may take: the promise.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which code the victims run.
#[derive(Clone, Copy)]
pub struct Course {
    is_shipped: bool,
    faults: &'static [Fault],
}

impl Course {
    /// The code as it is shipped.
    pub const SHIPPED: Self = Self { is_shipped: true, faults: &[] };

    /// Code with planted faults.
    #[must_use]
    pub const fn with(faults: &'static [Fault]) -> Self {
        Self { is_shipped: false, faults }
    }
}

/// The terms of a segment for victims.
#[must_use]
pub fn terms(tickets: u32) -> Terms {
    Terms { slots: tickets, value_type: common::ValueType::I64, ..Terms::by_hand("none", 1) }
}

/// What victims do, and what must hold when one of them is dead.
pub trait Subject {
    /// The terms of a segment for it.
    fn terms(&self) -> Terms;

    /// Gets a fresh segment ready for its first victim.
    fn prepare(&mut self, segment: &Segment);

    /// The action of a victim (`victims/steps.rs`).
    fn action(&self) -> &'static str;

    /// What the action wants to know besides the segment's name.
    fn args(&self) -> Vec<String>;

    /// Judges what the dead one left, and finishes its work as a worker launched again would.
    ///
    /// # Errors
    /// What is lost or applied twice.
    fn finish(&mut self, guard: Guard<'_>) -> Result<(), String>;

    /// Judges the end, and says whether the segment is good for one more victim.
    ///
    /// # Errors
    /// What is lost or applied twice.
    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String>;
}

/// A segment, and what its victims do.
pub struct Lab<'a, S: Subject> {
    scene: &'a Scene,
    course: Course,
    name: SegmentName,
    segment: Segment,
    subject: S,
}

impl<'a, S: Subject> Lab<'a, S> {
    /// A fresh segment; nothing, and loud words, where tracing is not allowed.
    ///
    /// # Panics
    /// If the segment cannot be made.
    #[must_use]
    pub fn new(scene: &'a Scene, label: &str, course: Course, mut subject: S) -> Option<Self> {
        let name: SegmentName = scene.name(label).parse().expect("the name is legal");
        let segment = Segment::create(&name, &subject.terms()).expect("the name is free");
        subject.prepare(&segment);
        let lab = Self { scene, course, name, segment, subject };
        match Traced::start(lab.command("recover", &lab.name)) {
            Ok(_) => Some(lab),
            Err(error) => {
                tell(&format!("SKIPPED {label}: ptrace is not permitted here: {error}"));
                None
            }
        }
    }

    /// The next victim on the lab's segment, stopped before its first instruction.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn victim(&self) -> Traced {
        self.on(self.subject.action(), &self.name)
    }

    /// One that only takes the lock, and with it recovers what a victim left.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn recoverer(&self) -> Traced {
        self.on("recover", &self.name)
    }

    /// A process that acts on any segment.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn on(&self, action: &str, name: &SegmentName) -> Traced {
        Traced::start(self.command(action, name)).expect("the victim can be started")
    }

    /// The same with words of its own for the action.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn told(&self, words: &[&str]) -> Traced {
        Traced::start(self.order(words[0], &self.name, &words[1..])).expect("the victim can be started")
    }

    fn command(&self, action: &str, name: &SegmentName) -> Command {
        self.order(action, name, &self.subject.args())
    }

    fn order<A: AsRef<OsStr>>(&self, action: &str, name: &SegmentName, args: &[A]) -> Command {
        let program: PathBuf = self.scene.path().join(if self.course.is_shipped { "victim" } else { "faulty" });
        let mut command = Command::new(program);
        command.arg(action).arg(name.as_str()).args(args);
        let faults: Vec<&str> = self.course.faults.iter().map(|fault| fault.name()).collect();
        // Nothing of the test runner's, whose library path alone would make the loader search a dozen folders.
        command.env_clear().env("MULTIPROCESS_FAULTS", faults.join(","));
        command
    }

    /// Checks Invariant I after a death, finishes the dead one's ticket as a worker launched again would, checks again.
    ///
    /// # Panics
    /// If anything is lost, applied twice, or blocked.
    pub fn survive(&mut self) {
        self.check_after_death().unwrap_or_else(|what| panic!("{} {:?}: {what}", self.name, self.subject.args()));
    }

    /// The same without a panic.
    ///
    /// # Errors
    /// What is lost, applied twice, or blocked.
    pub fn check_after_death(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let guard = self.segment.lock_within(PATIENCE).map_err(|error| format!("the next lock: {error}"))?;
        if began.elapsed() > PATIENCE {
            return Err("the next lock came late".to_owned());
        }
        self.subject.finish(guard)?;
        // Once more: the lock that was recovered must be a lock again.
        drop(self.segment.lock_within(PATIENCE).map_err(|error| format!("the lock after the next: {error}"))?);
        if !self.subject.judge(&sound(&self.segment)?)? {
            self.renew();
        }
        Ok(())
    }

    /// A fresh segment under the same name.
    fn renew(&mut self) {
        self.segment.unlink().expect("it can be removed");
        self.segment = Segment::create(&self.name, &self.subject.terms()).expect("the name is free");
        self.subject.prepare(&self.segment);
    }
}

impl<S: Subject> Drop for Lab<'_, S> {
    fn drop(&mut self) {
        let _ = self.segment.unlink();
    }
}

/// A reading of a ledger at rest, in which the value is the sum of the contributions.
fn sound(segment: &Segment) -> Result<Snapshot, String> {
    let snapshot = segment.snapshot().map_err(|error| error.to_string())?;
    snapshot.check().map_err(|violation| violation.to_string())?;
    if snapshot.is_settled { Ok(snapshot) } else { Err("nobody is at work, and the ledger does not settle".to_owned()) }
}

/// Passes if something was found, or the procedure could not be carried out, which it then has said.
///
/// # Panics
/// If nothing was found.
#[track_caller]
pub fn assert_found<T>(outcome: Option<Result<T, String>>) {
    match outcome {
        Some(Err(what)) => tell(&format!("the planted fault was found: {what}")),
        Some(Ok(_)) => panic!("the planted fault was not found"),
        None => {}
    }
}

/// Writes past the test runner's capture: these numbers are part of what the suite shows.
pub fn tell(what: &str) {
    let _ = std::io::stderr().write_all(format!("[kill points] {what}\n").as_bytes());
}
