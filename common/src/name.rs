//! A segment's name, valid by construction.
//!
//! glibc's `shm_open` strips leading slashes, accepts newlines and fails on 256 bytes. So a name is checked once, here, before
//! any call uses it.

use crate::system_error::debug_as_display;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The folder in which Linux keeps named segments (`shm_overview(7)`).
pub const FOLDER: &str = "/dev/shm";

/// The syntax of names, for messages.
pub const RULE: &str = "a name is 1 to 255 of the characters A-Z a-z 0-9 . _ - and begins with a letter or a digit";

/// The longest file name (`NAME_MAX`, limits.h).
const LONGEST: usize = 255;

/// The name of a segment, for `shm_open` and as its file name in `/dev/shm`.
///
/// ```
/// use common::SegmentName;
/// assert!("demo-1".parse::<SegmentName>().is_ok());
/// assert!("a/b".parse::<SegmentName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName(String);

/// A text that is not a valid segment name.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid segment name: {RULE}")]
pub struct InvalidName {
    text: String,
}

debug_as_display!(InvalidName);

impl SegmentName {
    /// Parses a name from the command line.
    ///
    /// # Errors
    /// [`InvalidName`] if it breaks the rule or is not UTF-8.
    pub fn from_os(text: &OsStr) -> Result<Self, InvalidName> {
        text.to_string_lossy().parse()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segment's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(FOLDER).join(&self.0)
    }
}

impl FromStr for SegmentName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins_well && text.len() <= LONGEST && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName { text: text.to_owned() })
        }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_names_that_shm_open_would_bend_or_refuse_are_refused_with_the_rule() {
        for text in ["", "/", "a/b", "..", ".", "-x", "a\nb", "a\0b", "/demo", "é", &"x".repeat(256)] {
            let error = text.parse::<SegmentName>().expect_err(text);
            assert!(error.to_string().contains("1 to 255"), "{error}");
        }
        assert!(SegmentName::from_os(OsStr::from_bytes(b"a\xff")).is_err());
    }

    #[test]
    fn the_longest_name_is_accepted() {
        assert!("x".repeat(255).parse::<SegmentName>().is_ok());
    }

    proptest! {
        #[test]
        fn any_accepted_name_is_one_plain_file_in_the_folder(text in "\\PC{0,300}") {
            if let Ok(name) = text.parse::<SegmentName>() {
                let path = name.path();
                prop_assert_eq!(path.parent(), Some(std::path::Path::new(FOLDER)));
                prop_assert_eq!(path.file_name(), Some(OsStr::new(&text)));
            }
        }

        #[test]
        fn any_legal_text_is_accepted(text in "[A-Za-z0-9][A-Za-z0-9._-]{0,254}") {
            prop_assert!(text.parse::<SegmentName>().is_ok());
        }
    }
}
