//! Marks: stretches in pixels, added up where they are too narrow to be shown, and ticks for commits.

use super::model::{Doing, Life, Stretch};

/// A commit that is narrower has a tick instead of a width.
const TICK: f64 = 2.0;

/// The least distance of two ticks: closer commits share one.
const APART: f64 = 4.0;

/// Narrow stretches are added up over this width at most.
const CLUSTER: f64 = 4.0;

/// The least width of what a worker is for, computing, and of what it died in.
const FAINT: f64 = 0.5;

/// A part of a bar, as wide as it took.
pub struct Mark<'a> {
    pub doing: Doing,
    pub x: f64,
    pub width: f64,
    /// How many spans it stands for, and how long they took.
    pub count: u32,
    pub took: u64,
    /// The first of them.
    pub stretch: &'a Stretch,
}

/// One commit or several close ones, whose times are too short to be shown.
#[derive(Debug, PartialEq)]
pub struct Tick {
    pub x: f64,
    pub commits: u32,
    /// How long they took in all.
    pub took: u64,
}

/// Consecutive narrow stretches. They are drawn as one mark for each activity, as wide as it took in all.
struct Cluster<'a> {
    first: &'a Stretch,
    end: u64,
    /// Of each activity: its first stretch, how many spans, and how long they took.
    shares: [Option<(&'a Stretch, u32, u64)>; Doing::ALL.len()],
}

impl<'a> Cluster<'a> {
    fn new(first: &'a Stretch) -> Self {
        Self { first, end: first.start, shares: [None; Doing::ALL.len()] }
    }

    fn add(&mut self, stretch: &'a Stretch) {
        self.end = stretch.end;
        let (_, count, took) = self.shares[stretch.doing as usize].get_or_insert((stretch, 0, 0));
        *count = count.saturating_add(stretch.count);
        *took += stretch.took();
    }

    /// One behind the other.
    fn marks(mut self, x: impl Fn(u64) -> f64) -> impl Iterator<Item = Mark<'a>> {
        let named: u64 = self.shares.iter().flatten().map(|(_, _, took)| took).sum();
        // What is too short for a stretch of its own.
        let unnamed = (self.end - self.first.start).saturating_sub(named);
        let (_, _, between) = self.shares[Doing::Between as usize].get_or_insert((self.first, 0, 0));
        *between += unnamed;
        let mut at = self.first.start;
        Doing::ALL.into_iter().filter_map(move |doing| {
            let (stretch, count, took) = self.shares[doing as usize]?;
            let from = at;
            at += took;
            Some(Mark { doing, ..mark(stretch, x(from), x(at) - x(from), count, took) })
        })
    }
}

fn mark(stretch: &Stretch, x: f64, width: f64, count: u32, took: u64) -> Mark<'_> {
    let least = if stretch.doing == Doing::Compute || stretch.is_cut { FAINT } else { 0.0 };
    Mark { doing: stretch.doing, x, width: width.max(least), count, took, stretch }
}

/// The marks of a life, and its ticks; `x` gives the pixel of a time.
///
/// Neighbours narrower than `least` are added up.
pub fn marks(life: &Life, x: impl Fn(u64) -> f64, least: f64) -> (Vec<Mark<'_>>, Vec<Tick>) {
    let (mut marks, mut ticks): (Vec<Mark<'_>>, Vec<Tick>) = (Vec::new(), Vec::new());
    let mut cluster: Option<Cluster<'_>> = None;
    for stretch in &life.stretches {
        let (from, to) = (x(stretch.start), x(stretch.end));
        let width = to - from;
        if stretch.commits > 0 && (width < TICK || stretch.doing != Doing::Commit) {
            tick(&mut ticks, to, stretch);
        }
        let is_narrow = width < least && !stretch.is_cut;
        let is_over =
            |cluster: &Cluster<'_>| from - x(cluster.end) > least || to - x(cluster.first.start) > CLUSTER.max(least);
        if let Some(full) = cluster.take_if(|cluster| !is_narrow || is_over(cluster)) {
            marks.extend(full.marks(&x));
        }
        if is_narrow {
            cluster.get_or_insert_with(|| Cluster::new(stretch)).add(stretch);
        } else {
            marks.push(mark(stretch, from, width, stretch.count, stretch.took()));
        }
    }
    marks.extend(cluster.into_iter().flat_map(|cluster| cluster.marks(&x)));
    // What is narrower than a tenth of a pixel is not drawn.
    marks.retain(|mark| mark.width >= 0.05);
    (marks, ticks)
}

/// Adds a stretch's commits to the ticks.
fn tick(ticks: &mut Vec<Tick>, x: f64, stretch: &Stretch) {
    // How long the commits in merged spans took is unknown.
    let took = if stretch.doing == Doing::Commit { stretch.took() } else { 0 };
    match ticks.last_mut().filter(|last| x - last.x < APART) {
        Some(last) => {
            last.commits = last.commits.saturating_add(stretch.commits);
            last.took += took;
        }
        None => ticks.push(Tick { x, commits: stretch.commits, took }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Beginning;
    use super::*;

    fn life(stretches: Vec<Stretch>) -> Life {
        let end = stretches.last().map_or(0, |stretch| stretch.end);
        let (ending, beginning) = (String::new(), Beginning::Launched);
        Life { pid: 1, beginning, start: 0, end, ending, died: false, stretches }
    }

    fn commit(start: u64, end: u64) -> Stretch {
        Stretch { commits: 1, ..Stretch::new(Doing::Commit, start, end) }
    }

    /// A thousand nanoseconds are a pixel.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn drawn(life: &Life) -> (Vec<(Doing, f64)>, Vec<Tick>) {
        let (marks, ticks) = marks(life, |at| at as f64 / 1000.0, 0.5);
        (marks.into_iter().map(|mark| (mark.doing, mark.width)).collect(), ticks)
    }

    #[test]
    fn a_short_commit_is_a_tick_and_takes_no_width_from_others() {
        let short = life(vec![Stretch::new(Doing::Compute, 0, 9000), commit(9000, 9010)]);
        assert_eq!(drawn(&short), (vec![(Doing::Compute, 9.0)], vec![Tick { x: 9.01, commits: 1, took: 10 }]));
        let long = life(vec![Stretch::new(Doing::Compute, 0, 9000), commit(9000, 12000)]);
        assert_eq!(drawn(&long), (vec![(Doing::Compute, 9.0), (Doing::Commit, 3.0)], vec![]));
    }

    #[test]
    fn a_ticket_that_is_taken_is_no_commit() {
        let taken = life(vec![
            Stretch::new(Doing::Start, 0, 5000),
            Stretch::new(Doing::Hold, 5000, 5010),
            Stretch::new(Doing::Compute, 5010, 9010),
        ]);
        let (marks, ticks) = drawn(&taken);
        assert_eq!(marks.iter().map(|(doing, _)| *doing).collect::<Vec<_>>(), [Doing::Start, Doing::Compute]);
        assert_eq!(ticks, []);
    }

    #[test]
    fn close_commits_share_a_tick_that_counts_them() {
        let many = life((0..100).map(|index| commit(index * 100, index * 100 + 50)).collect());
        let (_, ticks) = drawn(&many);
        assert_eq!(ticks.iter().map(|tick| tick.commits).sum::<u32>(), 100);
        assert_eq!(ticks.iter().map(|tick| tick.took).sum::<u64>(), 5000);
        assert_eq!(ticks.len(), 3, "10 pixels: {ticks:?}");
    }

    #[test]
    fn what_is_narrow_is_as_wide_in_all_as_it_took() {
        let steps = (0..40).flat_map(|index| {
            let at = index * 250;
            [
                Stretch::new(Doing::Wait, at, at + 150),
                commit(at + 150, at + 200),
                Stretch::new(Doing::Sleep, at + 200, at + 250),
            ]
        });
        let narrow = life(steps.collect());
        let (marks, _) = drawn(&narrow);
        let width = |wanted| marks.iter().filter(|(doing, _)| *doing == wanted).map(|(_, width)| width).sum::<f64>();
        for (doing, expected) in [(Doing::Wait, 6.0), (Doing::Commit, 2.0), (Doing::Sleep, 2.0)] {
            assert!((width(doing) - expected).abs() < 1e-6, "{doing:?}: {marks:?}");
        }
    }
}
