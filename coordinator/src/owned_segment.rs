//! A segment whose coordinator keeps or removes it, however the run ends.

use common::cli::{self, exit_code};
use common::failpoint::Failpoint;
use common::{Ledger, Lifecycle, Mode, Removal, RemoveError, Segment, Stop, say};

use crate::advice;
use crate::error::Error;
use crate::keep::{Claims, Disposal, Resumption, RunEnd, disposal};
use crate::readiness::LOCK_PATIENCE;

/// Keeps or removes its segment when dropped, so also after a panic; not in a forked child, which owns nothing.
pub struct OwnedSegment {
    segment: Segment,
    claims: Claims,
    is_settled: bool,
}

impl OwnedSegment {
    /// Owns the segment.
    pub fn new(segment: Segment, claims: Claims) -> Self {
        common::remove_when_truncated(&segment);
        Self { segment, claims, is_settled: false }
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Whether the segment would be kept after such an end, for `resume` to finish.
    pub fn can_be_resumed(&self, end: RunEnd) -> bool {
        if self.segment.is_cut_short() {
            return false;
        }
        let applied = Ledger::of(&self.segment).applied();
        match disposal(self.claims, end, applied) {
            Disposal::Keep { resumption, .. } => resumption != Resumption::InVain,
            Disposal::Remove => false,
        }
    }

    /// Keeps or removes the segment, and says so if it is kept. Returns what happened to it, for `--verbose`.
    ///
    /// # Errors
    /// The exit code for a segment that cannot be removed, which is reported.
    pub fn settle(mut self, end: RunEnd) -> Result<&'static str, u8> {
        self.settle_once(end)
    }

    fn settle_once(&mut self, end: RunEnd) -> Result<&'static str, u8> {
        self.is_settled = true;
        if self.segment.is_cut_short() {
            // Something else has cut its file: nothing of it can be read, kept or resumed.
            return self.unlink();
        }
        let applied = Ledger::of(&self.segment).applied();
        match disposal(self.claims, end, applied) {
            Disposal::Keep { mark, resumption } => {
                self.segment.mark_over(mark);
                if !self.segment.is_linked() {
                    return Ok("its segment was removed by someone else");
                }
                say(&self.kept(resumption));
                Ok("kept the segment")
            }
            Disposal::Remove => self.remove(),
        }
    }

    /// Marks the segment before it loses its name: if this process is killed in between, the next start removes it.
    fn remove(&self) -> Result<&'static str, u8> {
        self.segment.mark_over(Lifecycle::ToBeRemoved);
        Failpoint::Marked.reach();
        self.unlink()
    }

    fn unlink(&self) -> Result<&'static str, u8> {
        match common::unlink(&self.segment) {
            Ok(Removal::Removed) => Ok("removed the segment"),
            Ok(Removal::NotOurs) => Ok("its segment was removed by someone else"),
            Err(error) => {
                let hint = match &error {
                    RemoveError::OtherRemover { .. } => None,
                    _ => Some(format!(
                        "the next start removes it; or remove it now: coordinator remove {}",
                        self.segment.name()
                    )),
                };
                let error = common::Error::from(error);
                cli::report(&error.to_string(), hint.or_else(|| cli::hint(&error)).as_deref());
                Err(exit_code::UNAVAILABLE)
            }
        }
    }

    /// The line about a kept segment.
    fn kept(&self, resumption: Resumption) -> String {
        let (name, terms) = (self.segment.name(), self.segment.terms());
        let what = match Ledger::of(&self.segment).applied() {
            None => "its ledger cannot be read".to_owned(),
            Some(applied) if terms.mode == Mode::Split => {
                format!("{} of {} iterations are applied", applied.done, applied.due)
            }
            Some(applied) => format!("{} of {} contributions are applied", applied.done, applied.due),
        };
        let next = match resumption {
            Resumption::Useful if terms.has_folder => "finish it: run the same command again".to_owned(),
            Resumption::Useful | Resumption::Elsewhere => format!("finish it: {}", advice::resume(name, terms)),
            Resumption::InVain => format!("look at it: coordinator status {name}"),
        };
        format!("kept segment {name}: {what}; {next}; or remove it: coordinator remove {name}\n")
    }

    /// Reports the error that ends the run, and dismisses the workers; returns the exit code, and the end to settle with. Nobody
    /// can finish what is damaged.
    pub fn fail(&self, error: &Error) -> (u8, RunEnd) {
        cli::report(&error.to_string(), error.hint().as_deref());
        self.dismiss_workers();
        let code = error.exit_code();
        let resumption = if code == exit_code::FOREIGN { Resumption::InVain } else { Resumption::Useful };
        (code, RunEnd { resumption, ..RunEnd::FAILED })
    }

    /// Asks the workers that are left to leave, and lets a dead one's commit be applied.
    fn dismiss_workers(&self) {
        if self.segment.is_cut_short() {
            return;
        }
        self.segment.request_stop(Stop::Now);
        // Whoever commits takes the lock and then looks at the request: after this, nothing more is applied. A lock that
        // cannot be taken changes nothing: a published commit counts as applied.
        drop(Ledger::of(&self.segment).lock_within(LOCK_PATIENCE));
    }
}

impl Drop for OwnedSegment {
    fn drop(&mut self) {
        if !self.is_settled && !self.segment.is_inherited() {
            self.dismiss_workers();
            // A failure is reported.
            let _ = self.settle_once(RunEnd::FAILED);
        }
    }
}
