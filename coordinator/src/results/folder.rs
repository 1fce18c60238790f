//! A folder of results, perhaps shared by many machines and written to by strangers.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags, Stat, accessat, fstat, mkdirat, openat};
use rustix::io::Errno;
use rustix::process::{Uid, geteuid};

/// An open folder.
pub struct Folder {
    pub(super) directory: OwnedFd,
    path: PathBuf,
    owner: Uid,
}

/// What stands under a name.
pub enum Entry {
    /// Nothing.
    Absent,
    /// The content of a file that may be a result.
    File(Vec<u8>),
    /// Something that is not read, and why.
    Unfit(String),
    /// A file that may be somebody's result, but not for this process, and why.
    Others(String),
}

impl Folder {
    /// Opens a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty())?;
        let owner = Uid::from_raw(fstat(&directory)?.st_uid);
        Ok(Self { directory, path: path.to_owned(), owner })
    }

    /// Opens a folder, and makes it first if it is missing.
    pub fn open_or_make(path: &Path) -> io::Result<Self> {
        // It is looked for first: where it is there, making it may be refused for other reasons, or mount nothing.
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match mkdirat(CWD, path, Mode::from_raw_mode(0o777)) {
            Ok(()) => {
                // So that the folder outlives a loss of power as its files do. Not every system does it (fsync(2)).
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let _ = File::open(parent).and_then(|parent| parent.sync_all());
                Self::open(path)
            }
            Err(Errno::EXIST) => Self::open(path),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a folder in which this process may not make files.
    pub fn must_be_writable(&self) -> io::Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        Ok(accessat(&self.directory, ".", access, AtFlags::empty())?)
    }

    /// Whether it was not removed since it was opened.
    pub fn is_linked(&self) -> bool {
        fstat(&self.directory).is_ok_and(|stat| stat.st_nlink > 0)
    }

    /// Its path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it, for messages.
    pub fn path_of(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// The names in it, in no order. In one that is not UTF-8, what is not is replaced.
    pub fn names(&self) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        let entries = Dir::read_from(&self.directory)?;
        let name = |entry: Result<DirEntry, Errno>| Ok(entry?.file_name().to_string_lossy().into_owned());
        let is_itself = |name: &io::Result<String>| name.as_ref().is_ok_and(|name| name == "." || name == "..");
        Ok(entries.map(name).filter(move |name| !is_itself(name)))
    }

    /// Reads what stands under a name: a regular file of this process's user or of the folder's owner, of `most` bytes at most.
    ///
    /// A link is not followed, and a FIFO blocks nobody.
    pub fn read(&self, name: &str, most: u64) -> io::Result<Entry> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(Entry::Absent),
            Err(Errno::LOOP) => return Ok(Entry::Unfit("is a symbolic link".to_owned())),
            // A socket, or a device without a driver.
            Err(Errno::NXIO) => return Ok(Entry::Unfit("is not a regular file".to_owned())),
            Err(error @ (Errno::ACCESS | Errno::PERM)) => {
                return Ok(Entry::Others(format!("cannot be opened: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        let stat = fstat(&file)?;
        if let Some(why) = why_unfit(&stat, most) {
            return Ok(Entry::Unfit(why));
        }
        if let Err(why) = self.must_be_ours(&stat) {
            return Ok(Entry::Others(why));
        }
        let mut text = Vec::new();
        file.take(most + 1).read_to_end(&mut text)?;
        if text.len() as u64 > most {
            return Ok(Entry::Unfit(too_large(text.len() as u64)));
        }
        Ok(Entry::File(text))
    }

    /// Refuses a file that belongs neither to this process's user nor to the folder's owner.
    pub(super) fn must_be_ours(&self, stat: &Stat) -> Result<(), String> {
        let owner = Uid::from_raw(stat.st_uid);
        let is_ours = owner == geteuid() || owner == self.owner;
        if is_ours { Ok(()) } else { Err(format!("belongs to another user ({})", owner.as_raw())) }
    }
}

fn why_unfit(stat: &Stat, most: u64) -> Option<String> {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        Some("is not a regular file".to_owned())
    } else if size > most {
        Some(too_large(size))
    } else {
        None
    }
}

/// The device and the inode of a file.
#[cfg_attr(target_pointer_width = "64", expect(clippy::useless_conversion, reason = "narrower on some systems"))]
pub(super) fn id(stat: &Stat) -> (u64, u64) {
    (stat.st_dev.into(), stat.st_ino.into())
}

fn too_large(size: u64) -> String {
    format!("is too large ({size} bytes)")
}
