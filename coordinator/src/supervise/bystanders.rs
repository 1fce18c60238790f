//! Workers that this coordinator did not launch: started by hand, or left by a coordinator that died.
//!
//! They are no children, so the kernel tells of their end through a pidfd (`pidfd_open(2)`); whether they still work under
//! their ticket is decided by the ticket's role alone.

use std::os::fd::OwnedFd;
use std::time::Instant;

use common::{Mode, TicketState, process};
use rustix::process::{PidfdFlags, pidfd_open};

use super::{LOOK_AGAIN, Supervisor};
use crate::error::Result;

/// A live worker that is no child.
pub struct Bystander {
    pub ticket: u32,
    /// Nothing if the process is gone already, or its end does not say enough.
    pub process: Option<OwnedFd>,
}

impl Bystander {
    /// The worker that has the ticket.
    pub fn new(ticket: u32, pid: u32) -> Self {
        let process = process::id(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Self { ticket, process }
    }
}

impl Supervisor<'_> {
    /// Lets go of those that left; the tickets of a coordinator among theirs are launched again if they are not done.
    pub(super) fn part_from_bystanders(&mut self) -> Result<()> {
        for mut bystander in std::mem::take(&mut self.bystanders) {
            match self.segment.ticket(bystander.ticket)? {
                Some(TicketState::Held { .. }) => {
                    if bystander.process.as_ref().is_none_or(super::wake::is_readable) {
                        // Someone holds the role for a process that has ended: a child of it, for the time being.
                        bystander.process = None;
                        self.look_again = Some(Instant::now() + LOOK_AGAIN);
                    }
                    self.bystanders.push(bystander);
                }
                _ => self.outlive(bystander.ticket)?,
            }
        }
        Ok(())
    }

    /// Decides what follows from the end of one that is no child.
    fn outlive(&mut self, ticket: u32) -> Result<()> {
        self.timeline.left(ticket);
        if ticket > self.segment.terms().reserved() {
            self.offer_orphan(ticket);
        } else if !self.is_done(ticket)? {
            self.queue.push_back(ticket);
        }
        Ok(())
    }

    /// Whether a range that is shared out must not be closed yet: a worker that joined by hand is at work and may die with
    /// its chunk, or has died, and its ticket is queued.
    pub(super) fn may_have_to_go_on(&mut self) -> Result<bool> {
        if self.segment.terms().mode != Mode::Split || self.is_stopping() {
            return Ok(false);
        }
        self.greet_bystanders()?;
        Ok(self.queue_leftovers()? || !self.bystanders.is_empty())
    }

    /// Queues the tickets of dead workers that joined by hand and left a chunk which nobody has taken over; says whether
    /// there are any.
    fn queue_leftovers(&mut self) -> Result<bool> {
        for ticket in self.segment.terms().reserved() + 1..=self.segment.terms().slots {
            let was_given_up = self.fates.get(ticket).is_some_and(|fate| fate.failure.is_some());
            match self.segment.ticket(ticket)? {
                None => break,
                Some(TicketState::Abandoned) if self.segment.holds_chunk(ticket) && !was_given_up => {
                    self.narrator.step(format_args!("Process-{ticket}, which joined by hand, left a chunk"));
                    self.queue.push_back(ticket);
                }
                Some(_) => {}
            }
        }
        if !self.queue.is_empty() {
            self.look_again = Some(Instant::now());
        }
        Ok(!self.queue.is_empty())
    }

    /// Finds the workers that joined by hand and have not contributed yet.
    pub(super) fn greet_bystanders(&mut self) -> Result<()> {
        for ticket in self.segment.terms().reserved() + 1..=self.segment.terms().slots {
            match self.segment.ticket(ticket)? {
                None => break,
                Some(TicketState::Held { pid }) if self.bystanders.iter().all(|known| known.ticket != ticket) => {
                    self.narrator.step(format_args!("waiting for Process-{ticket} (pid {pid}), which joined by hand"));
                    self.bystanders.push(Bystander::new(ticket, pid));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
