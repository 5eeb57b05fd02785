//! The headings under which the help lists commands.

/// A heading of the help screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Moving over a matrix.
    Cursor,
    /// Choosing what is looked at.
    View,
    /// How values are shown.
    Values,
    /// The models and their prompt.
    Prompt,
    /// The program itself.
    Program,
}

impl Group {
    /// In the order of the help screen.
    pub const ALL: [Group; 5] = [Group::Cursor, Group::View, Group::Values, Group::Prompt, Group::Program];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Cursor => "Cursor",
            Group::View => "View",
            Group::Values => "Values and colours",
            Group::Prompt => "Models and prompt",
            Group::Program => "Program",
        }
    }
}
