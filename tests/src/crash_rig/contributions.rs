//! Victims that contribute once each, one ticket after another.

use common::{Cells, LockedLedger, Number, Segment, Snapshot, TakeOver, Terms, TicketState};

use super::{Subject, terms};

/// Tickets of one segment: few, so that a check of the whole ledger is quick.
const TICKETS: u32 = 32;

/// Claim, lock, commit, unlock; on a value or an array.
pub struct Contributions {
    cells: u32,
    ticket: u32,
    /// The sum of all earlier contributions to each cell.
    totals: Vec<i128>,
}

impl Contributions {
    /// Contributions to a value of that many cells.
    #[must_use]
    pub fn to(cells: u32) -> Self {
        Self { cells, ticket: 1, totals: vec![0; cells as usize] }
    }

    /// The ticket's contribution to each cell, as in `victims/steps.rs`.
    fn contribution(&self) -> Vec<i128> {
        (1..=self.cells).map(|cell| i128::from(cell) * i128::from(self.ticket) * 1_000_003).collect()
    }

    fn totals_after(&self) -> Vec<i128> {
        self.totals.iter().zip(self.contribution()).map(|(total, contribution)| total + contribution).collect()
    }
}

impl Subject for Contributions {
    fn terms(&self) -> Terms {
        Terms { cells: self.cells, ..terms(TICKETS) }
    }

    fn prepare(&mut self, _: &Segment) {
        *self = Self::to(self.cells);
    }

    fn action(&self) -> &'static str {
        "commit"
    }

    fn args(&self) -> Vec<String> {
        vec![self.ticket.to_string()]
    }

    fn finish(&mut self, mut guard: LockedLedger<'_>) -> Result<(), String> {
        let was_done = guard.ledger().ticket(self.ticket).is_ok_and(|state| state == Some(TicketState::Done));
        match guard.take(self.ticket).map_err(|error| format!("the ticket cannot be taken over: {error}"))? {
            TakeOver::AlreadyDone if was_done => Ok(()),
            TakeOver::Taken(claim) if !was_done => {
                let contribution: Cells<Number> = self.contribution().into_iter().map(Number::Integer).collect();
                let committed = guard.commit(&claim, contribution).map_err(|error| error.to_string())?;
                let value: Vec<i128> = integers(&committed.value.map(|value| value.number()));
                if value == self.totals_after() {
                    return Ok(());
                }
                Err(format!("the value is {} after the second attempt", committed.value))
            }
            _ => Err("the ticket is done and can be taken, or the other way round".to_owned()),
        }
    }

    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String> {
        self.totals = self.totals_after();
        if integers(&snapshot.value.map(|value| value.number())) != self.totals {
            return Err(format!("the value is {}, not {:?}", snapshot.value, self.totals));
        }
        self.ticket += 1;
        Ok(self.ticket <= TICKETS)
    }
}

/// The integers in all cells.
pub(super) fn integers(numbers: &Cells<Number>) -> Vec<i128> {
    numbers.as_slice().iter().map(|number| number.integer().expect("it holds integers")).collect()
}
