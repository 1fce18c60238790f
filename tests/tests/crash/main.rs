//! What survives when processes are killed: at failpoints, at every instruction, at random.

mod bad_chunks_storm;
mod chunk_instructions;
mod chunk_mutants;
mod deaths;
mod end_of_run;
mod forks;
mod instructions;
mod lock;
mod mutants;
mod notices;
mod refused_removal;
mod results;
mod split_storm;
mod storm;
