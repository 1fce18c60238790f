//! The pictures' files: looked at before the run, so that errors show early; written after it, whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, OFlags, access};

use crate::args::{Picture, PictureFormat};
use crate::error::{Error, Result};

/// A picture that is not written yet.
pub struct PictureFile {
    /// As it was given, for messages.
    named: PathBuf,
    /// Where it goes: links are followed.
    target: PathBuf,
    format: PictureFormat,
}

impl PictureFile {
    /// Checks that the file can be written. Changes nothing.
    pub fn prepare(picture: &Picture) -> Result<Self> {
        let Picture { path, format } = picture;
        let why = |source| Error::Timeline { path: path.clone(), source };
        let target = target(path).map_err(why)?;
        access(folder(&target), Access::WRITE_OK | Access::EXEC_OK).map_err(|error| why(error.into()))?;
        Ok(Self { named: path.clone(), target, format: *format })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.named
    }

    /// The folder that it is written into.
    pub fn folder(&self) -> &Path {
        folder(&self.target)
    }

    /// Writes the picture into a file beside its own, which then takes its place. After an error the old picture stays.
    pub fn write(self, draw: impl FnOnce(PictureFormat, &mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let draft = Draft::create(&self.target)?;
        let mut sink = BufWriter::new(&draft.file);
        draw(self.format, &mut sink)?;
        sink.flush()?;
        drop(sink);
        draft.replace(&self.target)
    }
}

/// The file that the path stands for.
fn target(path: &Path) -> io::Result<PathBuf> {
    // Without O_NONBLOCK, opening a FIFO would block.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Ok(file) if file.metadata()?.is_file() => fs::canonicalize(path),
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file")),
        // A link to nothing would stay a link.
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside the picture's. Dropping it removes it, unless it has taken the picture's place.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn create(target: &Path) -> io::Result<Self> {
        let path = folder(target).join(format!(".killproof-timeline-{:016x}", common::random()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let draft = Self { path, file };
        // The picture may be drawn again: who could read the last one reads this one.
        if let Ok(before) = fs::metadata(target) {
            draft.file.set_permissions(before.permissions())?;
        }
        Ok(draft)
    }

    /// Writes it to the disk, and renames it: the picture's name stands for a whole picture at any time (rename(2)).
    fn replace(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        match fs::rename(&self.path, target) {
            Ok(()) => self.path = PathBuf::new(),
            // A file that is mounted there, or another user's in a sticky folder, can only be written to.
            Err(error) if matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::PermissionDenied) => {
                fs::copy(&self.path, target)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.path.as_os_str() != OsStr::new("") {
            // A failure cannot be handled here.
            let _ = fs::remove_file(&self.path);
        }
    }
}
