//! Marks: stretches in pixels, merged where they are too narrow to be shown.

use common::span::Activity;

use super::markup::Class;
use super::model::{Life, Stretch};

/// The least width of a mark.
const NARROWEST: f64 = 1.2;

/// The least distance of two commit marks: otherwise they would hide what is between them.
const APART: f64 = 6.0;

/// A mark.
pub struct Mark<'a> {
    pub class: Class,
    pub x: f64,
    pub width: f64,
    /// How many stretches it stands for.
    pub count: u32,
    /// The first of them.
    pub stretch: &'a Stretch,
}

/// Consecutive narrow stretches, to be merged.
struct Cluster<'a> {
    from: f64,
    to: f64,
    /// The width of each activity in it.
    shares: [f64; 4],
    count: u32,
    first: &'a Stretch,
}

impl<'a> Cluster<'a> {
    fn mark(self) -> Mark<'a> {
        let longest =
            Activity::ALL.into_iter().max_by(|a, b| self.shares[*a as usize].total_cmp(&self.shares[*b as usize]));
        let class = class(longest.unwrap_or(Activity::Compute));
        let width = (self.to - self.from).max(NARROWEST);
        Mark { class, x: self.from, width, count: self.count, stretch: self.first }
    }
}

/// The marks of a life, from bottom to top; `x` gives the pixel of a time.
///
/// Stretches narrower than `least` are merged with narrow neighbours.
pub fn marks(life: &Life, x: impl Fn(u64) -> f64, least: f64) -> Vec<Mark<'_>> {
    let (mut below, mut above): (Vec<Mark<'_>>, Vec<Mark<'_>>) = (Vec::new(), Vec::new());
    let mut cluster: Option<Cluster<'_>> = None;
    let mut last_commit = f64::NEG_INFINITY;
    for stretch in &life.stretches {
        let (from, to) = (x(stretch.start), x(stretch.end));
        let (width, class) = (to - from, class(stretch.activity));
        if width >= least {
            below.extend(cluster.take().map(Cluster::mark));
            below.push(Mark { class, x: from, width: width.max(NARROWEST), count: stretch.count, stretch });
            continue;
        }
        if stretch.commits && class == Class::Hold && from - last_commit >= APART {
            last_commit = from;
            above.push(Mark { class, x: from - 1.0, width: 2.0, count: stretch.count, stretch });
        }
        if cluster.as_ref().is_some_and(|cluster| from - cluster.to > least) {
            below.extend(cluster.take().map(Cluster::mark));
        }
        let cluster = cluster.get_or_insert(Cluster { from, to, shares: [0.0; 4], count: 0, first: stretch });
        cluster.to = to;
        cluster.shares[stretch.activity as usize] += width;
        cluster.count = cluster.count.saturating_add(stretch.count);
    }
    below.extend(cluster.map(Cluster::mark));
    // Drops what is hardly visible, such as the lock that each worker takes for its ticket.
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
