//! A shell command that stays alive as the kernel: it serves one range after the other.
//!
//! `sh -c` runs the command once for each worker. For each range the worker writes `START END` and a newline to its stdin (the end
//! is exclusive), and it answers with one line on stdout: the numbers, one for each cell; or `error: TEXT`, which is a failed
//! attempt. One that ends, answers with anything else, or takes too long is killed with its process group; the next attempt
//! starts another one. At the worker's end its stdin is closed, and it has the run's grace period to end. What it writes to
//! stderr passes through. An answer must depend only on the range: that is up to the command.

mod server;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use server::{Limits, Server};

use super::command::{most_bytes, numbers, start};
use super::{Contribution, Failure, Kernel, Task, Watch};

/// What an answer begins with that is a failed attempt, and no reason to replace the command.
const ERROR: &str = "error:";

/// Lets a command that stays alive compute the ranges.
pub struct Serve {
    server: Mutex<Option<Server>>,
}

impl Serve {
    /// Its name.
    pub const NAME: &str = "serve";

    /// Without a running command.
    #[must_use]
    pub const fn new() -> Self {
        Self { server: Mutex::new(None) }
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel for Serve {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn about(&self) -> &'static str {
        "what a command answers that stays alive: one line for each range"
    }

    fn cells(&self) -> Option<u32> {
        None
    }

    fn keeps_processes(&self) -> bool {
        true
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        watch.step(0)?;
        let terms = &task.terms;
        let limits = Limits { timeout: terms.command_timeout, line: most_bytes(terms) };
        let mut kept = self.server();
        // If it does not come back from here, it is killed.
        let mut server = match kept.take() {
            Some(server) => server,
            None => start(|| Server::start(task), watch)?,
        };
        let line = server.ask(task, &limits, watch)?;
        let answer = match line.trim_ascii().strip_prefix(ERROR.as_bytes()) {
            Some(why) => Err(Failure::Failed(reason(why))),
            None => Ok(numbers(&line, "in its answer", terms).map_err(Failure::Failed)?),
        };
        *kept = Some(server);
        answer
    }

    fn finish(&self) {
        if let Some(server) = self.server().take() {
            server.finish();
        }
    }
}

/// The reason in an answer that is an error.
fn reason(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.trim_ascii()).into_owned();
    if text.is_empty() { "the command answered: error".to_owned() } else { text }
}
