//! Taking over a segment of another PID namespace: its run is resumed here once no process holds it there.
//!
//! The resumer changes one word, `identity.pid_namespace`, by one store, while it alone is present and is the coordinator:
//!
//! | the resumer races with … | what decides |
//! |---|---|
//! | an attacher of the old namespace that is present | the resumer does not get the presence for itself alone, and changes nothing |
//! | an attacher of the old namespace that comes later | it is present only after the change, reads the word then, and is refused |
//! | an attacher of this namespace | the same: it reads the old word before the change, and the new one after it |
//! | another resumer, of any namespace | one of them is alone; the other one finds it present, or finds the changed word |
//! | a remover of what is unattached | it needs the presence for itself alone, too; the resumer then finds the name gone |
//! | `remove --force` | as in any run: the name goes, and the run ends without it |
//! | its own death, before the store | the segment is as it was |
//! | its own death, after the store | it is a stale segment of this namespace |
//!
//! The mutex needs no repair. The kernel takes a dying owner's id out of it before it drops the owner's presence, and leaves the
//! mark of its death, which names no thread. So without presence no id of the old namespace is left in it, and the next owner
//! recovers as usual. An id that stays all the same is damage, and `must_have_sound_mutex` refuses it.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::OFlags;

use super::error::{AttachError, Refusal};
use super::namespace;
use super::role::Role;
use super::{Segment, verify};
use crate::name::SegmentName;

impl Segment {
    /// Attaches to the run of that name, to coordinate it; a run of another PID namespace is taken over.
    ///
    /// # Errors
    /// As [`Self::attach`]; [`AttachError::Refused`] with [`Refusal::PidNamespace`] if processes of the other namespace hold
    /// the segment, or it is no run.
    pub fn attach_to_resume(name: &SegmentName) -> Result<Self, AttachError> {
        let is_foreign = |error: &AttachError| matches!(error, AttachError::Refused { why: Refusal::PidNamespace, .. });
        match Self::attach(name) {
            Err(error) if is_foreign(&error) => match Self::take_over(name) {
                // Another process of this namespace may have taken it over meanwhile.
                Err(error) if is_foreign(&error) => Self::attach(name),
                outcome => outcome,
            },
            outcome => outcome,
        }
    }

    /// Makes a run of another namespace one of this namespace.
    fn take_over(name: &SegmentName) -> Result<Self, AttachError> {
        let foreign = || AttachError::Refused { name: name.clone(), why: Refusal::PidNamespace };
        let file = verify::open(name, OFlags::RDWR)?;
        if !Role::Present.take_patiently(name, &file)? {
            return Err(foreign());
        }
        // From here on nobody else is present, and nobody becomes so.
        let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
        if !verified.terms.origin.is_run() {
            return Err(foreign());
        }
        let own = namespace::own().map_err(|error| verify::unknown_namespace(name, error))?;
        // A remover of a segment that its coordinator gave up has this role.
        if !Role::Coordinator.try_take(name, &file)? {
            return Err(AttachError::BeingRemoved { name: name.clone() });
        }
        let segment = Self::map_verified(name, verified, file)?;
        segment.must_have_sound_mutex()?;
        // Relaxed: whoever becomes present after this has it from the kernel, by the lock that is shared below.
        segment.view().header.identity.pid_namespace.store(own, Relaxed);
        // From exclusive to shared without a gap: fcntl(2) converts a record lock at once.
        Role::Present.try_share(name, segment.file()?)?;
        Ok(segment)
    }
}
