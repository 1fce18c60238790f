//! The checks between a file in `/dev/shm` and its use.
//!
//! All use the descriptor and a private copy of the header, before anything is mapped: a hostile or broken file can neither
//! crash the reader nor make it wait.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::Lifecycle;
use super::error::{AttachError, Refusal};
use super::namespace::Location;
use crate::clock::BootTime;
use crate::layout::{self, Geometry, Header, LAYOUT_HASH, MAGIC, PAGE, VERSION};
use crate::name::SegmentName;
use crate::sys::mapping::cautious;
use crate::sys::role_file::RoleFile;
use crate::sys::segment_copy::HeaderCopy;
use crate::system_error::SystemError;
use crate::terms::Terms;

/// Which C library's `pthread_mutex_t` lies in the segment.
pub(super) const C_LIBRARY: u32 = if cfg!(target_env = "musl") { 2 } else { 1 };

/// How long an attacher waits for a segment to be published.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// A verified segment.
pub(crate) struct Verified {
    pub terms: Terms,
    pub geometry: Geometry,
    pub nonce: u64,
    pub header: HeaderCopy,
}

/// Opens the file of that name. Follows no link and waits for nothing.
pub(crate) fn open(name: &SegmentName, access: OFlags) -> Result<RoleFile, AttachError> {
    let refused = |kind| AttachError::Refused { name: name.clone(), why: Refusal::Kind(kind) };
    RoleFile::open(name.path(), cautious(access)).map_err(|error| match error {
        Errno::NOENT => AttachError::NoSegment { name: name.clone() },
        Errno::LOOP => refused("a symbolic link"),
        Errno::ISDIR => refused("a directory"),
        Errno::NXIO => refused("a socket or a device"),
        Errno::ACCESS | Errno::PERM => AttachError::Permission { name: name.clone() },
        error => SystemError::new("open segment", name, error).into(),
    })
}

/// Checks the file, its header and its terms, but not its PID namespace. Waits up to `patience` for a segment that is not published yet.
pub(crate) fn verify(name: &SegmentName, file: BorrowedFd<'_>, patience: Duration) -> Result<Verified, AttachError> {
    let refuse = |why| AttachError::Refused { name: name.clone(), why };
    let stat = rustix::fs::fstat(file).map_err(|error| SystemError::new("look at segment", name, error))?;
    plain_file(&stat).map_err(refuse)?;
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let short = || refuse(Refusal::Size { found: size, expected: format!("at least {PAGE}") });
    let began = BootTime::now();
    let header = loop {
        let copy = HeaderCopy::read(file).map_err(|error| SystemError::new("read segment", name, error))?;
        let copy = copy.ok_or_else(short)?;
        let identity = &copy.header().identity;
        // First, so that another program's file is not waited for.
        if identity.magic.load(Relaxed) != MAGIC {
            return Err(refuse(Refusal::Magic));
        }
        // Only a check: the name was given after everything was in place (`docs/protocol.md`, "Creation and removal").
        if identity.ready.load(Relaxed) == 1 {
            break copy;
        }
        if began.elapsed() >= patience {
            return Err(AttachError::NotReady { name: name.clone() });
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let terms = header_of_ours(header.header()).map_err(refuse)?;
    let geometry = terms.geometry();
    if size != geometry.size() as u64 {
        return Err(refuse(Refusal::Size { found: size, expected: geometry.size().to_string() }));
    }
    Ok(Verified { terms, geometry, nonce: header.header().identity.nonce.load(Relaxed), header })
}

/// Device and inode of an open file. Async-signal-safe, like [`is_cut_short`]: `removal::truncated` asks in a signal handler.
pub(crate) fn file_id(file: impl AsFd) -> Result<(u64, u64), Errno> {
    rustix::fs::fstat(file).map(|stat| (stat.st_dev, stat.st_ino))
}

/// Whether the file is shorter than the segment in it.
pub(crate) fn is_cut_short(file: impl AsFd, size: u64) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|length| length < size))
}

/// Whether a segment may lie in the file.
pub(crate) fn plain_file(stat: &Stat) -> Result<(), Refusal> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Fifo => Some("a FIFO"),
        FileType::Directory => Some("a directory"),
        FileType::Symlink => Some("a symbolic link"),
        FileType::Socket => Some("a socket"),
        _ => Some("a device"),
    };
    if let Some(kind) = kind {
        return Err(Refusal::Kind(kind));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Refusal::Owner(stat.st_uid));
    }
    let permissions = stat.st_mode & 0o7777;
    if permissions & 0o077 != 0 {
        return Err(Refusal::Permissions(permissions));
    }
    if stat.st_nlink > 1 {
        return Err(Refusal::Links(widened(stat.st_nlink)));
    }
    Ok(())
}

/// The field has 64 bits on x86-64, and 32 on aarch64.
fn widened(links: impl Into<u64>) -> u64 {
    links.into()
}

/// Whether the file begins as segments of any version do. It may be too short for a header: something may have cut it.
pub(crate) fn has_our_magic(file: impl AsFd) -> bool {
    let mut magic = [0; size_of_val(&MAGIC)];
    rustix::io::pread(file, &mut magic, 0).is_ok_and(|count| count == magic.len()) && u64::from_le_bytes(magic) == MAGIC
}

fn header_of_ours(header: &Header) -> Result<Terms, Refusal> {
    let identity = &header.identity;
    let version = identity.version.load(Relaxed);
    if version != VERSION {
        return Err(Refusal::Version { found: version, known: VERSION });
    }
    if identity.layout_hash.load(Relaxed) != LAYOUT_HASH {
        return Err(Refusal::Layout);
    }
    if identity.c_library.load(Relaxed) != C_LIBRARY {
        return Err(Refusal::CLibrary);
    }
    let terms = Terms::load(header).map_err(Refusal::Terms)?;
    if identity.checksum.load(Relaxed) != checksum(header, &terms) {
        return Err(Refusal::Checksum);
    }
    if identity.slot_count.load(Relaxed) != terms.slots {
        return Err(Refusal::Terms("slot count"));
    }
    if header.live.lifecycle.load(Relaxed) > Lifecycle::ToBeRemoved as u32 {
        return Err(Refusal::Terms("lifecycle"));
    }
    Ok(terms)
}

/// Refuses a segment of another PID namespace, and every one where this process's own namespace is unknown.
pub(super) fn must_be_here(name: &SegmentName, header: &Header) -> Result<(), AttachError> {
    match Location::of(header) {
        Location::Here => Ok(()),
        Location::Elsewhere => Err(AttachError::Refused { name: name.clone(), why: Refusal::PidNamespace }),
        Location::Unknown(error) => Err(unknown_namespace(name, error)),
    }
}

pub(super) fn unknown_namespace(name: &SegmentName, error: Errno) -> AttachError {
    AttachError::Refused { name: name.clone(), why: Refusal::UnknownNamespace(error) }
}

/// A checksum over everything that never changes once the segment is ready. The PID namespace is not among it: a `resume` may
/// change it.
pub(super) fn checksum(header: &Header, terms: &Terms) -> u64 {
    let identity = &header.identity;
    let mut words = vec![
        identity.magic.load(Relaxed),
        identity.version.load(Relaxed).into(),
        identity.layout_hash.load(Relaxed),
        identity.size.load(Relaxed),
        identity.c_library.load(Relaxed).into(),
        identity.slot_count.load(Relaxed).into(),
        identity.nonce.load(Relaxed),
        identity.created_at.load(Relaxed),
    ];
    words.extend(terms.fingerprint());
    layout::hash(&words)
}
