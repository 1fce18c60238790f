//! Slurm: `sbatch --array`, tasks that it requeues, and tasks that are submitted again.

mod cluster;

use harness::{on_own_machine, skip, test_env, which};

use crate::accidents::{kill_while_it_computes, lose_two_hosts};
use crate::hosts::Hosts;
use crate::shared_folder::{Job, LONG, SHORT, SharedFolder};
use cluster::{Cluster, PROGRAMS};

/// Whether this machine lacks one of the programs; says so.
fn lacks_slurm(test: &str) -> bool {
    let missing = PROGRAMS.iter().find(|program| which(program).is_none());
    if let Some(program) = missing {
        skip(test, &format!("{program} is missing (apt-get install slurm-wlm munge)"));
    }
    missing.is_some()
}

/// Fault 70.
#[test]
fn an_array_whose_hosts_die_or_are_cut_off_counts_each_shard_once() {
    let test = "slurm::an_array_whose_hosts_die_or_are_cut_off_counts_each_shard_once";
    if lacks_slurm(test) || !on_own_machine!(an_array_whose_hosts_die_or_are_cut_off_counts_each_shard_once) {
        return;
    }
    let env = test_env!();
    let Some(hosts) = Hosts::start_or_skip(&env, test) else { return };
    let cluster = Cluster::start(&hosts);
    let folder = SharedFolder::new(&env, "primes", LONG);
    let shard = folder.command("$SLURM_ARRAY_TASK_ID", "auto/24");
    let _ = cluster.submit(&folder, &["--requeue", "--array=0-23%6"], &shard);

    lose_two_hosts(&hosts, &folder, || cluster.hasten_requeued());
    cluster.until_idle();
    folder.complete(|| cluster.submit_missing(&folder, &shard));
    folder.assert_total();
    folder.assert_more_starts();
    assert_eq!(hosts.host("h3").segments(), "");
}

/// Fault 70.
#[test]
fn what_a_dead_host_loses_is_missing_until_it_is_submitted_again() {
    let test = "slurm::what_a_dead_host_loses_is_missing_until_it_is_submitted_again";
    if lacks_slurm(test) || !on_own_machine!(what_a_dead_host_loses_is_missing_until_it_is_submitted_again) {
        return;
    }
    let env = test_env!();
    let Some(hosts) = Hosts::start_or_skip(&env, test) else { return };
    let cluster = Cluster::start(&hosts);
    let folder = SharedFolder::new(&env, "primes", LONG);
    let shard = folder.command("$SLURM_ARRAY_TASK_ID", "auto/24");
    let _ = cluster.submit(&folder, &["--no-requeue", "--array=0-23%6"], &shard);
    let lost = kill_while_it_computes(hosts.host("h1"), &folder);
    cluster.until_idle();
    // Slurm may have given the dead host more before it noticed.
    let missing = folder.missing();
    assert!(lost.is_subset(&missing), "{lost:?} of {missing:?}");
    let starts = folder.starts().len();
    cluster.submit_missing(&folder, &shard);
    assert_eq!(folder.places_started_since(starts), missing);
    folder.assert_total();
    folder.assert_more_starts();
}

#[test]
fn the_places_of_an_array_are_shards_and_missing_ones_can_be_submitted_again() {
    let test = "slurm::the_places_of_an_array_are_shards_and_missing_ones_can_be_submitted_again";
    if lacks_slurm(test) || !on_own_machine!(the_places_of_an_array_are_shards_and_missing_ones_can_be_submitted_again)
    {
        return;
    }
    let env = test_env!();
    let Some(hosts) = Hosts::start_or_skip(&env, test) else { return };
    let cluster = Cluster::start(&hosts);
    // The array says how many there are.
    let four = SharedFolder::new(&env, "four", Job { shards: 4, ..SHORT });
    let _ = cluster.submit(&four, &["--array=0-3"], &four.command("$SLURM_ARRAY_TASK_ID", "auto"));
    let ten = SharedFolder::new(&env, "ten", Job { shards: 10, ..SHORT });
    let shard = ten.command("$SLURM_ARRAY_TASK_ID", "auto/10");
    let _ = cluster.submit(&ten, &["--array=0-9"], &shard);
    cluster.until_idle();
    four.assert_total();
    ten.assert_total();

    ten.lose(&[3, 7, 8, 9]);
    assert_eq!(ten.missing_ranges(), "3,7-9");
    cluster.submit_missing(&ten, &shard);
    assert_eq!(ten.places_started_since(10), [3, 7, 8, 9].into());
    ten.assert_total();
}
