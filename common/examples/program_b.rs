//! Program B with only the library: four processes add to one number. `cargo run -p common --example program_b`

use std::env::{args, current_exe};
use std::error::Error;
use std::process::{Child, Command};
use std::thread::sleep;

use common::{DelayRange, SegmentName, SharedValue};

fn main() -> Result<(), Box<dyn Error>> {
    match &args().skip(1).collect::<Vec<_>>()[..] {
        [name, number] => child(&name.parse()?, number.parse()?),
        _ => parent(&format!("program-b-{}", std::process::id()).parse()?),
    }
}

/// Starts this program four times and waits for all of them.
fn parent(name: &SegmentName) -> Result<(), Box<dyn Error>> {
    let value = SharedValue::create(name, 0_i32)?;
    let program = current_exe()?;
    let start = |number: u32| Command::new(&program).args([name.as_str(), &number.to_string()]).spawn();
    let children: Vec<Child> = (1..=4).map(start).collect::<Result<_, _>>()?;
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            eprintln!("pid {} added nothing: {status}", child.id());
        }
    }
    println!("Final shared value: {}", value.get());
    Ok(())
}

/// Computes, sleeps, adds. `as` reduces the sum to 32 bits, as C's `int` does.
#[expect(clippy::cast_possible_truncation, reason = "the Python program wraps too")]
fn child(name: &SegmentName, number: u32) -> Result<(), Box<dyn Error>> {
    let value = SharedValue::<i32>::attach(name)?;
    let sum: u64 = (0..1_000_000).map(|i| i * i).sum();
    sleep(DelayRange::DEFAULT.draw(rand::random(), number));
    let mut value = value.lock()?;
    let updated = value.add(sum as i32)?;
    println!("Process Process-{number} updated shared value to {updated}");
    Ok(())
}
