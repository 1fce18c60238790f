//! A worker with a kernel of its own: `coordinator --worker target/debug/examples/cubes --kernel cubes`.

use std::{ops::Range, process::ExitCode};
use worker::{Kernel, Stopped, Watch, main_with};

struct Cubes;

impl Kernel for Cubes {
    fn name(&self) -> &'static str {
        "cubes"
    }
    fn about(&self) -> &'static str {
        "the sum of i*i*i over the range"
    }
    fn compute(&self, range: Range<u64>, watch: &mut dyn Watch) -> Result<i128, Stopped> {
        let mut sum = 0;
        for i in range {
            watch.step(i)?;
            sum += i128::from(i).pow(3);
        }
        Ok(sum)
    }
}

fn main() -> ExitCode {
    main_with(&[&Cubes])
}
