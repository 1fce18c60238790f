//! The examples of a page.

/// A fenced block.
#[derive(Debug)]
pub struct Block<'a> {
    /// The word after the fence: `console`, `rust`, …
    pub language: &'a str,
    /// The heading above it.
    pub section: &'a str,
    /// Its lines.
    pub lines: Vec<&'a str>,
}

/// A command of a `console` block.
#[derive(Debug)]
pub struct Step<'a> {
    /// The command line.
    pub command: &'a str,
    /// Whether a blank line is before it: all processes have ended by then.
    pub comes_later: bool,
}

impl<'a> Block<'a> {
    /// The blocks of a page, in their order.
    pub fn of(page: &'a str) -> Vec<Self> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'a>> = None;
        let mut section = "";
        for line in page.lines() {
            match (open.take(), line.strip_prefix("```")) {
                (Some(block), Some(_)) => blocks.push(block),
                (Some(mut block), None) => {
                    block.lines.push(line);
                    open = Some(block);
                }
                (None, Some(language)) => open = Some(Block { language, section, lines: Vec::new() }),
                (None, None) if line.starts_with('#') => section = line.trim_start_matches('#').trim(),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "a fence is not closed: {open:?}");
        blocks
    }

    /// The name of the file that it is, if a comment in its first line is one.
    pub fn file_name(&self) -> Option<&'a str> {
        let comment = self.lines.first()?.trim_start_matches(['#', '/']).trim();
        let extension = match self.language {
            "python" => ".py",
            "awk" => ".awk",
            "js" => ".js",
            _ => return None,
        };
        Some(comment).filter(|name| name.ends_with(extension) && !name.contains([' ', '/']))
    }

    /// The commands.
    pub fn steps(&self) -> Vec<Step<'a>> {
        let before = std::iter::once("").chain(self.lines.iter().copied());
        let steps = self.lines.iter().zip(before).filter_map(|(line, before)| {
            let command = line.strip_prefix("$ ")?;
            Some(Step { command, comes_later: before.is_empty() })
        });
        steps.collect()
    }

    /// The output that the page shows.
    pub fn output(&self) -> Vec<&'a str> {
        self.lines.iter().copied().filter(|line| !line.is_empty() && !line.starts_with("$ ")).collect()
    }
}
