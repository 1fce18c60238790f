//! The coordinator's executable. Everything is in the library, which the copy for the tests shares.

use std::process::ExitCode;

fn main() -> ExitCode {
    coordinator::main()
}
