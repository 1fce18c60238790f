//! The files of the pictures: what cannot be written is told before the run, and a run that does not begin changes none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::args::{Picture, PictureFormat};
use crate::error::{Error, Result};

/// A file that is open and not written yet. Dropped so, it is removed if it was not there before.
pub struct PictureFile {
    path: PathBuf,
    format: PictureFormat,
    file: File,
    is_new: bool,
}

impl PictureFile {
    /// Opens the file, and makes it if there is none; what is in it stays until there is something better.
    pub fn open(picture: &Picture) -> Result<Self> {
        let Picture { path, format } = picture;
        let why = |source| Error::Timeline { path: path.clone(), source };
        // Without O_NONBLOCK a FIFO would be waited for.
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

    /// Where it is.
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
            // An empty picture is no picture; nothing more can be done about a failure here.
            let _ = fs::remove_file(&self.path);
        }
    }
}
