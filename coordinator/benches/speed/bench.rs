//! What every section needs.

use crate::measurement::{BuildDir, Options};
use crate::peers::Peers;

pub struct Bench<'a> {
    pub options: &'a Options,
    pub build_dir: &'a BuildDir,
    pub peers: Peers<'a>,
}
