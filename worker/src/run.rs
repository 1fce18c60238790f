//! A worker as a call: the whole `main`, for a process that another `main` owns.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use common::ExitOnTruncation;
use common::cli::{self, exit_code};

use crate::args::Args;
use crate::contribute::contribute;
use crate::kernel::{self, Kernel};
use crate::processes::Processes;
use crate::report;
use crate::signals::Signals;
use crate::sys::stdio;

/// Runs a worker, with `kernels` and the built-in kernels; returns its exit code. Of two kernels with the same name the former is
/// used.
///
/// For a process that is more than a worker, such as an interpreter. `args` begin with the program's name, as
/// [`std::env::args_os`] and Python's `sys.argv` do; help and usage errors name it. Like [`main_with`](crate::main_with), it
/// prints help, version and a result on stdout, and errors on stderr, and takes hours if the kernel does.
///
/// ```
/// use worker::{Contribution, Failure, Kernel, Task, Watch};
///
/// struct Scripted {
///     name: String,
///     compute: Box<dyn Fn(u64, u64) -> i128 + Sync>,
/// }
///
/// impl Kernel for Scripted {
///     fn name(&self) -> &str {
///         &self.name
///     }
///     fn about(&self) -> &str {
///         "a function that a script has defined"
///     }
///     fn watches(&self) -> bool {
///         false
///     }
///     fn compute(&self, task: &Task, _: &mut dyn Watch) -> Result<Contribution, Failure> {
///         Ok((self.compute)(task.range.start, task.range.end).into())
///     }
/// }
///
/// let name = format!("lengths-{}", 1);
/// let kernel = Scripted { name, compute: Box::new(|start, end| i128::from(end - start)) };
/// assert_eq!(worker::run(["script.py", "--version"], &[&kernel]), 0);
/// assert_eq!(worker::run(["script.py", "--iterations", "many"], &[&kernel]), 2);
/// ```
///
/// # What it does to the process
///
/// While it runs, and no longer:
///
/// - SIGINT, SIGTERM and SIGHUP end the process at once, without unwinding or flushing anything, unless they were ignored. While
///   a kernel computes that starts processes or does not [watch](Kernel::watches), they end what it has started first. The
///   calling thread takes them even if it had blocked them. A handler that the program had does not run; it is restored.
/// - SIGUSR1, SIGXFSZ and SIGPIPE do not end the process. A handler that the program had for one of them stays.
/// - In a forked child these signals do what they did before.
/// - The process is a subreaper (`PR_SET_CHILD_SUBREAPER`). What it starts, directly or not, is taken for the kernel's: it is
///   killed and reaped at the end. If the process had children before, they and all others are left alone.
/// - If another program truncates a segment, of whatever kind, the process ends at once ([`common::exit_on_truncation`]).
/// - For a kernel that does not watch there is another thread, which takes no signals. It may end the process.
///
/// For good: `/dev/null` stands for each of stdin, stdout and stderr that was closed, and the first thread that runs a worker has
/// a larger stack for the handlers of signals (sigaltstack(2)).
///
/// It reads no arguments of the process, changes no panic hook, and does not exit, except as said. A panic of a kernel passes
/// through it.
///
/// One worker at a time: a second call, in another thread, in a kernel or in a forked child of one, returns 2 and says so. One
/// after the other they work.
pub fn run<A>(args: A, kernels: &[&dyn Kernel]) -> u8
where
    A: IntoIterator,
    A::Item: Into<OsString>,
{
    let args = match cli::parse_from::<Args>(args.into_iter().map(Into::into)) {
        Ok(args) => args,
        Err(code) => return code,
    };
    let Some(_turn) = Turn::take() else {
        cli::report("this process, or the one that it was forked from, is running a worker already", None);
        return exit_code::USAGE;
    };
    stdio::open_missing();
    let _exit = ExitOnTruncation::with(exit_code::FOREIGN);
    let signals = Signals::leave_at_once(Arc::new(Processes::adopt()));
    let kernels: Vec<&dyn Kernel> = kernels.iter().chain(kernel::built_in()).copied().collect();
    match contribute(&args, &kernels, &signals) {
        Ok(()) => exit_code::COMPLETE,
        Err(error) => {
            // The coordinator reports a stop, and what is missing, once for all its workers.
            if error.is_to_be_reported(args.ticket.is_some()) {
                report::failure(&args, &error);
            }
            error.exit_code()
        }
    }
}

/// The right to be the process's worker. A forked child inherits that somebody has it.
struct Turn;

static IS_TAKEN: AtomicBool = AtomicBool::new(false);

impl Turn {
    fn take() -> Option<Self> {
        // Acquire: pairs with the Release in `drop`.
        IS_TAKEN.compare_exchange(false, true, Acquire, Acquire).is_ok().then(|| Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Release: the next worker comes after all of this one. Pairs with the Acquire in `take`.
        IS_TAKEN.store(false, Release);
    }
}
