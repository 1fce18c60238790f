//! What is recorded during a run: launches and ends by the coordinator, spans by its workers.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt;

use common::span::{self, Head, RECORD, Span};
use common::{BootTime, Ledger, Number, Phase, Segment, TicketState, WorkerState, worker_file};

use crate::error::{Error, Result};
use crate::worker_outcome::WorkerExit;

/// The most launches that are recorded; a run with more has no readable picture.
const MOST_LAUNCHES: usize = 200_000;

/// How many bytes of the workers' file are read at a time.
const BLOCK: usize = 1024 * RECORD;

/// One launch of a worker.
pub struct Launch {
    pub ticket: u32,
    pub pid: u32,
    pub at: BootTime,
    pub end: Option<LaunchEnd>,
}

/// How a launch ended.
pub struct LaunchEnd {
    pub at: BootTime,
    pub exit: WorkerExit,
    /// What the worker was doing, if it had taken its ticket.
    pub phase: Option<Phase>,
    /// Whether the ticket was done by then.
    pub is_done: bool,
}

/// The recording of a run.
pub struct Recording {
    /// The file with the workers' spans.
    file: File,
    /// When the recording began.
    pub began: BootTime,
    /// What each ticket had contributed by then; of an array that to the first cell.
    pub before: BTreeMap<u32, Number>,
    about_to_launch: BootTime,
    pub launches: Vec<Launch>,
    /// The launch of each live worker, by its process id.
    alive: HashMap<u32, usize>,
    /// When adopted workers were found to be gone, by ticket.
    pub departures: BTreeMap<u32, BootTime>,
    /// Whether launches were left out.
    pub is_cut: bool,
}

impl Recording {
    /// Creates the workers' file.
    pub fn begin(segment: &Segment) -> Result<Self> {
        let began = BootTime::now();
        let file = worker_file::create("timeline", &Head { nonce: segment.nonce(), began }.to_bytes())
            .map_err(|source| Error::System { doing: "create the file for the timeline", source })?;
        Ok(Self {
            file,
            began,
            before: contributed(segment),
            about_to_launch: began,
            launches: Vec::new(),
            alive: HashMap::new(),
            departures: BTreeMap::new(),
            is_cut: false,
        })
    }

    /// The path of the workers' file, valid while this process lives.
    pub fn path(&self) -> String {
        worker_file::path(&self.file)
    }

    /// A worker is about to be launched.
    pub fn launching(&mut self) {
        self.about_to_launch = BootTime::now();
    }

    /// The worker was launched.
    pub fn launched(&mut self, ticket: u32, pid: u32) {
        if self.launches.len() < MOST_LAUNCHES {
            self.alive.insert(pid, self.launches.len());
            self.launches.push(Launch { ticket, pid, at: self.about_to_launch, end: None });
        } else {
            self.is_cut = true;
        }
    }

    /// A launched worker has ended.
    pub fn ended(&mut self, segment: &Segment, ticket: u32, pid: u32, exit: WorkerExit) {
        let Some(launch) = self.alive.remove(&pid).and_then(|index| self.launches.get_mut(index)) else { return };
        let phase = Ledger::of(segment).phase(ticket).filter(|(last, _)| *last == pid).map(|(_, phase)| phase);
        // A commit that is published but not yet applied may show only in the worker's spans.
        let is_done = matches!(Ledger::of(segment).ticket(ticket), Ok(Some(TicketState::Done)));
        launch.end = Some(LaunchEnd { at: BootTime::now(), exit, phase, is_done });
    }

    /// An adopted worker is gone.
    pub fn left(&mut self, ticket: u32) {
        self.departures.insert(ticket, BootTime::now());
    }

    /// The workers' spans by ticket and process, each worker's in order; and whether none was lost.
    pub fn spans(&self) -> (HashMap<(u32, u32), Vec<Span>>, bool) {
        let mut spans: HashMap<(u32, u32), Vec<Span>> = HashMap::new();
        let capacity = span::room();
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        let (mut block, mut at) = (vec![0; BLOCK], RECORD as u64);
        while at < length.min(capacity) {
            let count = self.file.read_at(&mut block, at).unwrap_or(0);
            let (records, _) = block[..count].as_chunks::<RECORD>();
            if records.is_empty() {
                break;
            }
            for span in records.iter().filter_map(Span::from_bytes) {
                spans.entry((span.ticket, span.pid)).or_default().push(span);
            }
            at += (records.len() * RECORD) as u64;
        }
        (spans, length < capacity)
    }
}

/// What each ticket has contributed, if anything: to an array that to its first cell.
fn contributed(segment: &Segment) -> BTreeMap<u32, Number> {
    let ledger = Ledger::of(segment);
    let is_begun = |ticket: u32| ledger.slot(ticket).is_some_and(|slot| slot.state != WorkerState::Pending);
    let sum = |ticket: u32| Some((ticket, *ledger.added(ticket)?.0.as_slice().first()?));
    (1..=segment.terms().slots).filter(|ticket| is_begun(*ticket)).filter_map(sum).collect()
}
