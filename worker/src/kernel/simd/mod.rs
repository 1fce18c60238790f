//! Instruction sets: detection, and code that is compiled once for each of them.
//!
//! Invariant: code for an instruction set runs only after processor and system were found to have it.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "functions with `target_feature` are unsafe to call; each call proves that it is available"
    )
)]

pub mod ifma;

/// The instruction sets that a kernel's loop is compiled for, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 as in x86-64-v4, and multiplication with 52 bits.
    Avx512Ifma,
    /// AVX-512 as in x86-64-v4.
    Avx512,
    /// AVX2.
    Avx2,
    /// The minimum of the compilation target.
    Baseline,
}

/// A computation that is compiled for each instruction set.
pub trait Vectorized {
    /// Its result.
    type Output;

    /// Computes the result. It and everything that it calls must be `#[inline(always)]`: code takes the instruction set of the
    /// function into which it is inlined.
    fn run(self) -> Self::Output;
}

impl InstructionSet {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Avx512Ifma, Self::Avx512, Self::Avx2, Self::Baseline];

    /// The best that processor and system have.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|set| set.is_available()).unwrap_or(Self::Baseline)
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512Ifma => "avx512-ifma",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Baseline if cfg!(target_arch = "x86_64") => "baseline",
            Self::Baseline => "portable",
        }
    }

    /// Whether processor and system have it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Avx512Ifma => Self::Avx512.is_available() && is_x86_feature_detected!("avx512ifma"),
            // With what the compiler takes AVX-512 to imply: AVX2, FMA, F16C.
            Self::Avx512 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Baseline => true,
        }
    }

    /// Whether processor and system have it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Baseline
    }

    /// Those that tests can run here. The others are named on stderr, even if the test's output is captured.
    #[cfg(test)]
    pub fn available() -> Vec<Self> {
        use std::io::{Write, stderr};
        use std::sync::Once;

        static ONCE: Once = Once::new();
        let (available, lacking): (Vec<_>, Vec<_>) = Self::ALL.into_iter().partition(|set| set.is_available());
        ONCE.call_once(|| {
            for set in lacking {
                let _ = writeln!(stderr(), "NOT TESTED: this processor lacks {}", set.name());
            }
        });
        available
    }

    /// Runs the computation with this instruction set, or with the baseline if it is not available.
    pub fn run<V: Vectorized>(self, computation: V) -> V::Output {
        #[cfg(target_arch = "x86_64")]
        if self.is_available() {
            match self {
                // SAFETY: the function is safe but for the features that its attribute enables and those that AVX-512 implies
                // (AVX2, FMA, F16C); `is_available` has just found each of them, for `Avx512Ifma` too, which asks for all of
                // `Avx512`.
                Self::Avx512Ifma | Self::Avx512 => return unsafe { with_avx512(computation) },
                // SAFETY: as above; `is_available` has just found AVX2.
                Self::Avx2 => return unsafe { with_avx2(computation) },
                Self::Baseline => {}
            }
        }
        computation.run()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
fn with_avx512<V: Vectorized>(computation: V) -> V::Output {
    computation.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<V: Vectorized>(computation: V) -> V::Output {
    computation.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seventeen;

    impl Vectorized for Seventeen {
        type Output = u32;

        fn run(self) -> u32 {
            17
        }
    }

    #[test]
    fn the_best_is_the_first_that_is_available() {
        let best = InstructionSet::best();
        assert!(best.is_available());
        assert!(InstructionSet::ALL.into_iter().take_while(|set| *set != best).all(|set| !set.is_available()));
    }

    #[test]
    fn a_computation_may_be_run_with_any_instruction_set() {
        assert_eq!(InstructionSet::ALL.map(|set| set.run(Seventeen)), [17; 4]);
    }
}
