//! A process to be killed, of code in which a fault can be planted.

pub(crate) use ::common;

#[path = "steps.rs"]
mod steps;

fn main() {
    steps::main();
}
