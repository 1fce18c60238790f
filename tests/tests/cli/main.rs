//! What users of the two programs see: options, output, exit codes, files, signals.

mod by_hand;
mod commands;
mod descendants;
mod failures;
mod help;
mod hosted;
mod hostile;
mod input;
mod json;
mod kept;
mod kernels;
mod leftovers;
mod limits;
mod overflow;
mod places;
mod programs;
mod progress;
mod readme;
mod resume;
mod set_aside;
mod signals;
mod split;
mod stdio;
mod timeline;
mod values;
mod watch;
