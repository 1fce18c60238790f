//! Breadth first through every state, so that the way to a violation is a shortest one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{Write, stderr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::program::Programs;
use super::properties::{Look, Violation, judge, judge_end, judge_step};
use super::state::State;
use super::steps::successors;
use super::{Move, Setup};

/// How much was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Explored {
    pub states: usize,
    pub transitions: usize,
    pub ends: usize,
    pub took: Duration,
}

/// A way from the start to a broken promise.
#[derive(Debug)]
pub struct Counterexample {
    pub violation: Violation,
    pub way: Vec<(Move, Rc<State>)>,
}

type Found = HashMap<Rc<State>, u32, BuildHasherDefault<Mix>>;

/// The states in the order in which they were found, and what leads from each to which.
struct Graph {
    states: Vec<Rc<State>>,
    /// The state from which each was found first.
    parents: Vec<u32>,
    /// Where the successors of each state begin in `targets`.
    starts: Vec<usize>,
    targets: Vec<u32>,
}

/// Visits every state that `setup` can reach.
pub fn explore(setup: &Setup, look: Look) -> Result<Explored, Counterexample> {
    let began = Instant::now();
    let programs = Programs::new(setup.mutant);
    let first = Rc::new(State::new(setup));
    let mut found: Found = HashMap::default();
    found.insert(Rc::clone(&first), 0);
    let mut graph = Graph { states: vec![first], parents: vec![0], starts: Vec::new(), targets: Vec::new() };
    let mut ends = 0;
    while let Some(state) = graph.states.get(graph.starts.len()).map(Rc::clone) {
        let at = index(graph.starts.len());
        graph.starts.push(graph.targets.len());
        let fail = |graph: &Graph, violation| graph.counterexample(violation, at, setup, &programs);
        judge(&state, look).map_err(|violation| fail(&graph, violation))?;
        let mut only_crashes = true;
        for (by, after) in successors(&state, setup, &programs) {
            only_crashes &= by.is_crash();
            let broken = judge_step(&state, &after);
            let next = index(graph.states.len());
            let target = match found.entry(Rc::new(after)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => {
                    graph.states.push(Rc::clone(place.key()));
                    graph.parents.push(at);
                    *place.insert(next)
                }
            };
            graph.targets.push(target);
            broken.map_err(|violation| graph.counterexample(violation, target, setup, &programs))?;
        }
        if only_crashes {
            ends += 1;
            judge_end(&state, setup).map_err(|violation| fail(&graph, violation))?;
        }
    }
    if !graph.ends_always() {
        return Err(Counterexample { violation: Violation::Endless, way: Vec::new() });
    }
    Ok(Explored { states: graph.states.len(), transitions: graph.targets.len(), ends, took: began.elapsed() })
}

impl Graph {
    /// Whether no way leads in a circle: then every run ends, and it ends in one of the ends that were judged.
    ///
    /// Not counted are circles on which a process is dying all the time, and is never dead: the kernel does not do that.
    fn ends_always(&self) -> bool {
        let targets = |at: usize| {
            let end = self.starts.get(at + 1).copied().unwrap_or(self.targets.len());
            let targets = if self.states[at].is_somebody_dying() { &[] } else { &self.targets[self.starts[at]..end] };
            targets.iter().map(|target| *target as usize)
        };
        let mut incoming = vec![0_u32; self.states.len()];
        (0..self.states.len()).flat_map(targets).for_each(|target| incoming[target] += 1);
        let mut ready: Vec<usize> = (0..self.states.len()).filter(|at| incoming[*at] == 0).collect();
        let mut sorted = 0;
        while let Some(at) = ready.pop() {
            sorted += 1;
            for target in targets(at) {
                incoming[target] -= 1;
                if incoming[target] == 0 {
                    ready.push(target);
                }
            }
        }
        sorted == self.states.len()
    }

    fn counterexample(&self, violation: Violation, at: u32, setup: &Setup, programs: &Programs) -> Counterexample {
        let mut way = Vec::new();
        let mut at = at;
        while at != 0 {
            let parent = self.parents[at as usize];
            let state = &self.states[at as usize];
            let moves = successors(&self.states[parent as usize], setup, programs);
            let by = moves.into_iter().find(|(_, after)| after == state.as_ref()).expect("it was found from there").0;
            way.push((by, Rc::clone(state)));
            at = parent;
        }
        way.reverse();
        Counterexample { violation, way }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?} after {} steps:", self.violation, self.way.len())?;
        for (by, state) in &self.way {
            writeln!(formatter, "  {by:?} → {:?}", by.actor().map(|number| state.actors[usize::from(number)]))?;
        }
        write!(formatter, "{:#?}", self.way.last().map(|(_, state)| state))
    }
}

/// Tells of a search where the test runner does not capture it.
pub fn tell(what: &str, explored: &Explored) {
    let Explored { states, transitions, ends, took } = explored;
    let line = format!("{what}: {states} states, {transitions} transitions, {ends} ends, in {took:.1?}\n");
    // Nothing depends on whether anyone reads it.
    let _ = stderr().write_all(line.as_bytes());
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("the states fit in memory, and so does their number")
}

/// A hash that is cheap without optimisation, where most of the time goes.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            self.write_u64(chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        // The multiplier is that of `splitmix64`.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
