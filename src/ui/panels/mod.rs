//! What is between title and legend: a file for each panel, of the same name as in `app::panels`, where it says how to add
//! one. Here it brings a [`Face`](face::Face): its title, its hints, its legend, where its parts are, and how it is
//! drawn.

mod columns;
mod difference;
mod face;
mod grid;
mod lens;
mod list;
mod panes;
mod score_map;
mod segments;
mod shift;
mod sinks;

use crate::app::{Opened, State};
use face::Face;

/// What is on screen.
pub fn face(state: &State) -> &'static Face {
    match state.screen.opened() {
        Opened::Grid(_) => &grid::FACE,
        Opened::List => &list::FACE,
        Opened::Lens(_) => &lens::FACE,
        Opened::ScoreMap => &score_map::FACE,
        Opened::Segments => &segments::FACE,
        Opened::Shift(_) => &shift::FACE,
        Opened::Sinks(_) => &sinks::FACE,
        Opened::Nothing | Opened::Editor | Opened::Help(_) => match state.screen.compared() {
            Some(_) => &difference::FACE,
            None => &panes::FACE,
        },
    }
}
