//! One range shared out: what the second worker brings.

use crate::bench::{Bench, coordinator};
use crate::measure::Bound::AtLeast;
use crate::measure::Question::{Nothing, ThisByBase};
use crate::measure::{Group, Samples, Unit};

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    // The sums by the closed form n (n - 1) (2n - 1) / 6, as the i32 holds them.
    let (n, sum) = if bench.options.quick { ("2e9", "801172992") } else { ("1e10", "-953899520") };
    let run = |workers: u32| coordinator(&format!("--split -n {n} -w {workers} -q"), sum);
    let group = Group::new(&format!("split: --split -n {n}"), Unit::Seconds, bench.options.rounds(5, 3))
        .add("2 workers", Nothing, || run(2))
        .add("1 worker", ThisByBase(AtLeast(1.9)), || run(1));
    groups.extend(group.run("split", bench.options));
}
