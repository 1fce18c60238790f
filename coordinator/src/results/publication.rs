//! Giving a file its name in a folder: whole and once, whatever dies and whoever else writes there.
//!
//! A temporary dot-file is written and reaches the disk before link(2) gives it its name, which fails if the name is taken. Over
//! NFS the answer to a link(2) that has succeeded may be lost; the number of the file's links tells
//! ([open(2)](https://man7.org/linux/man-pages/man2/open.2.html), `O_EXCL`).

use std::fs::File;
use std::io::{self, Write};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fstat, fsync, linkat, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::system::uname;

use super::folder::{Folder, id};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// It has its name.
    Done,
    /// The name is taken.
    Taken,
}

/// Who writes: a machine and a process of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The machine's name, as a file name may hold it.
    pub host: String,
    /// The process.
    pub pid: u32,
}

impl Writer {
    /// This process.
    pub fn this_process() -> Self {
        Self { host: plain(&uname().nodename().to_string_lossy()), pid: std::process::id() }
    }

    /// The temporary file of something that will have that name.
    fn temporary(&self, name: &str) -> String {
        format!(".{name}.{}-{}.tmp", self.host, self.pid)
    }
}

/// The text with other characters than those of a host's name replaced; never empty.
fn plain(host: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = host.chars().take(64).map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.is_empty() { "unknown".to_owned() } else { plain }
}

impl Folder {
    /// Gives `text` that name, unless it is taken.
    ///
    /// After an error the name is taken by all of the text or by nothing.
    pub fn publish(&self, name: &str, text: &str, writer: &Writer) -> io::Result<Publication> {
        let (temporary, file) = self.create(writer.temporary(name))?;
        // It is closed before its name goes: NFS would keep an open file under another name.
        let written = self.write_and_name(file, &temporary, name, text);
        if !matches!(written, Ok(Named::ByRename)) {
            // It may be gone: whoever takes up a dead writer's part removes its file, and a process id may come back.
            let _ = unlinkat(&self.directory, temporary.as_str(), AtFlags::empty());
        }
        let (Named::ByLink | Named::ByRename) = written? else { return Ok(Publication::Taken) };
        match fsync(&self.directory) {
            // Some file systems cannot do it with a folder (fsync(2)).
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Publication::Done),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the temporary file that a dead writer may have left.
    pub fn clear_after(&self, name: &str, writer: &Writer) {
        let _ = unlinkat(&self.directory, writer.temporary(name), AtFlags::empty());
    }

    /// Renames what stands under a name and is not what belongs there, if it is still there; returns its new name.
    pub fn move_aside(&self, name: &str) -> io::Result<Option<String>> {
        let mut aside = format!("{name}.damaged");
        if statat(&self.directory, aside.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            aside = format!("{aside}-{:016x}", common::random());
        }
        match renameat(&self.directory, name, &self.directory, aside.as_str()) {
            Ok(()) => Ok(Some(aside)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file its name back, unless that is taken by now: then the file stays where it is.
    pub fn move_back(&self, aside: &str, name: &str) -> io::Result<()> {
        match linkat(&self.directory, aside, &self.directory, name, AtFlags::empty()) {
            Ok(()) => Ok(unlinkat(&self.directory, aside, AtFlags::empty())?),
            Err(Errno::EXIST) => Ok(()),
            Err(_) => self.rename(aside, name).map(drop),
        }
    }

    /// A new temporary file. Another machine of the same name may have taken its name.
    fn create(&self, name: String) -> io::Result<(String, File)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let (name, file) = match openat(&self.directory, name.as_str(), flags, mode) {
            Ok(file) => (name, file),
            Err(Errno::EXIST) => {
                let name = format!("{}-{:016x}.tmp", name.trim_end_matches(".tmp"), common::random());
                let file = openat(&self.directory, name.as_str(), flags, mode)?;
                (name, file)
            }
            Err(error) => return Err(error.into()),
        };
        let explained =
            |why| format!("a file that is made there {why}, as where root is squashed; start as the folder's owner");
        let refused = |why| io::Error::new(io::ErrorKind::PermissionDenied, explained(why));
        let checked = fstat(&file).map_err(io::Error::from).and_then(|stat| self.must_be_ours(&stat).map_err(refused));
        if checked.is_err() {
            let _ = unlinkat(&self.directory, name.as_str(), AtFlags::empty());
        }
        checked.map(|()| (name, file.into()))
    }

    /// Whether that file has the name: a link that was made may be answered with an error.
    fn has_name(&self, file: &File, name: &str) -> bool {
        let named = statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| id(&stat));
        fstat(file).is_ok_and(|stat| stat.st_nlink == 2 && named == Ok(id(&stat)))
    }

    fn write_and_name(&self, mut file: File, temporary: &str, name: &str, text: &str) -> io::Result<Named> {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let linked = linkat(&self.directory, temporary, &self.directory, name, AtFlags::empty());
        match linked {
            Ok(()) => Ok(Named::ByLink),
            Err(_) if self.has_name(&file, name) => Ok(Named::ByLink),
            Err(Errno::EXIST) => Ok(Named::Not),
            // link(2): the file system has no hard links.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => self.rename(temporary, name),
            Err(error) => Err(error.into()),
        }
    }

    /// Where there are no hard links.
    fn rename(&self, temporary: &str, name: &str) -> io::Result<Named> {
        match renameat_with(&self.directory, temporary, &self.directory, name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Named::ByRename),
            Err(Errno::EXIST) => Ok(Named::Not),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "its file system has neither hard links nor renameat2(RENAME_NOREPLACE), so results could replace each other",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

/// How the temporary file got its name.
enum Named {
    ByLink,
    ByRename,
    Not,
}

#[cfg(test)]
mod tests {
    use super::super::folder::Entry;
    use super::*;

    fn content(folder: &Folder, name: &str) -> String {
        match folder.read(name, 100).unwrap() {
            Entry::File(text) => String::from_utf8(text).unwrap(),
            _ => panic!("{name} cannot be read"),
        }
    }

    fn names(path: &std::path::Path) -> Vec<String> {
        let entries = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_is_given_once() {
        let place = tempfile::tempdir().unwrap();
        let (folder, writer) = (Folder::open(place.path()).unwrap(), Writer::this_process());
        assert_eq!(folder.publish("a", "one", &writer).unwrap(), Publication::Done);
        assert_eq!(folder.publish("a", "two", &writer).unwrap(), Publication::Taken);
        assert_eq!(content(&folder, "a"), "one");
        assert_eq!(names(place.path()), ["a"]);
    }

    #[test]
    fn what_a_dead_writer_of_the_same_name_left_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let (folder, writer) = (Folder::open(place.path()).unwrap(), Writer::this_process());
        std::fs::write(place.path().join(writer.temporary("a")), "half").unwrap();
        assert_eq!(folder.publish("a", "one", &writer).unwrap(), Publication::Done);
        assert_eq!(content(&folder, "a"), "one");
        folder.clear_after("a", &writer);
        assert_eq!(names(place.path()), ["a"]);
    }

    #[test]
    fn without_hard_links_it_is_renamed_and_replaces_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        std::fs::write(place.path().join("t"), "one").unwrap();
        assert!(matches!(folder.rename("t", "a").unwrap(), Named::ByRename));
        std::fs::write(place.path().join("t"), "two").unwrap();
        assert!(matches!(folder.rename("t", "a").unwrap(), Named::Not));
        assert_eq!(content(&folder, "a"), "one");
    }

    #[test]
    fn what_is_moved_aside_replaces_nothing_and_comes_back_unless_its_name_is_taken() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        write("a", "one");
        assert_eq!(folder.move_aside("a").unwrap().as_deref(), Some("a.damaged"));
        assert_eq!(folder.move_aside("a").unwrap(), None);
        write("a", "two");
        let second = folder.move_aside("a").unwrap().unwrap();
        assert_eq!((content(&folder, "a.damaged"), content(&folder, &second)), ("one".to_owned(), "two".to_owned()));
        folder.move_back(&second, "a").unwrap();
        assert_eq!((content(&folder, "a").as_str(), names(place.path()).len()), ("two", 2));
        folder.move_back("a.damaged", "a").unwrap();
        assert_eq!((content(&folder, "a").as_str(), names(place.path()).len()), ("two", 2));
    }

    #[test]
    fn any_host_name_is_a_part_of_a_file_name() {
        assert_eq!(plain("node-1.example"), "node-1.example");
        assert_eq!(plain("a/b\n"), "a_b_");
        assert_eq!(plain(""), "unknown");
    }
}
