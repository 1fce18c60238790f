//! What users of many machines see: real engines, on hosts that die and hosts that are cut off.

mod accidents;
mod hosts;
mod parallel;
mod patience;
mod shared_folder;
mod slurm;
