//! What is between title and legend: a file for each panel, of the same name as in `app::panels`, where it says how to add
//! one. Here it brings a [`Face`](face::Face): its title, its hints, its legend, where its parts are, and how it is
//! drawn.

mod columns;
mod difference;
mod effect;
mod face;
mod grid;
mod lens;
mod list;
mod model_box;
mod panes;
mod patching;
mod push;
mod read_text;
mod score_map;
mod segments;
mod shift;
mod sinks;
mod text;

use crate::app::{Opened, State};
use face::Face;

/// What is on screen.
pub fn face(state: &State) -> &'static Face {
    match state.screen.opened() {
        Opened::Grid(_) => &grid::FACE,
        Opened::List => &list::FACE,
        Opened::Lens(_) => &lens::FACE,
        Opened::Effect(_) => &effect::FACE,
        Opened::Patching(_) => &patching::FACE,
        Opened::Push(_) => &push::FACE,
        Opened::ScoreMap => &score_map::FACE,
        Opened::Segments => &segments::FACE,
        Opened::Shift(_) => &shift::FACE,
        Opened::Sinks(_) => &sinks::FACE,
        Opened::Nothing | Opened::Editor | Opened::Find | Opened::Help(_) => match state.screen.compared() {
            Some(_) => &difference::FACE,
            None if state.display.text.is_some() => &text::FACE,
            None => &panes::FACE,
        },
    }
}
