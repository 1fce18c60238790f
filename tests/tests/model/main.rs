//! Models of the protocols: every interleaving of a few processes and deaths.

mod chunk_protocol;
mod code_names;
mod commit_protocol;
mod exploration;
