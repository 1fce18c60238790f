//! Holds the lock of a segment until it is killed: `cargo run --example hold -- NAME`, and `kill -9` it.
//!
//! For seeing what others do meanwhile, and what the kernel does afterwards.

use std::process::ExitCode;
use std::time::Duration;

use common::{Ledger, Segment};

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        eprintln!("usage: hold NAME");
        return ExitCode::from(2);
    };
    match hold(&name) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn hold(name: &str) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let segment = Segment::attach(&name.parse()?)?;
    let mut ledger = Ledger::of(&segment).lock_within(Duration::MAX)?;
    let claim = ledger.join()?;
    println!("pid {} holds the lock of {name} as Process-{}", std::process::id(), claim.ticket());
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
