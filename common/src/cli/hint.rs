//! Exit codes and next steps, from the cause of an error.

use rustix::io::Errno;

use super::exit_code;
use super::nearest::{nearest, question};
use crate::error::Error;
use crate::inspection::{self, RunState};
use crate::ledger::{CommitError, TicketError};
use crate::lock::LockError;
use crate::name::{FOLDER, SegmentName};
use crate::removal::{self, RemoveError};
use crate::segment::{AttachError, CreateError, ForkError, NoRoom, Refusal};
use crate::system_error::SystemError;
use crate::terms::{InvalidTerms, Mode};

/// The next step after EFBIG.
pub const RAISE_FILE_SIZE: &str = "file sizes are limited here: ulimit -f unlimited";

/// The exit code for an error.
#[must_use]
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Create(CreateError::Terms { .. }) | Error::Commit(CommitError::Unfit { .. }) => exit_code::USAGE,
        Error::Attach(error) | Error::Remove(RemoveError::Unavailable(error)) => attach_code(error),
        Error::Lock(LockError::Busy { .. }) => exit_code::TIMEOUT,
        Error::Lock(LockError::Deadlock { .. } | LockError::Damaged(_))
        | Error::Ticket(TicketError::Damaged(_))
        | Error::Create(CreateError::UnknownNamespace { .. })
        | Error::Commit(CommitError::OtherMode { .. } | CommitError::Damaged(_)) => exit_code::FOREIGN,
        Error::Ticket(TicketError::NoFreeSlot { .. } | TicketError::NothingLeft { .. }) => exit_code::NOTHING_TO_DO,
        Error::Commit(CommitError::Superseded { .. } | CommitError::NoRoom { .. }) => exit_code::INCOMPLETE,
        Error::Commit(CommitError::Overflow { .. }) => exit_code::OVERFLOW,
        Error::Create(_)
        | Error::Lock(LockError::Forked(_))
        | Error::Remove(
            RemoveError::InUse { .. }
            | RemoveError::OtherRemover { .. }
            | RemoveError::Forked(_)
            | RemoveError::System(_),
        )
        | Error::Ticket(TicketError::Held { .. } | TicketError::Forked(_) | TicketError::System(_))
        | Error::Commit(CommitError::Forked(_) | CommitError::System(_))
        | Error::System(_) => exit_code::UNAVAILABLE,
    }
}

fn attach_code(error: &AttachError) -> u8 {
    match error {
        AttachError::NoSegment { .. }
        | AttachError::Permission { .. }
        | AttachError::BeingRemoved { .. }
        | AttachError::Forked(_)
        | AttachError::System(_) => exit_code::UNAVAILABLE,
        AttachError::NotReady { .. }
        | AttachError::Refused { .. }
        | AttachError::OtherType { .. }
        | AttachError::Damaged(_) => exit_code::FOREIGN,
    }
}

/// The next step after an error, where there is one.
#[must_use]
pub fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Create(CreateError::Exists { name }) => {
            Some(format!("look at it: coordinator status {name}; or take another name"))
        }
        Error::Create(CreateError::UnknownNamespace { .. }) => Some(mount_proc()),
        Error::Create(CreateError::NoRoom { why, .. }) => Some(after_no_room(*why)),
        Error::Create(CreateError::Terms { what }) => after_invalid_terms(*what),
        Error::Create(CreateError::Permission { .. }) => Some(format!("see who may write there: ls -ld {FOLDER}")),
        Error::Create(CreateError::System(error))
        | Error::Remove(RemoveError::System(error))
        | Error::Ticket(TicketError::System(error))
        | Error::System(error) => after_system_error(error),
        Error::Attach(error) | Error::Remove(RemoveError::Unavailable(error)) => after_attaching(error),
        Error::Remove(RemoveError::InUse { name, .. }) => Some(in_use(name)),
        Error::Ticket(TicketError::NoFreeSlot { .. }) => Some("create segments with more room: --slots N".to_owned()),
        Error::Commit(error) => after_commit(error),
        Error::Lock(LockError::Damaged(_)) => Some(damaged()),
        Error::Remove(RemoveError::OtherRemover { name, .. }) => Some(format!(
            "let that process go on (kill -CONT PID) or end it; then, if it is still there: coordinator remove {name}"
        )),
        Error::Lock(LockError::Forked(error))
        | Error::Ticket(TicketError::Forked(error))
        | Error::Remove(RemoveError::Forked(error)) => Some(after_fork(error)),
        Error::Ticket(_) | Error::Lock(_) => None,
    }
}

fn after_attaching(error: &AttachError) -> Option<String> {
    match error {
        AttachError::NoSegment { .. } if !std::path::Path::new(FOLDER).is_dir() => {
            Some(after_no_room(NoRoom::NoFolder))
        }
        AttachError::NoSegment { name } => {
            let existing = existing_segments(name).map(|existing| format!("{existing}; or ")).unwrap_or_default();
            Some(format!("{existing}create it: coordinator create {name}"))
        }
        AttachError::Permission { name } => Some(format!("see who owns it: ls -l {}", name.path().display())),
        AttachError::BeingRemoved { name } => Some(in_use(name)),
        AttachError::Refused { name, why } => Some(after_refusal(name, why)),
        AttachError::NotReady { name } => Some(format!("try again; if its creator is dead: coordinator remove {name}")),
        AttachError::Damaged(_) => Some(damaged()),
        AttachError::Forked(error) => Some(after_fork(error)),
        AttachError::System(error) => after_system_error(error),
        AttachError::OtherType { .. } => None,
    }
}

fn after_commit(error: &CommitError) -> Option<String> {
    match error {
        CommitError::Overflow { kind: "i32", .. } => {
            Some("use a wider type (--type i64), or let the value wrap (--overflow wrap)".to_owned())
        }
        CommitError::Overflow { kind: "128 bits", .. } => {
            Some("each worker's sum must fit into 128 bits: use smaller numbers, or fractions (--type f64)".to_owned())
        }
        CommitError::Overflow { .. } => Some("let the value wrap (--overflow wrap)".to_owned()),
        CommitError::Unfit { .. } => {
            Some("fractions need --type f64; the number of cells is the kernel's: --cells N".to_owned())
        }
        CommitError::Damaged(_) => Some(damaged()),
        CommitError::Forked(error) => Some(after_fork(error)),
        CommitError::System(error) => after_system_error(error),
        CommitError::NoRoom { .. } => {
            Some("repair what failed, and resume the run: it tries these ranges again".to_owned())
        }
        CommitError::Superseded { .. } | CommitError::OtherMode { .. } => None,
    }
}

/// A held role counts whatever is wrong with the segment: while a process uses it, nothing advises to remove its file.
fn after_refusal(name: &SegmentName, why: &Refusal) -> String {
    let path = name.path();
    match (why, inspection::is_name_in_use(name)) {
        (Refusal::UnknownNamespace(_), _) => mount_proc(),
        (Refusal::PidNamespace, true) => format!(
            "processes of that PID namespace use it: coordinator status {name}; once they are gone it can be resumed or \
             removed from here"
        ),
        (Refusal::PidNamespace, false) => match crate::SegmentInfo::of(name) {
            Ok(segment) if segment.terms.origin.is_run() => {
                format!("take it over: coordinator resume {name}; or remove it: coordinator remove {name}")
            }
            _ => format!("nobody uses it there any more; remove it: coordinator remove {name}"),
        },
        (_, true) => format!("live processes use it: end them first; then look at it: ls -l {}", path.display()),
        (_, false) if removal::can_be_forced(name) => {
            format!("look at it: ls -l {}; if nobody needs it: coordinator remove --force {name}", path.display())
        }
        _ => format!("look at it: ls -l {0}; if nobody needs it: rm {0}", path.display()),
    }
}

fn after_no_room(why: NoRoom) -> String {
    match why {
        NoRoom::NoFolder => format!("mount it: mkdir -p {FOLDER} && mount -t tmpfs tmpfs {FOLDER}"),
        NoRoom::ReadOnly => format!("let it be written to: mount -o remount,rw {FOLDER}"),
        NoRoom::Bytes { needed, .. } => format!(
            "ask for less: fewer --workers, --slots or --cells; or make room: df -h {FOLDER}; in a container: --shm-size {}m",
            needed.div_ceil(1 << 20).saturating_mul(2)
        ),
        NoRoom::Inodes { .. } => format!(
            "remove files that nobody needs: ls -l {FOLDER}; or allow more: mount -o remount,nr_inodes=N {FOLDER}"
        ),
    }
}

fn after_invalid_terms(what: InvalidTerms) -> Option<String> {
    match what {
        InvalidTerms::Text { .. } => {
            Some("put the command into a script file: --exec './script.sh {start} {end}'".to_owned())
        }
        InvalidTerms::Counts { .. } => Some("give fewer --cells, --workers or --slots".to_owned()),
        _ => None,
    }
}

fn after_fork(error: &ForkError) -> String {
    match error {
        ForkError::Inherited { .. } | ForkError::LockOfParent { .. } => {
            "end a forked child with _exit, before it returns from the kernel; or attach in it, by the name".to_owned()
        }
        _ => "attach in the child, by the name".to_owned(),
    }
}

fn after_system_error(error: &SystemError) -> Option<String> {
    let is_folder = error.name == FOLDER;
    match Errno::from_io_error(&error.source)? {
        Errno::NOENT if is_folder => Some(after_no_room(NoRoom::NoFolder)),
        Errno::MFILE => {
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            let limit = limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string());
            Some(format!("this process may have {limit} files open; allow more: ulimit -n 1024"))
        }
        Errno::NFILE => Some("the machine has as many files open as it allows: cat /proc/sys/fs/file-nr".to_owned()),
        Errno::NOMEM => Some("the machine has no memory for it, or a limit is reached: free -m; ulimit -v".to_owned()),
        Errno::FBIG => Some(RAISE_FILE_SIZE.to_owned()),
        Errno::NOSPC => Some(format!("make room (df -h {FOLDER}), or ask for less: --slots N")),
        _ => None,
    }
}

fn mount_proc() -> String {
    "mount it: mount -t proc proc /proc".to_owned()
}

fn in_use(name: &SegmentName) -> String {
    let (is_foreign, is_value) = crate::SegmentInfo::of(name).map_or((false, false), |segment| {
        (matches!(segment.state, RunState::Foreign { .. }), segment.terms.mode == Mode::Shared)
    });
    if is_foreign {
        return format!(
            "its processes must end first, in their PID namespace (container); look at it: coordinator status {name}"
        );
    }
    if is_value {
        return format!("end these programs first; or remove it anyway: coordinator remove --force {name}");
    }
    format!("stop it: coordinator stop {name}; or remove it anyway: coordinator remove --force {name}")
}

fn damaged() -> String {
    "nothing more is added to it; remove it: coordinator remove --force NAME".to_owned()
}

/// The next step of a command that wants an existing segment, and does not find it.
#[must_use]
pub fn missing_segment(name: &SegmentName) -> String {
    if !std::path::Path::new(FOLDER).is_dir() {
        return after_no_room(NoRoom::NoFolder);
    }
    existing_segments(name).unwrap_or_else(|| "there are no segments".to_owned())
}

/// The existing segments, the most similar name first; nothing if there are none.
fn existing_segments(name: &SegmentName) -> Option<String> {
    let existing = crate::list().unwrap_or_default();
    let mut names: Vec<&str> = existing.iter().map(|segment| segment.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let near = nearest(name.as_str(), names.iter().copied());
    names.sort_by_key(|name| Some(*name) != near);
    Some(format!("{}existing segments: {}", question(near), names.join(", ")))
}
