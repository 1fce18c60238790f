//! GNU parallel: hosts that it reaches over a stand-in for ssh, its retries, and shards that are started again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command as Process;

use harness::{Command, TestEnv, on_own_machine, skip, test_env};

use crate::accidents::lose_two_hosts;
use crate::hosts::{Hosts, NAMES};
use crate::patience::until_engine;
use crate::shared_folder::{LONG, SHORT, SharedFolder};

/// Called as ssh is: `ssh HOST -- COMMAND`. As with ssh, a connection fails or ends with 255 when the host does not
/// answer, and what it has started there goes on. The outer shell is not on the host: it waits also for a host that is
/// paused.
const SSH: &str = r#"#!/bin/sh
host=$1
shift
[ "$1" != -- ] || shift
answers() { [ -n "$(ip link show up dev "$host" 2>/dev/null)" ]; }
answers && init=$(cat "${0%/*}/$host") || exit 255
nsenter --no-fork --target "$init" --mount --pid --net --ipc --uts -- sh -c 'sh -c "$0" & wait $!' "$*" &
while kill -0 $! 2>/dev/null; do
    answers || exit 255
    sleep 0.1
done
wait $!
"#;

/// Whether this machine lacks GNU parallel; says so. Another program has the same name.
fn lacks_parallel(test: &str) -> bool {
    let version = Process::new("parallel").arg("--version").output();
    let found = version.is_ok_and(|version| version.stdout.starts_with(b"GNU parallel"));
    if !found {
        skip(test, "GNU parallel is missing (apt-get install parallel)");
    }
    !found
}

/// GNU parallel, without files outside the test's folder.
fn parallel(env: &TestEnv, folder: &SharedFolder) -> Command {
    env.program(Path::new("parallel")).with(|process| {
        let files = env.path().join("parallel");
        fs::create_dir_all(&files).expect("the folder can be made");
        process.env("PARALLEL_HOME", &files).env("TMPDIR", &files).env("PARALLEL_SHELL", "/bin/sh");
        process.env("PATH", folder.search_path());
    })
}

/// Fault 70.
#[test]
fn retries_after_hosts_die_or_are_cut_off_count_each_shard_once() {
    let test = "parallel::retries_after_hosts_die_or_are_cut_off_count_each_shard_once";
    if lacks_parallel(test) || !on_own_machine!(retries_after_hosts_die_or_are_cut_off_count_each_shard_once) {
        return;
    }
    let env = test_env!();
    let Some(hosts) = Hosts::start_or_skip(&env, test) else { return };
    let folder = SharedFolder::new(&env, "primes", LONG);
    let ssh = env.path().join("ssh");
    fs::write(&ssh, SSH).expect("the script can be written");
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).expect("it can be executable");
    let started_on = |names: &str, places: BTreeSet<u64>| {
        let options = ["--ssh", &ssh.to_string_lossy(), "--sshlogin", names, "--retries", "4", "--jobs", "2"];
        let shards = parallel(&env, &folder).args(options).args([&folder.command("{}", "{}/24"), ":::"]);
        shards.args(places.iter().map(u64::to_string)).start()
    };
    let run = started_on(&NAMES.join(","), (0..24).collect());

    lose_two_hosts(&hosts, &folder, || ());
    until_engine("GNU parallel to end", || run.has_ended());
    let _ = run.finish();
    folder.complete(|| drop(started_on("h3", folder.missing()).finish()));
    folder.assert_total();
    folder.assert_more_starts();
    assert_eq!(hosts.host("h3").segments(), "");
}

#[test]
fn the_places_of_local_jobs_are_shards_and_missing_ones_can_be_started_again() {
    let test = "parallel::the_places_of_local_jobs_are_shards_and_missing_ones_can_be_started_again";
    if lacks_parallel(test) {
        return;
    }
    let env = test_env!();
    let folder = SharedFolder::new(&env, "primes", SHORT);
    let first = folder.command("$((PARALLEL_SEQ - 1))", "auto/24");
    let places = (0..24).map(|place: u64| place.to_string());
    let _ = parallel(&env, &folder).args(["--jobs", "2", "-n0", &first, ":::"]).args(places).run().expect(0);
    folder.assert_total();

    folder.lose(&[3, 7, 8, 9]);
    let again = folder.command("{}", "{}/24");
    let missing = folder.missing();
    let places = missing.iter().map(u64::to_string);
    let _ = parallel(&env, &folder).args(["--jobs", "2", &again, ":::"]).args(places).run().expect(0);
    assert_eq!(folder.places_started_since(24), [3, 7, 8, 9].into());
    folder.assert_total();
}
