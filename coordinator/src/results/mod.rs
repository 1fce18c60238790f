//! Folders of exact results: each part of a job once, from any number of machines.

pub mod folder;
pub mod job;
pub mod shard_result;
mod spelling;
