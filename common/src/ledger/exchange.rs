//! Cells that programs use through the library, without tickets: plain reads and writes, and one change of all of them.
//!
//! Invariant: [`Guard::exchange`] changes all cells or none, whichever process is killed at whichever instruction, once
//! the lock has been taken again. Plain writes make no such promise together; each by itself does.

use std::sync::atomic::AtomicU64;

use super::redo::{self, After};
use super::state::State;
use crate::error::Result;
use crate::lock::Guard;
use crate::segment::Segment;
use crate::value::{Number, Value};

impl Segment {
    /// A cell of the shared value.
    pub(crate) fn cell(&self, index: usize) -> Option<&AtomicU64> {
        match index.checked_sub(1) {
            None => Some(&self.view().header.core.value),
            Some(further) => self.view().further_cells.get(further),
        }
    }
}

impl Guard<'_> {
    /// Gives every cell its value in one commit.
    pub(crate) fn exchange(&mut self, values: impl Iterator<Item = Value>) -> Result<()> {
        redo::begin();
        for (entry, value) in self.segment().view().redo_entries().iter().zip(values) {
            redo::record_cell(entry, value, Number::Integer(0));
        }
        Ok(self.make_so(&After { ticket: 0, claim: State::Free, chunk: None })?)
    }
}
