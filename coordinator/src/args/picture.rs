//! Where a timeline goes: the file's name says what it is to be.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// How a timeline is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// A picture for pages and people.
    Svg,
    /// The JSON of `chrome://tracing` and Perfetto.
    Trace,
}

/// A timeline that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its file.
    pub path: PathBuf,
    /// How it is drawn.
    pub format: PictureFormat,
}

/// Reads a path that ends in `.svg` or `.json`.
pub fn parser() -> impl TypedValueParser<Value = Picture> {
    OsStringValueParser::new().try_map(picture)
}

fn picture(path: OsString) -> Result<Picture, &'static str> {
    let path = PathBuf::from(path);
    let is = |wanted: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    let format = match (is("svg"), is("json")) {
        (true, _) => PictureFormat::Svg,
        (_, true) => PictureFormat::Trace,
        _ => return Err("a timeline is a .svg or a .json"),
    };
    Ok(Picture { path, format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_what_the_file_is_to_be() {
        let format = |path: &str| picture(path.into()).map(|picture| picture.format);
        assert_eq!(format("a.svg"), Ok(PictureFormat::Svg));
        assert_eq!(format("/tmp/a.b/c.JSON"), Ok(PictureFormat::Trace));
        for none in ["", "svg", ".svg", "a.png", "a.svgz"] {
            assert!(format(none).is_err(), "{none}");
        }
    }
}
