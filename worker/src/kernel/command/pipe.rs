//! The reading end of a command's pipe.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, ioctl_fionbio};

/// Bytes per read.
const PIECE: usize = 1 << 14;

/// Reads what a command writes, without waiting for it.
pub struct Pipe {
    /// Nothing once all writers have closed it.
    pipe: Option<OwnedFd>,
    /// What was read.
    pub kept: Vec<u8>,
}

impl Pipe {
    /// The pipe, if there is one.
    pub fn new(pipe: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            // Only for this end: the command's end is another open file description.
            ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe, kept: Vec::new() })
    }

    /// What becomes readable when there is more, unless all writers have closed it.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Whether all writers have closed it.
    pub fn is_closed(&self) -> bool {
        self.pipe.is_none()
    }

    /// Reads a piece, if one is there. Returns whether it read one or reached the end. After an error there is no more.
    pub fn read(&mut self) -> Result<bool, Errno> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        let mut piece = [0; PIECE];
        match rustix::io::read(pipe, &mut piece) {
            Ok(count @ 1..) => self.kept.extend_from_slice(&piece[..count]),
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Ok(0) => self.pipe = None,
            Err(error) => {
                self.pipe = None;
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Reads a piece, passes it on, and drops all but the last bytes. An error ends it: such output is no part of the result.
    pub fn read_tail(&mut self, most: usize, pass: impl FnOnce(&[u8])) -> bool {
        let before = self.kept.len();
        let has_more = self.read().unwrap_or(false);
        pass(&self.kept[before..]);
        self.kept.drain(..self.kept.len().saturating_sub(most));
        has_more
    }
}
