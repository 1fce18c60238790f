//! The pictures' files: opened before the run, so that errors show early; a run that does not begin changes none of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::args::{Picture, PictureFormat};
use crate::error::{Error, Result};

/// An open file that is not written yet. Dropping it removes the file if this created it.
pub struct PictureFile {
    path: PathBuf,
    format: PictureFormat,
    file: File,
    is_new: bool,
}

impl PictureFile {
    /// Opens or creates the file; keeps its contents until [`Self::write`].
    pub fn open(picture: &Picture) -> Result<Self> {
        let Picture { path, format } = picture;
        let why = |source| Error::Timeline { path: path.clone(), source };
        // Without O_NONBLOCK, opening a FIFO would block.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(flags);
        let (file, is_new) = match options.clone().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (options.open(path).map_err(why)?, false),
            Err(error) => return Err(why(error)),
        };
        if !file.metadata().map_err(why)?.is_file() {
            return Err(why(io::Error::new(ErrorKind::InvalidInput, "it is not a file")));
        }
        Ok(Self { path: path.clone(), format: *format, file, is_new })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the picture.
    pub fn write(mut self, draw: impl FnOnce(PictureFormat, &mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.is_new = false;
        self.file.set_len(0)?;
        let mut sink = BufWriter::new(&self.file);
        draw(self.format, &mut sink)?;
        sink.flush()
    }
}

impl Drop for PictureFile {
    fn drop(&mut self) {
        if self.is_new {
            // A failure cannot be handled here.
            let _ = fs::remove_file(&self.path);
        }
    }
}
