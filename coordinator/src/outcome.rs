//! What becomes of a run and of its workers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::exit_code;
use rustix::process::WaitStatus;

use crate::signals::Farewell;

/// Why a run ended before its workers were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a signal to the coordinator.
    Farewell(Farewell),
    /// By `--timeout`.
    TimedOut,
    /// By `coordinator stop`.
    Stopped,
}

impl Ending {
    /// What ended the run, in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Farewell(farewell) => farewell.name(),
            Self::TimedOut => "timeout",
            Self::Stopped => "coordinator stop",
        }
    }
}

/// What became of a run.
pub struct Outcome {
    /// Why it ended early, if it did.
    pub ending: Option<Ending>,
    /// What became of each worker that was launched.
    pub fates: Fates,
    /// When the run's time is up, reporting included.
    pub deadline: Option<Instant>,
}

/// How long a reader that lags behind has, after a signal or a timeout, to take the result.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

impl Outcome {
    /// Until when a reader of the result is waited for; nothing if for as long as it takes.
    pub fn report_until(&self) -> Option<Instant> {
        match self.ending {
            Some(Ending::Farewell(_) | Ending::TimedOut) => Some(Instant::now() + LAST_PATIENCE),
            _ => self.deadline,
        }
    }
}

/// What became of the workers of one ticket.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// Launches after the first.
    pub restarts: u32,
    /// The last one's exit code.
    pub exit_code: Option<i32>,
    /// The signal that killed the last one.
    pub signal: Option<i32>,
    /// Why the ticket was given up.
    pub failure: Option<String>,
}

impl Fate {
    /// Of a worker that ended as it should.
    fn good() -> Self {
        Self { exit_code: Some(0), ..Self::default() }
    }
}

/// The fates of the tickets whose workers a coordinator launched.
///
/// Most workers end as they should: of these it keeps a bit each, so that its memory hardly grows with their number.
#[derive(Debug, Default)]
pub struct Fates {
    good: Vec<u64>,
    others: BTreeMap<u32, Fate>,
}

impl Fates {
    /// Keeps how a worker ended.
    pub fn record(&mut self, ticket: u32, status: WaitStatus) {
        if status.exit_status() == Some(0) && !self.others.contains_key(&ticket) {
            let (word, bit) = place(ticket);
            self.good.resize(self.good.len().max(word + 1), 0);
            self.good[word] |= bit;
        } else {
            let fate = self.of(ticket);
            fate.exit_code = status.exit_status();
            fate.signal = status.terminating_signal();
        }
    }

    /// The fate of a ticket, to be changed.
    pub fn of(&mut self, ticket: u32) -> &mut Fate {
        let was_good = self.is_good(ticket);
        self.others.entry(ticket).or_insert_with(|| if was_good { Fate::good() } else { Fate::default() })
    }

    /// The fate of any ticket, if this coordinator had to do with it.
    pub fn get(&self, ticket: u32) -> Option<Cow<'_, Fate>> {
        let good = || self.is_good(ticket).then(|| Cow::Owned(Fate::good()));
        self.others.get(&ticket).map(Cow::Borrowed).or_else(good)
    }

    /// The tickets that were given up, and why.
    pub fn failures(&self) -> impl Iterator<Item = (u32, &str)> {
        self.others.iter().filter_map(|(ticket, fate)| Some((*ticket, fate.failure.as_deref()?)))
    }

    /// Whether a contribution was refused because it does not fit.
    pub fn have_overflow(&self) -> bool {
        let overflow = Some(i32::from(exit_code::OVERFLOW));
        self.others.values().any(|fate| fate.failure.is_some() && fate.exit_code == overflow)
    }

    fn is_good(&self, ticket: u32) -> bool {
        let (word, bit) = place(ticket);
        self.good.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// Where a ticket's bit is.
fn place(ticket: u32) -> (usize, u64) {
    (ticket as usize / 64, 1 << (ticket % 64))
}

/// How a worker ended, as the middle of a sentence.
pub fn describe(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("unknown");
            format!("was killed by signal {signal} ({name})")
        }
        (Some(101), _) => "panicked (exit code 101)".to_owned(),
        (code, _) => format!("ended with exit code {}", code.unwrap_or(-1)),
    }
}

/// Why launching again would end the same way, if it would.
pub fn is_final(status: WaitStatus) -> Option<&'static str> {
    match u8::try_from(status.exit_status()?).ok()? {
        exit_code::COMPLETE => Some("it did not contribute; is it a worker executable?"),
        exit_code::USAGE => Some("it does not accept its arguments, or what the segment wants of it"),
        exit_code::FOREIGN => Some("it cannot use the segment"),
        exit_code::NOTHING_TO_DO => Some("it found nothing to do"),
        exit_code::OVERFLOW => Some("its contribution does not fit"),
        _ => None,
    }
}
