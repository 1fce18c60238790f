//! What the processor can do and the system lets it do, as the C library has found out when the process started.
//!
//! Each question to an x86 processor (CPUID) leaves a virtual machine, and the standard library asks a dozen: that was
//! measured to take up to 0.1 ms, as long as a worker computes a million squares. glibc has asked already, and tells since
//! version 2.33 (<https://www.gnu.org/software/libc/manual/html_node/X86.html>); where it does not, the processor is asked.
//!
//! Invariant: what is said to be there may be used: the processor has it, and the system saves its registers.

use std::sync::OnceLock;

/// Bits of leaf 1, register ECX, and of leaf 7, register EBX (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID).
const FMA: u32 = 1 << 12;
const F16C: u32 = 1 << 29;
const AVX2: u32 = 1 << 5;
const AVX512F: u32 = 1 << 16;
const AVX512DQ: u32 = 1 << 17;
const AVX512IFMA: u32 = 1 << 21;
const AVX512CD: u32 = 1 << 28;
const AVX512BW: u32 = 1 << 30;
const AVX512VL: u32 = 1 << 31;

/// What there is of what the kernels' loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// AVX2.
    pub has_avx2: bool,
    /// AVX-512 as in x86-64-v4, and what the compiler takes it to imply: AVX2, FMA, F16C.
    pub has_avx512: bool,
    /// AVX-512 IFMA.
    pub has_ifma: bool,
}

impl Processor {
    /// This one.
    pub fn this() -> Self {
        static THIS: OnceLock<Processor> = OnceLock::new();
        *THIS.get_or_init(|| Self::by_glibc().unwrap_or_else(Self::by_asking))
    }

    fn by_glibc() -> Option<Self> {
        let (old, new) = (active(LEAF_1)?[ECX], active(LEAF_7)?[EBX]);
        let has = |bits| new & bits == bits;
        Some(Self {
            has_avx2: has(AVX2),
            has_avx512: has(AVX2 | AVX512F | AVX512DQ | AVX512CD | AVX512BW | AVX512VL)
                && old & (FMA | F16C) == FMA | F16C,
            has_ifma: has(AVX512IFMA),
        })
    }

    fn by_asking() -> Self {
        Self {
            has_avx2: is_x86_feature_detected!("avx2"),
            has_avx512: is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"),
            has_ifma: is_x86_feature_detected!("avx512ifma"),
        }
    }
}

/// `struct cpuid_feature` of `bits/platform/x86.h`: registers EAX, EBX, ECX, EDX of a leaf.
#[repr(C)]
struct Leaf {
    _cpuid: [u32; 4],
    active: [u32; 4],
}

/// `CPUID_INDEX_1` and `CPUID_INDEX_7` of `bits/platform/x86.h`.
const LEAF_1: u32 = 0;
const LEAF_7: u32 = 1;

/// `cpuid_register_index_ebx` and `…_ecx` of the same.
const EBX: usize = 1;
const ECX: usize = 2;

/// The features of a leaf that processor and system have; nothing if the C library does not tell.
fn active(leaf: u32) -> Option<[u32; 4]> {
    // SAFETY: the name is a C string; the call looks it up among the libraries that are loaded, and changes nothing.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__x86_get_cpuid_feature_leaf".as_ptr()) };
    if function.is_null() {
        return None;
    }
    // SAFETY: glibc, which alone has a function of that name, declares it so in `sys/platform/x86.h`.
    let leaf_of: unsafe extern "C" fn(u32) -> *const Leaf = unsafe { std::mem::transmute(function) };
    // SAFETY: it takes any number and answers with a pointer to constant data of the C library, all zero for a leaf that
    // it does not know; null is answered with nothing here.
    let leaf = unsafe { leaf_of(leaf).as_ref() };
    leaf.map(|leaf| leaf.active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_and_the_processor_say_the_same() {
        match Processor::by_glibc() {
            Some(told) => assert_eq!(told, Processor::by_asking()),
            None => crate::say("SKIPPED the_c_library_and_the_processor_say_the_same: glibc is older than 2.33\n"),
        }
    }
}
