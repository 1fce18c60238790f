//! The coordinator's executable; everything is in the library, which the tests' copy of it shares.

use std::process::ExitCode;

fn main() -> ExitCode {
    coordinator::main()
}
