//! Kernels on one core: seconds an iteration.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use worker::kernel::{Kernel, PrimeCount, SumOfSquares, Task, Unwatched};

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis};
use crate::measurement::Target::{AtMost, Unbounded};
use crate::measurement::{BenchError, Group, GroupResult, Sample, Unit};
use crate::subprocess::self_measured;

/// Iterations in a round.
const SQUARES: u64 = 50_000_000;
const SIEVED: u64 = 30_000_000;

type IsSupported = fn() -> bool;

/// The hand-written loops: instruction set, compiler flags, whether this CPU supports it.
const LOOPS: [(&str, &[&str], IsSupported); 3] = [
    ("AVX2", &["-mavx2"], avx2),
    ("AVX-512", &["-mavx512f"], avx512),
    ("AVX-512 IFMA", &["-mavx512f", "-mavx512ifma"], ifma),
];

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let rounds = bench.options.rounds(15, 5);
    let mut group = Group::new("kernel sum-of-squares, an iteration", Unit::Seconds, rounds)
        .add("sum-of-squares", NotCompared, || time_kernel(&SumOfSquares, SQUARES))
        .add("plain loop, kept from its closed form", ReferenceOverThis(Unbounded), || plain_loop(SQUARES));
    for (name, flags, is_supported) in LOOPS {
        group = group.add(&by_hand(name), ReferenceOverThis(Unbounded), move || {
            if is_supported() {
                vector_loop(bench, name, flags)
            } else {
                Err(BenchError::skipped("this CPU does not support it"))
            }
        });
    }
    if let Some(mut result) = group.run("kernels", bench.options) {
        result.derive("the best of those by hand", ReferenceOverThis(AtMost(1.1)), None, |sample| {
            LOOPS.iter().filter_map(|(name, ..)| sample(&by_hand(name))).min_by(f64::total_cmp)
        });
        results.push(result);
    }
    let rounds = bench.options.rounds(9, 3);
    let group = Group::new("kernel prime-count, an iteration", Unit::Seconds, rounds)
        .add("prime-count", NotCompared, || time_kernel(&PrimeCount, SIEVED))
        .add("plain sieve of the odd numbers", ReferenceOverThis(Unbounded), || plain_sieve(SIEVED));
    results.extend(group.run("kernels", bench.options));
}

fn by_hand(name: &str) -> String {
    format!("{name} by hand")
}

fn time_kernel(kernel: &dyn Kernel, n: u64) -> Sample {
    let began = Instant::now();
    let result = kernel.compute(&Task::over(0..n), &mut Unwatched);
    let each = seconds_each(began, n);
    match result {
        Ok(contribution) if black_box(&contribution).as_slice().len() == 1 => Ok(each),
        other => Err(BenchError::failed(format_args!("{other:?}"))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of iterations far below 2^53")]
fn seconds_each(began: Instant, n: u64) -> f64 {
    began.elapsed().as_secs_f64() / n as f64
}

#[expect(clippy::unnecessary_wraps, reason = "contenders return a Sample")]
fn plain_loop(n: u64) -> Sample {
    let began = Instant::now();
    let sum: u128 = (0..n).map(|number| u128::from(black_box(number)).pow(2)).sum();
    black_box(sum);
    Ok(seconds_each(began, n))
}

/// A C program: vector intrinsics would need unsafe code, or a newer Rust.
fn vector_loop(bench: &Bench, name: &str, flags: &[&str]) -> Sample {
    let name = format!("loop of {name}");
    let program = bench.build_dir.path(&name);
    if !program.exists() {
        let source = bench.build_dir.write("loops.c", include_str!("peers/loops.c"))?;
        bench.build_dir.compile(Command::new("cc").arg("-O2").args(flags).arg(source), &name, "cc is missing")?;
    }
    let mut command = Command::new(program);
    // Each repetition sums 2^22 squares.
    command.arg((SQUARES >> 22).to_string());
    self_measured(command)
}

fn plain_sieve(n: u64) -> Sample {
    let began = Instant::now();
    let odds = usize::try_from(n / 2)?;
    // Index k stands for 2k + 1; index 0 stands for 2, the only even prime.
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
    if expected == Ok((primes as u64).into()) {
        Ok(each)
    } else {
        Err(BenchError::failed(format_args!("{primes} primes")))
    }
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
