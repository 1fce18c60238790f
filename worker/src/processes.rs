//! The processes that a worker starts, and whatever these start.
//!
//! They end with the worker, also if they moved to another session or their parents are dead. Only after a SIGKILL, or a signal
//! while no kernel runs, they outlive it: a launched worker's coordinator ends them then, and a worker started by hand leaves
//! them behind.

use common::Descendants;

/// Everything that this worker started, directly or not; dropping it ends it.
pub struct Processes(Descendants);

impl Processes {
    /// From now on this process gets what its children leave behind.
    pub fn adopt() -> Self {
        Self(Descendants::adopt(None))
    }

    /// Reaps what has ended. Call it between attempts: a kernel has ended its processes by then.
    pub fn reap(&self) {
        self.0.reap();
    }

    /// Kills them, and waits for a moment until they are gone.
    pub fn end(&self) {
        // Who does not end now is the coordinator's, or nobody's.
        let _ = self.0.end_all(|_| false);
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end();
    }
}
