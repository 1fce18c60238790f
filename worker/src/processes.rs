//! The processes that a worker starts, and whatever these start.
//!
//! They end with the worker, also if they moved to another session or their parents are dead. Only after a SIGKILL, or a signal
//! while no kernel runs, they outlive it: a launched worker's coordinator ends them then, and a worker started by hand leaves
//! them behind.

use std::sync::Mutex;

use common::Descendants;
use rustix::process::{child_subreaper, set_child_subreaper};

/// Everything that this worker started, directly or not; dropping it ends it.
pub struct Processes {
    descendants: Mutex<Descendants>,
    /// Whether this process got what its children left behind already before.
    were_adopted: bool,
}

impl Processes {
    /// From now on this process gets what its children leave behind, until this is dropped.
    pub fn adopt() -> Self {
        let were_adopted = matches!(child_subreaper(), Ok(Some(_)));
        Self { descendants: Mutex::new(Descendants::adopt(None)), were_adopted }
    }

    /// Reaps what has ended. Call it between the attempts of a kernel that has ended its processes by then.
    pub fn reap(&self) {
        self.with(Descendants::reap);
    }

    /// Kills them, and waits for a moment until they are gone.
    pub fn end(&self) {
        self.with(|descendants| {
            // Who does not end now is the coordinator's, or nobody's.
            let _ = descendants.end_all(|_| false);
        });
    }

    fn with(&self, act: impl FnOnce(&Descendants)) {
        // Another thread that has the lock is about to end the process, or this one is its forked child.
        if let Ok(descendants) = self.descendants.try_lock() {
            act(&descendants);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end();
        if !self.were_adopted {
            // Cannot fail either.
            let _ = set_child_subreaper(None);
        }
    }
}
