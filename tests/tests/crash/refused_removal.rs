//! `coordinator remove`, refused each of its system calls in turn: what it says of the segment is true.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use harness::ptrace::Traced;
use harness::{report, skip, test_env};
use rustix::io::Errno;

/// Fault 59.
#[test]
fn a_remove_that_is_refused_a_system_call_never_calls_a_segment_gone_that_is_there() {
    let env = test_env!();
    let said = env.path().join("said");
    let remove = |name: &str| {
        let mut command = Command::new(env.path().join("coordinator"));
        // Without the test runner's environment, whose library path would make the loader search a dozen folders.
        command.env_clear().args(["remove", name]).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(&said).expect("it can be created"));
        Traced::start_as_it_is(command).map(Traced::with_its_signals)
    };
    let mut calls = 0;
    loop {
        let name = env.create(&format!("refused-{calls}"), &[]);
        // An error of `stat` above all; EIO is one that each call may answer with.
        let outcome = remove(&name).and_then(|mut victim| {
            let was_refused = victim.fail_call(calls, Errno::IO.raw_os_error());
            victim.finish();
            was_refused
        });
        let was_refused = match outcome {
            Ok(was_refused) => was_refused,
            Err(error) => {
                skip("a_remove_that_is_refused_a_system_call", &format!("ptrace: {error}"));
                env.remove(&name);
                return;
            }
        };
        let said = fs::read_to_string(&said).expect("it was created");
        if env.segment(&name).exists() {
            for untrue in ["removed ", "no segment"] {
                assert!(!said.contains(untrue), "call {calls}: {said}");
            }
            env.remove(&name);
        }
        if !was_refused {
            break;
        }
        calls += 1;
    }
    report(&format!("refused each of {calls} system calls of a removal"));
    assert!(calls > 20, "{calls}");
}
