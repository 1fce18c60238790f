//! Which segment is kept at the end of a run: the decision, without effects.

use common::{Applied, Lifecycle};

use crate::args::Keep;

/// What is known of a run at its end.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd {
    /// Whether everything is applied.
    pub is_complete: bool,
    /// Whether the result is written, or nobody wants to read it.
    pub is_delivered: bool,
    /// What would come of resuming it.
    pub resumption: Resumption,
}

/// What would come of resuming a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// It goes on.
    Useful,
    /// It goes on in another folder alone: its own is gone, or of another job, where the same command would begin anew.
    Elsewhere,
    /// The same end: the segment is damaged, or a contribution does not fit.
    InVain,
}

impl RunEnd {
    /// The end of a run that an error or a panic ended.
    pub const FAILED: Self = Self { is_complete: false, is_delivered: false, resumption: Resumption::Useful };
}

/// What the options of a run say about its segment.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// `--keep`.
    pub keep: Keep,
    /// Whether it has a name that its user gave, or `--split`.
    pub is_wanted: bool,
    /// Whether it was resumed.
    pub is_resumed: bool,
}

/// What to do with the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// Remove it.
    Remove,
    /// Keep it.
    Keep {
        /// The mark that it gets.
        mark: Lifecycle,
        /// What would come of resuming it.
        resumption: Resumption,
    },
}

/// Decides whether the segment is kept; `applied` is `None` if the ledger cannot be read.
pub fn disposal(claims: Claims, end: RunEnd, applied: Option<Applied>) -> Disposal {
    let is_finished = end.is_complete && end.is_delivered;
    let may_hold_work = applied.is_none_or(|applied| applied.done > 0 || applied.is_more_published);
    let is_kept = match claims.keep {
        Keep::Always => true,
        Keep::Never => false,
        Keep::Incomplete => !is_finished && (claims.is_resumed || (claims.is_wanted && may_hold_work)),
    };
    if !is_kept {
        return Disposal::Remove;
    }
    let mark = if end.is_delivered { Lifecycle::Reported } else { Lifecycle::Kept };
    Disposal::Keep { mark, resumption: if is_finished { Resumption::InVain } else { end.resumption } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Disposal::Remove;
    use Keep::{Always, Incomplete, Never};

    const NOTHING: Option<Applied> = Some(Applied { done: 0, due: 4, is_more_published: false });
    const SOME: Option<Applied> = Some(Applied { done: 1, due: 4, is_more_published: false });
    const PUBLISHED: Option<Applied> = Some(Applied { done: 0, due: 4, is_more_published: true });
    const UNKNOWN: Option<Applied> = None;

    const COMPLETE: RunEnd = RunEnd { is_complete: true, is_delivered: true, ..RunEnd::FAILED };
    const UNDELIVERED: RunEnd = RunEnd { is_delivered: false, ..COMPLETE };
    const PARTIAL: RunEnd = RunEnd { is_complete: false, ..COMPLETE };
    const OVERFLOW: RunEnd = RunEnd { resumption: Resumption::InVain, ..PARTIAL };
    const FAILED: RunEnd = RunEnd::FAILED;

    /// Kept, to be resumed.
    const OPEN: Disposal = Disposal::Keep { mark: Lifecycle::Reported, resumption: Resumption::Useful };
    /// The same, and its result was not delivered.
    const UNREAD: Disposal = Disposal::Keep { mark: Lifecycle::Kept, resumption: Resumption::Useful };
    /// Kept to be looked at.
    const SHOWN: Disposal = Disposal::Keep { mark: Lifecycle::Reported, resumption: Resumption::InVain };

    /// Faults 35 to 37: each option × who it belongs to × each end × what is applied.
    #[test]
    fn what_is_complete_and_delivered_is_removed_and_else_what_holds_work_that_somebody_wants_is_kept() {
        let anonymous = Claims { keep: Incomplete, is_wanted: false, is_resumed: false };
        let wanted = Claims { is_wanted: true, ..anonymous };
        let resumed = Claims { is_resumed: true, ..anonymous };
        for (claims, end, [nothing, some, published, unknown]) in [
            (anonymous, COMPLETE, [Remove; 4]),
            (anonymous, UNDELIVERED, [Remove; 4]),
            (anonymous, PARTIAL, [Remove; 4]),
            (anonymous, OVERFLOW, [Remove; 4]),
            (anonymous, FAILED, [Remove; 4]),
            (wanted, COMPLETE, [Remove; 4]),
            (wanted, UNDELIVERED, [Remove, UNREAD, UNREAD, UNREAD]),
            (wanted, PARTIAL, [Remove, OPEN, OPEN, OPEN]),
            (wanted, OVERFLOW, [Remove, SHOWN, SHOWN, SHOWN]),
            (wanted, FAILED, [Remove, UNREAD, UNREAD, UNREAD]),
            (resumed, COMPLETE, [Remove; 4]),
            (resumed, UNDELIVERED, [UNREAD; 4]),
            (resumed, PARTIAL, [OPEN; 4]),
            (resumed, OVERFLOW, [SHOWN; 4]),
            (resumed, FAILED, [UNREAD; 4]),
        ] {
            for (applied, expected) in [(NOTHING, nothing), (SOME, some), (PUBLISHED, published), (UNKNOWN, unknown)] {
                assert_eq!(disposal(claims, end, applied), expected, "{claims:?} {end:?} {applied:?}");
            }
        }
        for (end, kept) in
            [(COMPLETE, SHOWN), (UNDELIVERED, UNREAD), (PARTIAL, OPEN), (OVERFLOW, SHOWN), (FAILED, UNREAD)]
        {
            for (claims, applied) in [(anonymous, NOTHING), (wanted, SOME), (resumed, UNKNOWN)] {
                assert_eq!(disposal(Claims { keep: Always, ..claims }, end, applied), kept, "{end:?}");
                assert_eq!(disposal(Claims { keep: Never, ..claims }, end, applied), Remove, "{end:?}");
            }
        }
    }
}
