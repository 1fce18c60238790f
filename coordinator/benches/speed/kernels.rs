//! Kernels on one core: seconds an iteration.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use common::kernel::{Kernel, PrimeCount, SumOfSquares, Task, Unwatched};

use crate::bench::{Bench, printed};
use crate::measure::Bound::{AtMost, Free};
use crate::measure::Question::{BaseByThis, Nothing};
use crate::measure::{Group, Outcome, Samples, Trouble, Unit};

/// Numbers squared in a round, and numbers sieved.
const SQUARES: u64 = 50_000_000;
const SIEVED: u64 = 30_000_000;

type IsThere = fn() -> bool;

/// The hand-written loops: what they need of the CPU, and how that is said to the compiler.
const LOOPS: [(&str, &[&str], IsThere); 3] = [
    ("AVX2", &["-mavx2"], avx2),
    ("AVX-512", &["-mavx512f"], avx512),
    ("AVX-512 IFMA", &["-mavx512f", "-mavx512ifma"], ifma),
];

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    let rounds = bench.options.rounds(15, 5);
    let mut group = Group::new("kernel sum-of-squares, an iteration", Unit::Seconds, rounds)
        .add("sum-of-squares", Nothing, || each(&SumOfSquares, SQUARES))
        .add("plain loop, kept from its closed form", BaseByThis(Free), || plain_loop(SQUARES));
    for (name, features, is_there) in LOOPS {
        group = group.add(&by_hand(name), BaseByThis(Free), move || {
            if is_there() {
                vector_loop(bench, name, features)
            } else {
                Err(Trouble::Skipped("not this CPU".to_owned()))
            }
        });
    }
    if let Some(mut samples) = group.run("kernels", bench.options) {
        samples.derive("the best of those by hand", BaseByThis(AtMost(1.1)), None, |of| {
            LOOPS.iter().filter_map(|(name, ..)| of(&by_hand(name))).min_by(f64::total_cmp)
        });
        groups.push(samples);
    }
    let rounds = bench.options.rounds(9, 3);
    let group = Group::new("kernel prime-count, an iteration", Unit::Seconds, rounds)
        .add("prime-count", Nothing, || each(&PrimeCount, SIEVED))
        .add("plain sieve of the odd numbers", BaseByThis(Free), || plain_sieve(SIEVED));
    groups.extend(group.run("kernels", bench.options));
}

fn by_hand(name: &str) -> String {
    format!("{name} by hand")
}

fn each(kernel: &dyn Kernel, n: u64) -> Outcome {
    let began = Instant::now();
    let result = kernel.compute(&Task::over(0..n), &mut Unwatched);
    let each = seconds_each(began, n);
    match result {
        Ok(contribution) if black_box(&contribution).as_slice().len() == 1 => Ok(each),
        other => Err(Trouble::Failed(format!("{other:?}"))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of iterations far below 2^53")]
fn seconds_each(began: Instant, n: u64) -> f64 {
    began.elapsed().as_secs_f64() / n as f64
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every contender")]
fn plain_loop(n: u64) -> Outcome {
    let began = Instant::now();
    let sum: u128 = (0..n).map(|number| u128::from(black_box(number)).pow(2)).sum();
    black_box(sum);
    Ok(seconds_each(began, n))
}

/// The loops are a program of their own, in C: its vectors need neither unsafe code nor the newest Rust.
fn vector_loop(bench: &Bench, name: &str, features: &[&str]) -> Outcome {
    let name = format!("loop of {name}");
    let program = bench.program(&name);
    if !program.exists() {
        let source = bench.program("loops.c");
        fs::write(&source, include_str!("peers/loops.c"))?;
        bench.folder.compile(Command::new("cc").arg("-O2").args(features).arg(source), &name, "cc is missing")?;
    }
    let mut command = Command::new(program);
    // Of 2^22 numbers at a time.
    command.arg((SQUARES >> 22).to_string());
    printed(command)
}

fn plain_sieve(n: u64) -> Outcome {
    let began = Instant::now();
    let odds = usize::try_from(n / 2)?;
    // Of 2k + 1; the 1 stands for the 2, which is the one even prime.
    let mut is_composite = vec![false; odds];
    for index in (1..).take_while(|index| (2 * index + 1) * (2 * index + 1) < 2 * odds) {
        if !is_composite[index] {
            let prime = 2 * index + 1;
            is_composite[prime * prime / 2..].iter_mut().step_by(prime).for_each(|composite| *composite = true);
        }
    }
    let primes = is_composite.iter().filter(|is_composite| !**is_composite).count();
    let each = seconds_each(began, n);
    let expected = PrimeCount.compute(&Task::over(0..n), &mut Unwatched);
    if expected == Ok((primes as u64).into()) { Ok(each) } else { Err(Trouble::Failed(format!("{primes} primes"))) }
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    is_x86_feature_detected!("avx512f")
}

#[cfg(target_arch = "x86_64")]
fn ifma() -> bool {
    avx512() && is_x86_feature_detected!("avx512ifma")
}

#[cfg(not(target_arch = "x86_64"))]
fn avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
use {avx2 as avx512, avx2 as ifma};
