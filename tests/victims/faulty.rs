//! The victim, of the faulty build.

pub(crate) use ::common;

#[path = "chunk_steps.rs"]
mod chunk_steps;
#[path = "steps.rs"]
mod steps;

fn main() {
    steps::main();
}
