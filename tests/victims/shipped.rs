//! The victim, of the shipped build.

pub(crate) use shipped_common as common;

#[path = "chunk_steps.rs"]
mod chunk_steps;
#[path = "steps.rs"]
mod steps;

fn main() {
    steps::main();
}
