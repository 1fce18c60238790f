//! Marks: stretches in pixels, merged where they are too narrow to be shown, and ticks for commits.

use super::model::{Doing, Life, Stretch};

/// A commit that is narrower has a tick instead of a width.
const TICK: f64 = 2.0;

/// The least distance of two ticks: closer commits share one.
const APART: f64 = 4.0;

/// The least width of what a worker is for, computing, and of what it died in.
const FAINT: f64 = 0.5;

/// A part of a bar, as wide as it took.
pub struct Mark<'a> {
    pub doing: Doing,
    pub x: f64,
    pub width: f64,
    /// How many stretches it stands for.
    pub count: u32,
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

/// Consecutive narrow stretches, to be merged.
struct Cluster<'a> {
    from: f64,
    to: f64,
    /// The width of each activity in it.
    shares: [f64; Doing::ALL.len()],
    count: u32,
    first: &'a Stretch,
}

impl<'a> Cluster<'a> {
    fn mark(self) -> Mark<'a> {
        let share = |doing: Doing| self.shares[doing as usize];
        let longest = Doing::ALL.into_iter().max_by(|a, b| share(*a).total_cmp(&share(*b)));
        let doing = longest.unwrap_or(self.first.doing);
        mark(doing, (self.from, self.to), self.count, self.first)
    }
}

fn mark(doing: Doing, (from, to): (f64, f64), count: u32, stretch: &Stretch) -> Mark<'_> {
    let least = if doing == Doing::Compute || stretch.is_cut { FAINT } else { 0.0 };
    Mark { doing, x: from, width: (to - from).max(least), count, stretch }
}

/// The marks of a life, and its ticks; `x` gives the pixel of a time.
///
/// Stretches narrower than `least` are merged with narrow neighbours.
pub fn marks(life: &Life, x: impl Fn(u64) -> f64, least: f64) -> (Vec<Mark<'_>>, Vec<Tick>) {
    let (mut marks, mut ticks): (Vec<Mark<'_>>, Vec<Tick>) = (Vec::new(), Vec::new());
    let mut cluster: Option<Cluster<'_>> = None;
    for stretch in &life.stretches {
        let (from, to) = (x(stretch.start), x(stretch.end));
        let width = to - from;
        if stretch.commits > 0 && (width < TICK || stretch.doing != Doing::Commit) {
            tick(&mut ticks, to, stretch);
        }
        if width >= least {
            marks.extend(cluster.take().map(Cluster::mark));
            marks.push(mark(stretch.doing, (from, to), stretch.count, stretch));
            continue;
        }
        if cluster.as_ref().is_some_and(|cluster| from - cluster.to > least || stretch.is_cut) {
            marks.extend(cluster.take().map(Cluster::mark));
        }
        let new = Cluster { from, to, shares: [0.0; Doing::ALL.len()], count: 0, first: stretch };
        let cluster = cluster.get_or_insert(new);
        cluster.to = to;
        cluster.shares[stretch.doing as usize] += width;
        cluster.count = cluster.count.saturating_add(stretch.count);
    }
    marks.extend(cluster.map(Cluster::mark));
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
}
