//! `coordinator man`: the manual pages of both programs, made from what `--help` says.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use common::{exit_code, say};

use crate::args::{ManArgs, coordinator};
use crate::error::{Error, Result};

/// Prints a page, or writes all of them into a folder.
pub fn man(args: &ManArgs) -> Result<u8> {
    let pages = pages();
    if let Some(folder) = &args.dir {
        return write_all(&pages, folder).map_err(|source| Error::System { doing: "write the manual pages", source });
    }
    let wanted = args.page.as_str();
    let is_wanted = |page: &&Command| [name(page), page.get_name()].contains(&wanted);
    let page = pages.iter().find(is_wanted).expect("the command line knows all pages");
    let page = render(page).map_err(|source| Error::System { doing: "make the manual page", source })?;
    super::print(String::from_utf8_lossy(&page).trim_end())
}

/// A command for each page, named as the page is.
fn pages() -> Vec<Command> {
    let mut coordinator = coordinator().disable_help_subcommand(true);
    coordinator.build();
    let subcommands: Vec<Command> = coordinator.get_subcommands().cloned().collect();
    [coordinator].into_iter().chain(subcommands).chain([worker::command()]).collect()
}

/// The page's name: `coordinator-run` for `coordinator run`.
fn name(page: &Command) -> &str {
    page.get_display_name().unwrap_or(page.get_name())
}

fn render(page: &Command) -> io::Result<Vec<u8>> {
    let mut roff = Vec::new();
    Man::new(page.clone()).render(&mut roff)?;
    Ok(roff)
}

fn write_all(pages: &[Command], folder: &Path) -> io::Result<u8> {
    fs::create_dir_all(folder)?;
    for page in pages {
        fs::write(folder.join(format!("{}.1", name(page))), render(page)?)?;
    }
    say(&format!("wrote {} pages to {}\n", pages.len(), folder.display()));
    Ok(exit_code::COMPLETE)
}
