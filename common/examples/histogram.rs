//! Counts the first digits of a million squares, in four processes and one array:
//! `cargo run -p common --example histogram`

use std::env::{args, current_exe};
use std::error::Error;
use std::process::{Child, Command};

use common::{SegmentName, SharedArray};

const PROCESSES: u64 = 4;
const SQUARES: u64 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    match &args().skip(1).collect::<Vec<_>>()[..] {
        [name, number] => child(&name.parse()?, number.parse()?),
        _ => parent(&format!("histogram-{}", std::process::id()).parse()?),
    }
}

fn parent(name: &SegmentName) -> Result<(), Box<dyn Error>> {
    let counts = SharedArray::<u64>::zeroed(name, 9)?;
    let program = current_exe()?;
    let start = |number: u64| Command::new(&program).args([name.as_str(), &number.to_string()]).spawn();
    let children: Vec<Child> = (0..PROCESSES).map(start).collect::<Result<_, _>>()?;
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            eprintln!("pid {} added nothing: {status}", child.id());
        }
    }
    for (digit, count) in (1..).zip(counts.lock()?.iter()) {
        println!("{digit} {count:>7}");
    }
    Ok(())
}

/// Counts every fourth square by itself, and adds the nine counts at once: killed before, it has added none.
fn child(name: &SegmentName, number: u64) -> Result<(), Box<dyn Error>> {
    let shared = SharedArray::<u64>::attach(name)?;
    let mut counts = vec![0; shared.len()];
    for base in (1..=SQUARES).filter(|base| base % PROCESSES == number) {
        let mut digit = base * base;
        while digit > 9 {
            digit /= 10;
        }
        counts[usize::try_from(digit)? - 1] += 1;
    }
    shared.add(&counts)?;
    Ok(())
}
