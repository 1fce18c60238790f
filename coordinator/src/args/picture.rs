//! `--timeline`: the extension of the file selects the format.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// The format of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// A picture.
    Svg,
    /// A Chrome trace, for `chrome://tracing` and Perfetto.
    Chrome,
}

/// A requested timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its file.
    pub path: PathBuf,
    /// Its format.
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
        (_, true) => PictureFormat::Chrome,
        _ => return Err("a timeline is a .svg or a .json file"),
    };
    Ok(Picture { path, format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_selects_the_format() {
        let format = |path: &str| picture(path.into()).map(|picture| picture.format);
        assert_eq!(format("a.svg"), Ok(PictureFormat::Svg));
        assert_eq!(format("/tmp/a.b/c.JSON"), Ok(PictureFormat::Chrome));
        for none in ["", "svg", ".svg", "a.png", "a.svgz"] {
            assert!(format(none).is_err(), "{none}");
        }
    }
}
