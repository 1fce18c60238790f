//! The worker that comes with the coordinator: the built-in kernels and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::main_with(&[])
}
