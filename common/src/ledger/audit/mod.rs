//! The audit of a ledger: its invariants and its totals, in one pass that keeps no list of the tickets.
//!
//! [`Books`] are what it reads: a snapshot, or the segment itself while its lock is held (`locked`).

mod completion;
mod locked;
mod logged_tickets;
mod sums;
mod totals;
mod violation;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use completion::{Completion, Rest};
pub(crate) use logged_tickets::LoggedTickets;
pub(crate) use sums::ExactSum;
use sums::ValueSum;
pub use totals::Totals;
pub use violation::Violation;

use crate::terms::{Mode, Terms};
use crate::value::{Cells, Number, Value};

/// A ledger at one moment.
pub(crate) trait Books {
    fn terms(&self) -> &Terms;

    /// The shared value.
    fn value(&self) -> Cells<Value>;

    /// The tickets that are done, in the order of their commits.
    fn log(&self) -> impl Iterator<Item = u32>;

    /// The tickets in use, by number. `logged` are those of the log.
    fn entries<'a>(&'a self, logged: &'a LoggedTickets) -> impl Iterator<Item = TicketEntry<'a>>;

    /// What was added under a ticket of the log.
    fn contribution(&self, ticket: u32) -> Option<Cow<'_, Cells<Number>>>;

    /// The run's iterations below this one are given out.
    fn given_out(&self) -> u64;

    /// The ranges that are set aside.
    fn set_aside(&self) -> impl Iterator<Item = Range<u64>>;
}

/// What an audit needs of a ticket.
pub(crate) struct TicketEntry<'a> {
    pub ticket: u32,
    pub is_done: bool,
    /// The sum of its contributions.
    pub contribution: Option<Cow<'a, Cells<Number>>>,
    /// The number of iterations in its applied chunks.
    pub iterations: u64,
    /// The chunk that it holds; empty if it holds none.
    pub chunk: Range<u64>,
}

/// Checks the invariants and adds up the contributions.
pub(crate) fn audit(books: &impl Books) -> Result<Totals, Violation> {
    let terms = books.terms();
    let logged = LoggedTickets::of(terms.slots, books.log());
    let value = books.value();
    let mut tally = Tally::new(terms, value.as_slice().len());
    for entry in books.entries(&logged) {
        tally.count(&entry, logged.times(entry.ticket));
    }
    if terms.mode == Mode::Repeat && terms.value_type.is_float() {
        // The last digits of fractions depend on the order of the additions.
        let contributions = books.log().filter_map(|ticket| books.contribution(ticket));
        contributions.for_each(|contribution| tally.sum.add(&contribution));
    }
    tally.check_value(&value)?;
    tally.check_log(logged.length())?;
    let set_aside: u128 = books.set_aside().map(|range| length(&range)).sum();
    tally.check_chunks(books.given_out(), set_aside)?;
    let is_set_aside = books.set_aside().next().is_some();
    let rest = Rest { given_out: books.given_out(), is_set_aside, logged: logged.length() };
    let is_complete = tally.completion.is_complete(terms, rest);
    Ok(Totals { mode: terms.mode, value_type: terms.value_type, value, exact: tally.exact.total(), is_complete })
}

/// What the tickets make together.
struct Tally<'a> {
    terms: &'a Terms,
    sum: ValueSum,
    exact: ExactSum,
    completion: Completion,
    /// How many tickets are done, and how many of these the log names.
    done: usize,
    logged: usize,
    /// Iterations that are applied, and those that are part of a chunk.
    applied: u128,
    held: u128,
}

impl<'a> Tally<'a> {
    fn new(terms: &'a Terms, cells: usize) -> Self {
        let (sum, exact) = (ValueSum::new(terms, cells), ExactSum::new(terms, cells));
        Self { terms, sum, exact, completion: Completion::default(), done: 0, logged: 0, applied: 0, held: 0 }
    }

    /// Counts a ticket that the log names so often.
    fn count(&mut self, entry: &TicketEntry<'_>, times: usize) {
        if let Some(contribution) = &entry.contribution {
            self.exact.add(contribution);
            for _ in 0..self.additions(times) {
                self.sum.add(contribution);
            }
        }
        self.completion.count(self.terms, entry);
        self.done += usize::from(entry.is_done);
        self.logged += usize::from(entry.is_done && times > 0);
        self.applied += u128::from(entry.iterations);
        self.held += length(&entry.chunk);
    }

    /// How often the value has the contribution of a ticket, as far as the order does not matter.
    fn additions(&self, times: usize) -> usize {
        match self.terms.mode {
            _ if self.terms.value_type.is_float() => 0,
            Mode::Repeat => times,
            Mode::Split => 1,
            Mode::Independent | Mode::Shared => 0,
        }
    }

    fn check_value(&self, value: &Cells<Value>) -> Result<(), Violation> {
        match self.terms.mode {
            Mode::Shared => Ok(()),
            // The order of the additions is unknown.
            Mode::Split if self.terms.value_type.is_float() => Ok(()),
            _ => self.sum.must_be(value),
        }
    }

    fn check_log(&self, length: usize) -> Result<(), Violation> {
        let (logged, done) = (self.logged, self.done);
        if logged == done && length == done { Ok(()) } else { Err(Violation::Log { length, logged, done }) }
    }

    fn check_chunks(&self, given_out: u64, set_aside: u128) -> Result<(), Violation> {
        let Self { terms, applied, held, .. } = *self;
        let given_out = given_out.saturating_sub(terms.range().start);
        if terms.mode != Mode::Split || u128::from(given_out) == applied + held + set_aside {
            Ok(())
        } else {
            Err(Violation::Chunks { given_out, applied, held, set_aside })
        }
    }
}

fn length(range: &Range<u64>) -> u128 {
    range.end.wrapping_sub(range.start).into()
}
