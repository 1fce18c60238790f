//! The caches of this processor.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::index;

/// How many bytes the sieve has at hand in the caches of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Of a block: all of the first-level cache for data.
    pub block: usize,
    /// Of a segment: all of the second-level cache, but 1 MiB at most. A larger segment has more whole turns of the large base
    /// primes; with 2 MiB, on an Intel Xeon that has as much, the whole count took a twentieth longer.
    pub segment: usize,
}

impl Caches {
    /// Those of the first processor, which the kernel describes (sysfs-devices-system-cpu); where it does not, common sizes.
    pub fn of_this_processor() -> Self {
        static CACHES: OnceLock<Caches> = OnceLock::new();
        *CACHES.get_or_init(|| Self::in_folder(Path::new("/sys/devices/system/cpu/cpu0/cache")))
    }

    /// The length of the segments into which so many bytes are divided, all but the last: none is much larger than intended, and there
    /// are few, because each one takes all base primes in hand.
    pub fn divided(self, bytes: u64) -> usize {
        let segment = self.segment as u64;
        let segments = (bytes.saturating_add(segment / 2) / segment).max(1);
        index(bytes.div_ceil(segments))
    }

    /// The bytes behind a segment, for the turns that begin in it.
    pub fn room(self) -> usize {
        self.segment / 2
    }

    /// The largest prime of which a turn fits there: the turn takes as many bytes as the prime says, and a fifth of them may be
    /// before its first multiple.
    pub fn largest_turn(self) -> usize {
        self.segment / 5 * 2
    }

    /// The largest prime of which a segment of the intended size has a multiple on average.
    pub fn largest_strike(self) -> usize {
        self.segment * 8
    }

    fn in_folder(folder: &Path) -> Self {
        let (mut first, mut second) = (None, None);
        for cache in fs::read_dir(folder).into_iter().flatten().flatten() {
            let text = |file| fs::read_to_string(cache.path().join(file)).unwrap_or_default();
            match (text("level").trim(), text("type").trim()) {
                ("1", "Data" | "Unified") => first = bytes(&text("size")),
                ("2", "Data" | "Unified") => second = bytes(&text("size")),
                _ => {}
            }
        }
        Self {
            block: first.unwrap_or(32 << 10).clamp(16 << 10, 64 << 10),
            segment: second.unwrap_or(512 << 10).clamp(512 << 10, 1 << 20),
        }
    }
}

/// A size as the kernel writes it: `48K`.
fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    match text.strip_suffix('K') {
        Some(number) => number.parse::<usize>().ok()?.checked_mul(1 << 10),
        None => text.strip_suffix('M')?.parse::<usize>().ok()?.checked_mul(1 << 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_kernel_writes_them_and_kept_within_bounds() {
        let of = |caches: &[(&str, &str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (place, (level, kind, size)) in caches.iter().enumerate() {
                let cache = folder.path().join(format!("index{place}"));
                fs::create_dir_all(&cache).unwrap();
                for (file, text) in [("level", level), ("type", kind), ("size", size)] {
                    fs::write(cache.join(file), format!("{text}\n")).unwrap();
                }
            }
            Caches::in_folder(folder.path())
        };
        assert_eq!(of(&[]), Caches { block: 32 << 10, segment: 512 << 10 });
        let usual =
            [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "1024K"), ("3", "Unified", "32768K")];
        assert_eq!(of(&usual), Caches { block: 48 << 10, segment: 1 << 20 });
        assert_eq!(of(&[("1", "Data", "1M"), ("2", "Unified", "0K")]), Caches { block: 64 << 10, segment: 512 << 10 });
        assert_eq!(of(&[("1", "Data", "many"), ("2", "Unified", "")]), Caches { block: 32 << 10, segment: 512 << 10 });
    }

    #[test]
    fn bytes_are_divided_into_segments_of_about_the_intended_size() {
        let caches = Caches { block: 32 << 10, segment: 1 << 20 };
        for (bytes, segment) in [(1, 1), ((3 << 19) - 1, (3 << 19) - 1), (3 << 19, 3 << 18), (1 << 40, 1 << 20)] {
            assert_eq!(caches.divided(bytes), segment, "{bytes}");
        }
    }
}
