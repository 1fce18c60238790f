//! `coordinator man`: the manual pages of both programs, made from their command lines.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use common::cli::exit_code;
use common::say;

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
    super::print(page.trim_end())
}

/// The command of each page.
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

/// The page as roff: clap's sections, the examples in a section of their own, and the exit codes.
fn render(page: &Command) -> io::Result<String> {
    let mut roff = Vec::new();
    let source = format!("coordinator {}", env!("CARGO_PKG_VERSION"));
    Man::new(page.clone()).source(source).render(&mut roff)?;
    let mut roff = String::from_utf8_lossy(&roff).into_owned();
    if let Some((above, below)) = roff.split_once(".SH EXTRA\nExamples:\n") {
        // Examples keep their lines.
        let (examples, below) = below.split_once("\n.SH ").unwrap_or((below, ""));
        let below = if below.is_empty() { String::new() } else { format!(".SH {below}") };
        roff = format!("{above}.SH EXAMPLES\n.nf\n{}\n.fi\n{below}", examples.trim_end());
    }
    let codes = exit_code::MEANINGS.map(|(codes, meaning)| {
        let codes = codes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        format!(".TP\n{codes}\n{}\n", meaning.replace('-', "\\-"))
    });
    let codes = codes.concat();
    Ok(format!("{}\n.SH \"EXIT STATUS\"\n{codes}", roff.trim_end()))
}

fn write_all(pages: &[Command], folder: &Path) -> io::Result<u8> {
    fs::create_dir_all(folder)?;
    for page in pages {
        fs::write(folder.join(format!("{}.1", name(page))), render(page)?)?;
    }
    say(&format!("wrote {} pages to {}\n", pages.len(), folder.display()));
    Ok(exit_code::COMPLETE)
}
