//! Who is attached to which segment, by `/proc`: for explanations. The kernel's locks name no process.
//!
//! `/proc/PID/fdinfo/FD` shows the locks of an open file description (`proc_pid_fdinfo(5)`): a process with a lock on a file's
//! byte of a role has that role. Of other users' processes, and of those in other PID namespaces, nothing is seen.

use std::collections::HashMap;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::inspection::SegmentInfo;
use crate::name::FOLDER;
use crate::segment::Role;

/// The processes that hold roles, by the file's device and inode.
#[derive(Debug, Default)]
pub struct Attachments {
    holders: HashMap<(u64, u64), Vec<Holder>>,
}

/// A process, and the bytes that it has locked.
#[derive(Debug)]
struct Holder {
    pid: u32,
    bytes: RangeInclusive<u64>,
}

impl Attachments {
    /// Reads the locks of all processes that this one may look at, on these files.
    pub(crate) fn on(files: &[(u64, u64)]) -> Self {
        let mut found = Self::default();
        let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            found.read_process(pid, files);
        }
        found
    }

    /// Reads who is attached to these segments.
    #[must_use]
    pub fn to(segments: &[&SegmentInfo]) -> Self {
        let files: Vec<_> = segments.iter().map(|segment| segment.file).collect();
        if files.is_empty() { Self::default() } else { Self::on(&files) }
    }

    /// The processes that are attached to the segment.
    #[must_use]
    pub fn of(&self, segment: &SegmentInfo) -> Vec<u32> {
        self.with_role(segment.file, Role::Present)
    }

    /// The processes with that role in that file, in ascending order.
    pub(crate) fn with_role(&self, file: (u64, u64), role: Role) -> Vec<u32> {
        let holders = self.holders.get(&file).into_iter().flatten();
        let mut holders: Vec<u32> =
            holders.filter(|holder| holder.bytes.contains(&role.byte())).map(|holder| holder.pid).collect();
        holders.sort_unstable();
        holders.dedup();
        holders
    }

    fn read_process(&mut self, pid: u32, files: &[(u64, u64)]) {
        let folder = format!("/proc/{pid}");
        let open = fs::read_dir(Path::new(&folder).join("fd")).into_iter().flatten().filter_map(Result::ok);
        for descriptor in open {
            // First by name: following a link to a dead file server would wait for it.
            if !fs::read_link(descriptor.path()).is_ok_and(|target| may_be_segment(&target)) {
                continue;
            }
            // The link is followed to the open file, whatever has its name by now.
            let Ok(file) = fs::metadata(descriptor.path()) else { continue };
            let id = (file.dev(), file.ino());
            if !files.contains(&id) {
                continue;
            }
            let info = Path::new(&folder).join("fdinfo").join(descriptor.file_name());
            let info = fs::read_to_string(info).unwrap_or_default();
            self.holders
                .entry(id)
                .or_default()
                .extend(info.lines().filter_map(locked_bytes).map(|bytes| Holder { pid, bytes }));
        }
    }
}

/// Whether a segment may have this path. Of a mount that is not seen from here, the path begins at the mount.
fn may_be_segment(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder == Path::new(FOLDER) || folder == Path::new("/"))
}

/// The bytes of a lock, from a line such as `lock: 1: OFDLCK ADVISORY  READ -1 00:1b:169390 0 0`. The kernel shows neighbours
/// of one kind as one lock.
fn locked_bytes(line: &str) -> Option<RangeInclusive<u64>> {
    let fields: Vec<&str> = line.strip_prefix("lock:")?.split_whitespace().collect();
    let [.., first, last] = fields[..] else { return None };
    fields.contains(&"OFDLCK").then_some(first.parse().ok()?..=last.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_locks_of_open_file_descriptions_count_with_their_bytes() {
        assert_eq!(locked_bytes("lock:\t1: OFDLCK ADVISORY  READ -1 00:1b:169390 0 0"), Some(0..=0));
        assert_eq!(locked_bytes("lock:\t2: OFDLCK ADVISORY  WRITE -1 00:1b:169390 1 2"), Some(1..=2));
        assert_eq!(locked_bytes("lock:\t2: OFDLCK ADVISORY  WRITE -1 00:1b:169390 1 EOF"), Some(1..=u64::MAX));
        assert_eq!(locked_bytes("lock:\t1: POSIX  ADVISORY  WRITE 7 00:1b:169390 0 EOF"), None);
        assert_eq!(locked_bytes("pos:\t0"), None);
    }
}
