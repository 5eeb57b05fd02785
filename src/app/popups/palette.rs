//! The command palette: every command of the key table, found by its name, by what it does, or by its keys.

use crate::app::state::fuzzy_list::FuzzyList;
use crate::config::keys::{Command, Keys};

/// The command palette.
#[derive(Debug, Clone)]
pub struct Palette {
    /// Its line and its list, which is of [`Palette::commands`].
    pub list: FuzzyList,
    /// Every command but the one that opens the palette.
    pub commands: Vec<Command>,
}

impl Palette {
    /// With nothing typed yet.
    pub(in crate::app) fn new(keys: &Keys) -> Self {
        let commands: Vec<Command> =
            Command::all().filter(|command| *command != Command::CommandPalette).collect();
        let text = |command: &Command| columns(*command, keys).join(" ");
        Self { list: FuzzyList::new(commands.iter().map(text).collect()), commands }
    }

    /// The command that is chosen, if what was typed leaves any.
    pub fn command(&self) -> Option<Command> {
        self.list.entry().map(|entry| self.commands[entry])
    }
}

/// An entry's name, what it does, and its keys. They are found by all three, with a blank between each.
pub fn columns(command: Command, keys: &Keys) -> [String; 3] {
    let labels: Vec<String> = keys.keys(command).iter().map(|key| key.label()).collect();
    [command.name().to_owned(), command.does().to_owned(), labels.join("  ")]
}
