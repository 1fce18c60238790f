//! What happens to the hosts while they compute.

use std::collections::BTreeSet;

use crate::hosts::{Host, Hosts};
use crate::patience::until_engine;
use crate::shared_folder::SharedFolder;

/// One host is killed. Another one is paused and cut off, goes on when its shard is computed elsewhere, too, and is
/// killed when the shard has its result. `meanwhile` is called again and again while the engine notices.
pub fn lose_two_hosts(hosts: &Hosts, folder: &SharedFolder, mut meanwhile: impl FnMut()) {
    let (dead, cut_off) = (hosts.host("h1"), hosts.host("h2"));
    let _ = kill_while_it_computes(dead, folder);
    let half_done = pause_while_it_computes(cut_off, folder);
    let before = folder.starts_of(half_done);
    cut_off.cut_off();
    until_engine("the shard to start elsewhere", || {
        meanwhile();
        folder.starts_of(half_done) > before
    });
    cut_off.unpause();
    until_engine("the shard's result", || folder.result(half_done).exists());
    cut_off.kill();
}

/// Kills a host that has started shards; returns those that are lost.
pub fn kill_while_it_computes(host: &Host, folder: &SharedFolder) -> BTreeSet<u64> {
    let _ = pause_while_it_computes(host, folder);
    let lost = folder.open_on(host.name());
    host.kill();
    lost
}

/// Pauses a host that has started a shard; its result cannot come any more.
fn pause_while_it_computes(host: &Host, folder: &SharedFolder) -> u64 {
    let mut half_done = None;
    until_engine(&format!("{} to compute", host.name()), || {
        host.pause();
        half_done = folder.open_on(host.name()).first().copied();
        if half_done.is_none() {
            host.unpause();
        }
        half_done.is_some()
    });
    half_done.expect("it computes")
}
