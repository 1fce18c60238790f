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
        for state in (0..states).rev() {
            self.kill_in(state);
            if recoverer_too {
                self.recoverer().finish();
            }
            self.check_after_death()?;
        }
        Ok(states)
    }

    /// Kills a victim in each state that it can leave, and its recoverer after every `stride` instructions, with
    /// another offset for each state; returns the numbers of states and of pairs.
    pub fn kill_twice(&mut self, stride: usize) -> (usize, usize) {
        // All kills between two stores leave the same bytes, so one kill after each store covers them.
        let states = self.states();
        let mut pairs = 0;
        for first in 0..states {
            for second in (first % stride..).step_by(stride) {
                self.kill_in(first);
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
        (states, pairs)
    }

    /// Kills a victim when its commit has changed the segment's bytes that often.
    ///
    /// Instructions are no measure: where the loader puts the program changes their number.
    fn kill_in(&mut self, state: usize) {
        let mut victim = self.victim();
        self.step_to(state, &mut victim);
        victim.kill();
    }

    /// The number of states in which a commit can leave the segment's bytes, the untouched one included.
    fn states(&mut self) -> usize {
        let mut victim = self.victim();
        let last = self.step_to(usize::MAX, &mut victim);
        victim.kill();
        // This victim's work is not checked.
        self.renew();
        last + 1
    }

    /// Steps through a victim's commit until it has changed the segment's bytes that often, or ends; returns how often it
    /// has changed them.
    fn step_to(&self, state: usize, victim: &mut Traced) -> usize {
        assert!(victim.run_to(Signal::WINCH));
        let file = File::open(self.env.segment(self.name.as_str())).expect("it is there");
        let (mut changes, mut last) = (0, bytes(&file));
        while changes < state {
            match victim.go(Gait::Step) {
                Stop::Signal(signal) if signal == Signal::USR2.as_raw() => break,
                Stop::End => panic!("a victim ended in its commit, after {changes} changes"),
                // A signal from elsewhere is dropped, and does not end the walk.
                _ => {}
            }
            let now = bytes(&file);
            changes += usize::from(now != last);
            last = now;
        }
        changes
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
