//! A process to be killed, of code in which a fault can be planted.

pub(crate) use ::common;

#[path = "chunk_steps.rs"]
mod chunk_steps;
#[path = "steps.rs"]
mod steps;

fn main() {
    steps::main();
}
