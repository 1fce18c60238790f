//! A worker that is told to go goes, at whichever instruction: the segment is made for that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{exit_code, process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;

/// From now on SIGINT, SIGTERM and SIGHUP end the process with their exit codes.
pub fn leave_at_once() {
    process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
    for (signal, code) in
        [(SIGINT, exit_code::INTERRUPTED), (SIGTERM, exit_code::TERMINATED), (SIGHUP, exit_code::HANGUP)]
    {
        if signal != SIGHUP || !process::was_told_to_ignore(SIGHUP) {
            // Where it cannot be registered the default remains, which ends the process as well.
            let _ = register_conditional_shutdown(signal, code.into(), Arc::new(AtomicBool::new(true)));
        }
    }
}
