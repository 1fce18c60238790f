//! Whether the kernel's out-of-memory killer was at work: what it killed in this process's control group.
//!
//! The kernel counts before it kills (`oom_kill` in `memory.events` of cgroup v2, in `memory.oom_control` of v1). Without such a
//! count nothing is said: a SIGKILL alone tells nothing of its sender.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What helps against it.
pub const HINT: &str = "fewer workers at once (--jobs N), or more memory for the control group";

/// The count at one moment.
#[derive(Clone, Copy, Debug)]
pub struct OomKills(Option<u64>);

impl OomKills {
    /// A count that nobody knows.
    pub const UNKNOWN: Self = Self(None);

    /// The count of this process's control group, now.
    #[must_use]
    pub fn now() -> Self {
        static COUNTER: OnceLock<Option<PathBuf>> = OnceLock::new();
        let counter = COUNTER.get_or_init(find);
        Self(counter.as_deref().and_then(|path| count(&fs::read_to_string(path).ok()?)))
    }

    /// What it has killed since then, as a clause that ends with `when`; nothing if it has killed nothing, or nobody knows.
    #[must_use]
    pub fn since(self, when: &str) -> Option<String> {
        self.until(Self::now(), when)
    }

    /// Whether it has killed anything since then.
    #[must_use]
    pub fn have_risen(self) -> bool {
        self.since("").is_some()
    }

    fn until(self, now: Self, when: &str) -> Option<String> {
        let killed = now.0?.checked_sub(self.0?).filter(|killed| *killed > 0)?;
        let noun = if killed == 1 { "process" } else { "processes" };
        Some(format!("the kernel's out-of-memory killer has killed {killed} {noun} in this control group {when}"))
    }
}

/// The file with the count of this process's group.
fn find() -> Option<PathBuf> {
    let read = |file| fs::read_to_string(Path::new("/proc/self").join(file)).ok();
    let candidates = candidates(&read("cgroup")?, &read("mountinfo")?);
    candidates.into_iter().find(|path| fs::read_to_string(path).is_ok_and(|text| count(&text).is_some()))
}

/// The count in the text of such a file.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Where the count may be, from `/proc/self/cgroup` (`cgroups(7)`) and `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`): the
/// group of the hierarchy that has the memory controller.
fn candidates(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let line = |line| {
        let (_, rest) = str::split_once(line, ':')?;
        let (controllers, group) = rest.split_once(':')?;
        if controllers.is_empty() {
            Some((group, is_unified as IsMount, "memory.events"))
        } else {
            let is_memory = controllers.split(',').any(|controller| controller == "memory");
            is_memory.then_some((group, has_memory as IsMount, "memory.oom_control"))
        }
    };
    let found = groups.lines().filter_map(line);
    let place = |(group, is_mount, file): (&str, IsMount, &str)| {
        let mut mounts = mounts.lines().filter_map(Mount::of).filter(is_mount);
        Some(mounts.find_map(|mount| mount.folder_of(group))?.join(file))
    };
    found.filter_map(place).collect()
}

type IsMount = fn(&Mount<'_>) -> bool;

fn is_unified(mount: &Mount<'_>) -> bool {
    mount.kind == "cgroup2"
}

fn has_memory(mount: &Mount<'_>) -> bool {
    mount.kind == "cgroup" && mount.options.split(',').any(|option| option == "memory")
}

/// A line of `mountinfo`.
struct Mount<'a> {
    /// Which folder of the file system is mounted: in a container perhaps its own group.
    root: &'a str,
    place: &'a str,
    kind: &'a str,
    /// Of the file system.
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let (mut mount, mut file_system) = (mount.split(' ').skip(3), file_system.split(' '));
        let (root, place, kind) = (mount.next()?, mount.next()?, file_system.next()?);
        Some(Self { root, place, kind, options: file_system.nth(1)? })
    }

    /// The folder of a group, unless the group is outside of what is mounted.
    fn folder_of(&self, group: &str) -> Option<PathBuf> {
        let inside = Path::new(group).strip_prefix(self.root).ok()?;
        let is_below = !inside.components().any(|part| part.as_os_str() == "..");
        is_below.then(|| Path::new(self.place).join(inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
    const MEMORY: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
    const CPU: &str = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu";

    #[test]
    fn the_count_is_where_the_memory_controller_is() {
        let bound = "35 31 0:32 /docker/a1 /sys/fs/cgroup/memory ro shared:1 - cgroup cgroup rw,memory";
        for (groups, mounts, found) in [
            ("0::/user.slice/a.scope", UNIFIED, &["/sys/fs/cgroup/user.slice/a.scope/memory.events"][..]),
            ("0::/", UNIFIED, &["/sys/fs/cgroup/memory.events"]),
            ("4:cpu,memory:/job\n1:cpu:/\n0::/", MEMORY, &["/sys/fs/cgroup/memory/job/memory.oom_control"]),
            ("4:memory:/docker/a1/b", bound, &["/sys/fs/cgroup/memory/b/memory.oom_control"]),
            ("4:memory:/docker/a1", bound, &["/sys/fs/cgroup/memory/memory.oom_control"]),
            // Outside of what is mounted, or of the cgroup namespace.
            ("4:memory:/docker/a2", bound, &[]),
            ("0::/../b", UNIFIED, &[]),
            ("3:cpu:/", CPU, &[]),
            ("4:memory:/", CPU, &[]),
            ("", "", &[]),
            ("nonsense", "nonsense - more", &[]),
        ] {
            let expected: Vec<PathBuf> = found.iter().map(PathBuf::from).collect();
            assert_eq!(candidates(groups, mounts), expected, "{groups:?} {mounts:?}");
        }
        let hybrid = candidates("4:memory:/job\n0::/", &format!("{CPU}\n{UNIFIED}\n{MEMORY}"));
        assert_eq!(hybrid.len(), 2, "{hybrid:?}");
    }

    #[test]
    fn the_count_is_read_from_both_versions_files() {
        assert_eq!(count("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), Some(7));
        for none in ["", "oom_kill_disable 0\n", "oom_kill many\n", "oom_kill\n"] {
            assert_eq!(count(none), None, "{none:?}");
        }
    }

    #[test]
    fn only_a_count_that_rose_says_something() {
        let said = |before, now| OomKills(before).until(OomKills(now), "meanwhile");
        for (before, now) in [(None, None), (None, Some(1)), (Some(1), None), (Some(1), Some(1)), (Some(2), Some(1))] {
            assert_eq!(said(before, now), None, "{before:?} {now:?}");
        }
        let one = "the kernel's out-of-memory killer has killed 1 process in this control group meanwhile";
        assert_eq!(said(Some(0), Some(1)).as_deref(), Some(one));
        assert!(said(Some(1), Some(4)).is_some_and(|clause| clause.contains(" 3 processes ")));
    }
}
