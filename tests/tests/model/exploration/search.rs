//! Breadth-first search, so that a counterexample is a shortest one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::hash::Mix;
use super::{Model, Move, Violation};

/// The size of a search.
#[derive(Clone, Copy, Debug)]
pub struct Explored {
    pub states: usize,
    pub transitions: usize,
    pub ends: usize,
    pub took: Duration,
}

/// A path from the first state to a broken promise.
pub struct Counterexample<M: Model> {
    pub violation: Violation,
    pub way: Vec<(Move, Rc<M::State>)>,
}

type Found<State> = HashMap<Rc<State>, u32, BuildHasherDefault<Mix>>;

/// The states in the order in which they were found, and the transitions between them.
struct Graph<'a, M: Model> {
    model: &'a M,
    states: Vec<Rc<M::State>>,
    /// The state from which each was found first.
    parents: Vec<u32>,
    /// Where the successors of each state begin in `targets`.
    starts: Vec<usize>,
    targets: Vec<u32>,
}

/// Visits every reachable state.
pub fn explore<M: Model>(model: &M) -> Result<Explored, Counterexample<M>> {
    let began = Instant::now();
    let first = Rc::new(model.first());
    let mut found: Found<M::State> = HashMap::default();
    found.insert(Rc::clone(&first), 0);
    let mut graph = Graph { model, states: vec![first], parents: vec![0], starts: Vec::new(), targets: Vec::new() };
    let mut ends = 0;
    while let Some(state) = graph.states.get(graph.starts.len()).map(Rc::clone) {
        let at = index(graph.starts.len());
        graph.starts.push(graph.targets.len());
        model.judge(&state).map_err(|violation| graph.counterexample(violation, at))?;
        let mut only_crashes = true;
        for (by, after) in model.successors(&state) {
            only_crashes &= by.is_crash();
            let broken = model.judge_step(&state, &after);
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
            broken.map_err(|violation| graph.counterexample(violation, target))?;
        }
        if only_crashes {
            ends += 1;
            model.judge_end(&state).map_err(|violation| graph.counterexample(violation, at))?;
        }
    }
    if !graph.ends_always() {
        return Err(Counterexample { violation: Violation::Endless, way: Vec::new() });
    }
    Ok(Explored { states: graph.states.len(), transitions: graph.targets.len(), ends, took: began.elapsed() })
}

impl<M: Model> Graph<'_, M> {
    /// Whether the graph has no cycle. Then every run ends, in one of the checked ends.
    ///
    /// Cycles through states that the system leaves some day do not count.
    fn ends_always(&self) -> bool {
        let targets = |at: usize| {
            let end = self.starts.get(at + 1).copied().unwrap_or(self.targets.len());
            let targets = if M::passes(&self.states[at]) { &[] } else { &self.targets[self.starts[at]..end] };
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

    fn counterexample(&self, violation: Violation, mut at: u32) -> Counterexample<M> {
        let mut way = Vec::new();
        while at != 0 {
            let parent = self.parents[at as usize];
            let state = &self.states[at as usize];
            let moves = self.model.successors(&self.states[parent as usize]);
            let by = moves.into_iter().find(|(_, after)| after == state.as_ref()).expect("it was found from there").0;
            way.push((by, Rc::clone(state)));
            at = parent;
        }
        way.reverse();
        Counterexample { violation, way }
    }
}

impl<M: Model> fmt::Display for Counterexample<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?} after {} steps:", self.violation, self.way.len())?;
        for (by, state) in &self.way {
            writeln!(formatter, "  {by:?} → {:?}", by.process().map(|number| M::process(state, number)))?;
        }
        write!(formatter, "{:#?}", self.way.last().map(|(_, state)| state))
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, ends, took } = self;
        write!(formatter, "{states} states, {transitions} transitions, {ends} ends, in {took:.1?}")
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("the states fit in memory, and so does their number")
}
