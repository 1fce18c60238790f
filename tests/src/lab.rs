//! A segment on which victims are killed one after the other, and what must hold after each death.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::plant::Fault;
use common::{Segment, SegmentName, TakeOver, Terms, TicketState};
use rustix::process::Signal;

use crate::integer;
use crate::scene::Scene;
use crate::trace::{Gait, Stop, Traced};

/// Tickets of one segment, before the next one is made: few, so that a check of the whole ledger is quick.
const TICKETS: u32 = 256;

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

/// A segment, and the ticket of the next victim.
pub struct Lab<'a> {
    scene: &'a Scene,
    course: Course,
    name: SegmentName,
    segment: Segment,
    ticket: u32,
    total: i128,
}

impl<'a> Lab<'a> {
    /// A fresh segment; nothing, and loud words, where tracing is not allowed.
    ///
    /// # Panics
    /// If the segment cannot be made.
    #[must_use]
    pub fn new(scene: &'a Scene, label: &str, course: Course) -> Option<Self> {
        let name: SegmentName = scene.name(label).parse().expect("the name is legal");
        let segment = Segment::create(&name, &terms(TICKETS)).expect("the name is free");
        let lab = Self { scene, course, name, segment, ticket: 1, total: 0 };
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
    pub fn victim(&self, action: &str) -> Traced {
        self.on(action, &self.name)
    }

    /// A victim on any segment.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn on(&self, action: &str, name: &SegmentName) -> Traced {
        Traced::start(self.command(action, name)).expect("the victim can be started")
    }

    fn command(&self, action: &str, name: &SegmentName) -> Command {
        let program: PathBuf = self.scene.path().join(if self.course.is_shipped { "victim" } else { "faulty" });
        let mut command = Command::new(program);
        command.arg(action).arg(name.as_str()).arg(self.ticket.to_string());
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
        self.check_after_death().unwrap_or_else(|what| panic!("ticket {}: {what}", self.ticket));
    }

    /// The same without a panic.
    ///
    /// # Errors
    /// What is lost, applied twice, or blocked.
    pub fn check_after_death(&mut self) -> Result<(), String> {
        let ticket = self.ticket;
        let contribution = i128::from(ticket) * 1_000_003;
        let began = Instant::now();
        let mut guard = self.segment.lock_within(PATIENCE).map_err(|error| format!("the next lock: {error}"))?;
        if began.elapsed() > PATIENCE {
            return Err("the next lock came late".to_owned());
        }
        let was_done = self.segment.ticket(ticket).is_ok_and(|state| state == Some(TicketState::Done));
        match guard.take(ticket).map_err(|error| format!("the ticket cannot be taken over: {error}"))? {
            TakeOver::AlreadyDone if was_done => {}
            TakeOver::Taken(claim) if !was_done => {
                let committed = guard.commit(&claim, contribution).map_err(|error| error.to_string())?;
                if integer(&committed.value) != self.total + contribution {
                    return Err(format!("the value is {} after the second attempt", committed.value));
                }
            }
            _ => return Err("the ticket is done and can be taken, or the other way round".to_owned()),
        }
        drop(guard);
        // Once more: the lock that was recovered must be a lock again.
        drop(self.segment.lock_within(PATIENCE).map_err(|error| format!("the lock after the next: {error}"))?);
        self.total += contribution;
        let snapshot = self.segment.snapshot().map_err(|error| error.to_string())?;
        snapshot.check().map_err(|violation| violation.to_string())?;
        if integer(&snapshot.value) != self.total {
            return Err(format!("the value is {}, not {}", snapshot.value, self.total));
        }
        self.ticket += 1;
        if self.ticket > TICKETS {
            self.renew();
        }
        Ok(())
    }

    /// A fresh segment under the same name.
    fn renew(&mut self) {
        self.segment.unlink().expect("it can be removed");
        self.segment = Segment::create(&self.name, &terms(TICKETS)).expect("the name is free");
        (self.ticket, self.total) = (1, 0);
    }

    /// After how many instructions, from the lock of a commit on, the segment's bytes are other than before; 0 first.
    ///
    /// # Panics
    /// If the victim does not get to its commit.
    pub fn states(&mut self) -> Vec<usize> {
        let mut victim = self.victim("commit");
        let mut states = vec![0];
        let mut steps = 0;
        while let Some(more) = self.step_to_change(&mut victim, steps == 0) {
            steps += more;
            states.push(steps);
        }
        victim.kill();
        self.survive();
        states
    }

    /// How many states of the segment a commit goes through; nothing if not a single one.
    pub fn count_states(&mut self) -> Option<usize> {
        let mut victim = self.victim("commit");
        let mut states = 1;
        while self.step_to_change(&mut victim, states == 1).is_some() {
            states += 1;
        }
        victim.kill();
        // What the victim did is not judged yet.
        self.renew();
        (states > 1).then_some(states)
    }

    /// Kills a victim right after the store that makes that state; state 0 is before the lock.
    ///
    /// # Panics
    /// If the victim does not get to its commit.
    pub fn kill_in_state(&self, state: usize) {
        let mut victim = self.victim("commit");
        if state == 0 {
            assert!(victim.run_to(Signal::WINCH));
        }
        // A store of what was there already makes no state: a commit may go through one less than another, and then it is
        // killed at its end.
        let _ = (0..state).all(|change| self.step_to_change(&mut victim, change == 0).is_some());
        victim.kill();
    }

    /// Steps until the segment's bytes change, from the beginning of the commit if that is still to come; says in how many
    /// steps, or nothing if the commit ends before.
    fn step_to_change(&self, victim: &mut Traced, from_beginning: bool) -> Option<usize> {
        let file = File::open(self.scene.segment(self.name.as_str())).expect("it is there");
        if from_beginning {
            assert!(victim.run_to(Signal::WINCH));
        }
        let before = bytes(&file);
        for steps in 1.. {
            if victim.go(Gait::Step) != Stop::Step {
                return None;
            }
            if bytes(&file) != before {
                return Some(steps);
            }
        }
        None
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        let _ = self.segment.unlink();
    }
}

/// The segment's header and first slots, which are all that the first tickets change beside the log.
fn bytes(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; 4096 + 128 * TICKETS as usize];
    file.read_exact_at(&mut bytes, 0).expect("it can be read");
    bytes
}

/// Writes past the test runner's capture: these numbers are part of what the suite shows.
pub fn tell(what: &str) {
    let _ = std::io::stderr().write_all(format!("[kill points] {what}\n").as_bytes());
}
