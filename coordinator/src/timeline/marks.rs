//! Stretches as marks of some pixels: what is narrower than a picture can show is merged, and what matters stays visible.

use common::trace::Activity;

use super::markup::Class;
use super::model::{Life, Stretch};

/// The width of a mark that is narrower by itself.
const NARROWEST: f64 = 1.2;

/// Commits are marked no closer than this: otherwise nothing would be seen of what is between them.
const APART: f64 = 6.0;

/// Something to be drawn.
pub struct Mark<'a> {
    pub class: Class,
    pub x: f64,
    pub width: f64,
    /// How many stretches it stands for.
    pub count: u32,
    /// The first of them.
    pub stretch: &'a Stretch,
}

/// Narrow stretches that follow upon one another.
struct Run<'a> {
    from: f64,
    to: f64,
    /// How much of each activity there is in it.
    shares: [f64; 4],
    count: u32,
    first: &'a Stretch,
}

impl<'a> Run<'a> {
    fn mark(self) -> Mark<'a> {
        let longest =
            Activity::ALL.into_iter().max_by(|a, b| self.shares[*a as usize].total_cmp(&self.shares[*b as usize]));
        let class = class(longest.unwrap_or(Activity::Compute));
        let width = (self.to - self.from).max(NARROWEST);
        Mark { class, x: self.from, width, count: self.count, stretch: self.first }
    }
}

/// The marks of a life, with `x` for the pixel of a time: first those below, then those above them.
///
/// Stretches narrower than `least` are merged with narrow ones next to them.
pub fn marks(life: &Life, x: impl Fn(u64) -> f64, least: f64) -> Vec<Mark<'_>> {
    let (mut below, mut above): (Vec<Mark<'_>>, Vec<Mark<'_>>) = (Vec::new(), Vec::new());
    let mut run: Option<Run<'_>> = None;
    let mut last_commit = f64::NEG_INFINITY;
    for stretch in &life.stretches {
        let (from, to) = (x(stretch.start), x(stretch.end));
        let (width, class) = (to - from, class(stretch.activity));
        if width >= least {
            below.extend(run.take().map(Run::mark));
            below.push(Mark { class, x: from, width: width.max(NARROWEST), count: stretch.count, stretch });
            continue;
        }
        if stretch.commits && class == Class::Hold && from - last_commit >= APART {
            last_commit = from;
            above.push(Mark { class, x: from - 1.0, width: 2.0, count: stretch.count, stretch });
        }
        if run.as_ref().is_some_and(|run| from - run.to > least) {
            below.extend(run.take().map(Run::mark));
        }
        let run = run.get_or_insert(Run { from, to, shares: [0.0; 4], count: 0, first: stretch });
        run.to = to;
        run.shares[stretch.activity as usize] += width;
        run.count = run.count.saturating_add(stretch.count);
    }
    below.extend(run.map(Run::mark));
    // Next to nothing is not worth a mark: the lock that everyone takes for a ticket.
    below
        .retain(|mark| mark.count > 3 || mark.width > NARROWEST || mark.class == Class::Compute || mark.stretch.is_cut);
    below.extend(above);
    below
}

fn class(activity: Activity) -> Class {
    match activity {
        Activity::Compute => Class::Compute,
        Activity::Sleep => Class::Sleep,
        Activity::Wait => Class::Wait,
        Activity::Hold => Class::Hold,
    }
}
