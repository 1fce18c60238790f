//! Printing commits, in their order.

use common::{Committed, Mode};

use super::Supervisor;
use crate::report;

impl Supervisor<'_> {
    /// Prints the commits since the last call.
    pub(super) fn print_new_commits(&mut self) {
        if self.ledger.done() > self.printed.until || self.output.is_pending() {
            let narrator = self.narrator;
            narrator.with_display_hidden(|| self.print_all_commits());
        }
    }

    fn print_all_commits(&mut self) {
        while let Some(committed) = self.ledger.committed(self.printed.until) {
            self.printed.until += 1;
            report::print_commit(self.segment, &committed, self.output);
            let Committed { ticket, contribution, value } = committed;
            self.narrator.step(match self.segment.terms().mode {
                Mode::Repeat => format!("Process-{ticket} committed {contribution}; the value is {value}"),
                Mode::Split => format!("Process-{ticket} committed its last chunk: {contribution} in all"),
                _ => format!("Process-{ticket} committed {contribution}"),
            });
        }
        self.output.write_what_fits();
        if let Some(delivered) = self.printed.delivered(self.output, self.segment.terms().mode) {
            // A coordinator that takes over prints the rest, and nothing twice.
            self.ledger.set_reported(delivered);
        }
    }
}
