//! What fills the screen between title and legend, and takes the keys.
//!
//! Both panes are always there ([`panes`]); they can share one square ([`difference`]). A panel lies in their place
//! until it is closed, and then what was there before is there again.
//!
//! # Adding a panel
//! A panel is two files of one name: one here, with what it knows and what commands do to it, and one in
//! `ui::panels`, with its title, its hints, its legend, where its parts are, and how it is drawn.
//!
//! 1. Give it a command in the key table (`config::keys`).
//! 2. Here, write a struct with what it knows, an `open` that makes it, and [`Panel`] for it.
//! 3. In this file, add a variant to [`Opened`], a line to [`Screen::panel`] and [`Screen::panel_mut`], and one to
//!    [`Screen::open_by`].
//! 4. In `ui::panels`, write a `Face` and add a line to `ui::panels::face`.
//!
//! A panel never reads the rest of the state: it is handed the panes, and what it wants to happen is a [`Reaction`].

pub mod difference;
mod effect;
mod grid;
mod lens;
mod list;
mod panel;
mod panes;
mod patching;
mod push;
mod score_map;
mod scores;
mod segments;
mod shift;
mod sinks;
mod sweep;

pub use difference::{Arrangement, Compared, Difference};
pub use effect::{EffectSide, EffectStage, HiddenUnit, SpanEffects};
pub use grid::HeadGrid;
pub use lens::{LensPanel, LensStage, LogitLens};
pub use list::{HeadList, ListedHead, Similarity};
pub use panel::{Panel, Reaction};
pub use panes::{Panes, Pin};
pub use patching::{PatchMap, PatchStage};
pub use push::{PushPanel, PushStage, Pushes};
pub use score_map::ScoreMap;
pub use segments::{SegmentCells, SegmentMap, SegmentSide, SegmentStage};
pub use shift::ModelShift;
pub use sinks::{SinkNumber, SinkSide, SinkTruth};

use super::action::Effect;
use super::state::help::Help;
use crate::config::keys::Command;

/// What keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Both panes, or their difference.
    Browse,
    /// The prompt's editor.
    EditPrompt,
    /// The field for what is looked for in the text.
    Find,
    /// The help over the panes.
    Help,
    /// A panel in their place.
    Panel,
}

/// What lies over the panes, or takes the keys from them.
#[derive(Debug, Clone, Default)]
pub enum Opened {
    /// Nothing: the panes or their difference take the keys.
    #[default]
    Nothing,
    /// The prompt's editor.
    Editor,
    /// The field for what is looked for in the text.
    Find,
    /// The help.
    Help(Help),
    /// All heads of the focused model as small pictures.
    Grid(HeadGrid),
    /// All heads of both models in [`Screen::list`].
    List,
    /// What each layer of both models would predict.
    Lens(LogitLens),
    /// What each part of a pass adds to the logit of a next token.
    Push(Box<Pushes>),
    /// What hiding spans of the prompt does to the next token.
    Effect(Box<SpanEffects>),
    /// How far parts of a pinned prompt bring the one beside it.
    Patching(Box<PatchMap>),
    /// A statistic of all heads of both models, in colours: [`Screen::map`].
    ScoreMap,
    /// How much the segments of the prompt give each other: [`Screen::segments`].
    Segments,
    /// Where attention goes that goes nowhere.
    Sinks(Box<SinkTruth>),
    /// How far the heads of both models are apart.
    Shift(Box<ModelShift>),
}

/// What fills the screen between title and legend.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// Both panes in one square, if they are compared.
    pub difference: Option<Difference>,
    /// What lies over the panes or their difference.
    opened: Opened,
    /// How all heads are listed, whether the list is open or not.
    pub list: HeadList,
    /// Which statistic the score map shows, whether it is open or not.
    pub map: ScoreMap,
    /// What the prompt is cut by into segments, whether they are on screen or not.
    pub segments: SegmentMap,
    /// What panels that were closed leave to be done.
    left: Vec<Effect>,
}

impl Screen {
    /// What keys go to.
    pub fn mode(&self) -> Mode {
        match self.opened {
            Opened::Nothing => Mode::Browse,
            Opened::Editor => Mode::EditPrompt,
            Opened::Find => Mode::Find,
            Opened::Help(_) => Mode::Help,
            _ => Mode::Panel,
        }
    }

    /// What lies over the panes.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The panel in the place of the panes, if one is open.
    pub fn panel(&self) -> Option<&dyn Panel> {
        match &self.opened {
            Opened::Nothing | Opened::Editor | Opened::Find | Opened::Help(_) => None,
            Opened::Grid(grid) => Some(grid),
            Opened::List => Some(&self.list),
            Opened::Lens(lens) => Some(lens),
            Opened::Push(push) => Some(push.as_ref()),
            Opened::Effect(effect) => Some(effect.as_ref()),
            Opened::Patching(map) => Some(map.as_ref()),
            Opened::ScoreMap => Some(&self.map),
            Opened::Segments => Some(&self.segments),
            Opened::Shift(shift) => Some(shift.as_ref()),
            Opened::Sinks(sinks) => Some(sinks.as_ref()),
        }
    }

    pub(super) fn panel_mut(&mut self) -> Option<&mut dyn Panel> {
        match &mut self.opened {
            Opened::Nothing | Opened::Editor | Opened::Find | Opened::Help(_) => None,
            Opened::Grid(grid) => Some(grid),
            Opened::List => Some(&mut self.list),
            Opened::Lens(lens) => Some(lens),
            Opened::Push(push) => Some(push.as_mut()),
            Opened::Effect(effect) => Some(effect.as_mut()),
            Opened::Patching(map) => Some(map.as_mut()),
            Opened::ScoreMap => Some(&mut self.map),
            Opened::Segments => Some(&mut self.segments),
            Opened::Shift(shift) => Some(shift.as_mut()),
            Opened::Sinks(sinks) => Some(sinks.as_mut()),
        }
    }

    /// Opens the panel that a command opens; `None` if it opens none.
    pub(super) fn open_by(
        &mut self,
        command: Command,
        panes: &mut Panes,
    ) -> Option<Result<(), &'static str>> {
        let opened = match command {
            Command::HeadGrid => HeadGrid::open(panes).map(Opened::Grid),
            Command::Leaderboard => self.list.open(panes).map(|()| Opened::List),
            Command::SimilarHeads => self.list.open_similar(panes).map(|()| Opened::List),
            Command::ModelShift => ModelShift::open(panes).map(|shift| Opened::Shift(Box::new(shift))),
            Command::Sinks => SinkTruth::open(panes).map(|sinks| Opened::Sinks(Box::new(sinks))),
            Command::Lens => LogitLens::open(panes).map(Opened::Lens),
            Command::Push => Pushes::open(panes).map(|push| Opened::Push(Box::new(push))),
            Command::SpanEffect => SpanEffects::open(panes).map(|effect| Opened::Effect(Box::new(effect))),
            Command::Patching => PatchMap::open(panes).map(|map| Opened::Patching(Box::new(map))),
            Command::ScoreMap => self.map.open(panes).map(|()| Opened::ScoreMap),
            Command::Segments => SegmentMap::open(panes).map(|()| Opened::Segments),
            _ => return None,
        };
        Some(opened.map(|opened| self.open(opened)))
    }

    /// Opens something in the place of what is open.
    pub(super) fn open(&mut self, opened: Opened) {
        if let Some(panel) = self.panel_mut() {
            let left = panel.close();
            self.left.extend(left);
        }
        self.opened = opened;
    }

    /// Closes what is open.
    pub(super) fn close(&mut self) {
        self.open(Opened::Nothing);
    }

    /// What is compared, if that is what is on screen.
    pub fn compared(&self) -> Option<&Compared> {
        self.difference.as_ref()?.shown().filter(|_| self.panel().is_none())
    }

    /// The help, if it is open.
    pub(super) fn help_mut(&mut self) -> Option<&mut Help> {
        if let Opened::Help(help) = &mut self.opened { Some(help) } else { None }
    }

    /// The lens, if it is open.
    pub(super) fn lens_mut(&mut self) -> Option<&mut LogitLens> {
        if let Opened::Lens(lens) = &mut self.opened { Some(lens) } else { None }
    }

    /// What parts add, if that is open.
    pub(super) fn push_mut(&mut self) -> Option<&mut Pushes> {
        if let Opened::Push(push) = &mut self.opened { Some(push) } else { None }
    }

    /// What hiding spans does, if that is open.
    pub(super) fn effect_mut(&mut self) -> Option<&mut SpanEffects> {
        if let Opened::Effect(effect) = &mut self.opened { Some(effect) } else { None }
    }

    /// How far parts of a pinned prompt bring the one beside it, if that is open.
    pub(super) fn patching_mut(&mut self) -> Option<&mut PatchMap> {
        if let Opened::Patching(map) = &mut self.opened { Some(map) } else { None }
    }

    /// How far heads are apart, if that is open.
    pub(super) fn shift_mut(&mut self) -> Option<&mut ModelShift> {
        if let Opened::Shift(shift) = &mut self.opened { Some(shift) } else { None }
    }

    /// Where attention goes that goes nowhere, if that is open.
    pub(super) fn sinks_mut(&mut self) -> Option<&mut SinkTruth> {
        if let Opened::Sinks(sinks) = &mut self.opened { Some(sinks) } else { None }
    }

    /// Whether something is computed for the screen.
    pub(super) fn is_busy(&self) -> bool {
        let is_comparing = self.difference.as_ref().is_some_and(Difference::is_busy);
        is_comparing || self.list.is_comparing() || self.panel().is_some_and(|panel| panel.is_busy())
    }

    /// Brings what is open to what the panes show now. What panels that were closed leave to be done is done then.
    pub(super) fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.left);
        if let Some(panel) = self.panel_mut() {
            effects.extend(panel.refresh(panes));
        }
        effects
    }
}
