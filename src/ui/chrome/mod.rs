//! What is around the panels: the line at the top, the colour scale, the prompt, and the hints. It knows no panel: what
//! a panel has to say is handed to it.

pub mod editor;
pub mod hints;
pub mod legend;
pub mod prompt;
pub mod prompt_line;
pub mod title;
