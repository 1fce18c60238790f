//! A worker with a kernel of its own: `coordinator --worker target/debug/examples/cubes --kernel cubes`.

use std::process::ExitCode;
use worker::{Contribution, Failure, Kernel, Task, Watch, main_with};

struct Cubes;

impl Kernel for Cubes {
    fn name(&self) -> &'static str {
        "cubes"
    }
    fn about(&self) -> &'static str {
        "the sum of i*i*i over the range"
    }
    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        let mut sum = 0;
        for i in task.range.clone() {
            watch.step(i - task.range.start)?;
            sum += i128::from(i).pow(3);
        }
        Ok(sum.into())
    }
}

fn main() -> ExitCode {
    main_with(&[&Cubes])
}
