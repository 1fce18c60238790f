//! Where victims and their recoverers are killed: between two marks, and after each store.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::process::Signal;

use super::{CrashRig, Subject};
use crate::ptrace::{Gait, Stop, Traced};

impl<S: Subject> CrashRig<'_, S> {
    /// Kills victims after every `stride` instructions between two marks; returns the numbers of instructions and of
    /// kills.
    pub fn kill_between(&mut self, from: Signal, to: Signal, stride: usize) -> (usize, usize) {
        let mut instructions = 0;
        let mut kills = 0;
        loop {
            let mut victim = self.victim();
            assert!(victim.run_to(from));
            let made = step(&mut victim, instructions, to);
            victim.kill();
            self.survive();
            if let Err(all) = made {
                return (all, kills);
            }
            instructions += stride;
            kills += 1;
        }
    }

    /// Kills a victim right after each of its stores; returns the number of different segment states.
    ///
    /// # Errors
    /// The first error after a death (and after its recovery, with `recoverer_too`).
    pub fn kill_after_each_store(&mut self, recoverer_too: bool) -> Result<usize, String> {
        let states = self.states();
        // The latest first: most mistakes show there.
        for state in states.iter().rev() {
            self.kill_after(*state);
            if recoverer_too {
                self.recoverer().finish();
            }
            self.check_after_death()?;
        }
        Ok(states.len())
    }

    /// Kills a victim that many instructions into its commit.
    fn kill_after(&mut self, instructions: usize) {
        let mut victim = self.victim();
        assert!(victim.run_to(Signal::WINCH) && step(&mut victim, instructions, Signal::USR2).is_ok());
        victim.kill();
    }

    /// Kills a victim in each state that it can leave, and its recoverer after every `stride` instructions, with
    /// another offset for each state; returns the numbers of states and of pairs.
    pub fn kill_twice(&mut self, stride: usize) -> (usize, usize) {
        // All kills between two stores leave the same bytes, so one kill after each store covers them.
        let states = self.states();
        let mut pairs = 0;
        for (index, first) in states.iter().enumerate() {
            for second in (index % stride..).step_by(stride) {
                self.kill_after(*first);
                let mut recoverer = self.recoverer();
                assert!(recoverer.run_to(Signal::USR1));
                if step(&mut recoverer, second, Signal::USR2).is_err() {
                    recoverer.finish();
                    self.survive();
                    break;
                }
                recoverer.kill();
                self.survive();
                pairs += 1;
            }
        }
        (states.len(), pairs)
    }

    /// The numbers of instructions, counted from a commit's lock, after which the segment's bytes change; 0 first.
    fn states(&mut self) -> Vec<usize> {
        let mut victim = self.victim();
        let mut states = vec![0];
        let mut steps = 0;
        while let Some(more) = self.step_to_change(&mut victim, steps == 0) {
            steps += more;
            states.push(steps);
        }
        victim.kill();
        // This victim's work is not checked.
        self.renew();
        states
    }

    /// Steps until the segment's bytes change, first running to the commit if asked to; returns the number of steps, or
    /// none if the commit ends before.
    fn step_to_change(&self, victim: &mut Traced, from_beginning: bool) -> Option<usize> {
        if from_beginning {
            assert!(victim.run_to(Signal::WINCH));
        }
        let file = File::open(self.env.segment(self.name.as_str())).expect("it is there");
        let before = bytes(&file);
        for steps in 1.. {
            match victim.go(Gait::Step) {
                Stop::Signal(signal) if signal == Signal::USR2.as_raw() => return None,
                Stop::End => panic!("a victim ended in its commit, after {steps} steps"),
                // A signal from elsewhere is dropped, and does not end the walk.
                _ => {}
            }
            if bytes(&file) != before {
                return Some(steps);
            }
        }
        None
    }
}

/// Makes that many steps; fails with the number made if the mark or the end comes before.
fn step(victim: &mut Traced, steps: usize, mark: Signal) -> Result<(), usize> {
    for taken in 0..steps {
        match victim.go(Gait::Step) {
            Stop::Signal(signal) if signal == mark.as_raw() => return Err(taken),
            Stop::End => return Err(taken),
            _ => {}
        }
    }
    Ok(())
}

/// The distance between two kills in instructions: that many in the suite, one with `EXHAUSTIVE` set.
#[must_use]
pub fn stride(in_the_suite: usize) -> usize {
    if std::env::var_os("EXHAUSTIVE").is_some() { 1 } else { in_the_suite }
}

/// The segment's bytes, without the far end of a table of ranges that are set aside: no victim fills it.
fn bytes(file: &File) -> Vec<u8> {
    let size = file.metadata().expect("it is open").len().min(16 << 10);
    let mut bytes = vec![0; usize::try_from(size).expect("it is small")];
    file.read_exact_at(&mut bytes, 0).expect("it can be read");
    bytes
}
