//! Everything the viewer knows, in sub-states: each of them is a file of its own that knows nothing of the others.

pub mod ablations;
pub mod by_layer;
pub mod cursor;
pub mod display;
pub mod displayed;
pub mod editor;
pub mod editor_rows;
pub mod exact_keys;
pub mod exact_rows;
pub mod exports;
pub mod find;
pub mod fuzzy_list;
pub mod help;
pub mod history;
pub mod hover;
pub mod kept;
pub(super) mod link;
pub(super) mod notes;
pub mod pane;
pub mod run;
pub mod scores;
pub mod selection;
pub mod side;
pub mod span;
pub(super) mod step;
pub mod text_place;
mod text_scroll;
pub mod text_viewport;
pub mod typed;
pub mod writing;
pub mod zoom;

use super::panels::{Panes, Pushes, Screen};
use super::popups::{ExportDialog, Picker, Popup};
use crate::app::state::side::Side;
use crate::attention::{Extent, Scale};
use crate::config::keys::Keys;
use crate::vocabulary::{ColorRange, LongPrompts, TextColoring};
use crate::worker::protocol::{Asker, ConfiguredPair, Slot};
use cursor::Viewports;
use display::DisplaySettings;
use editor::Editor;
use exact_keys::ExactKeys;
use exact_rows::ExactRows;
use find::Find;
use hover::Hover;
use kept::{Kept, KeptText};
use pane::{Load, Pane};
use run::Run;
use writing::Writing;
use zoom::Zoom;

/// Everything the viewer knows.
#[derive(Debug, Clone)]
pub struct State {
    /// Both models, and what is shown of them.
    pub panes: Panes,
    /// What fills the screen between title and legend.
    pub screen: Screen,
    /// What lies over that, and takes the keys first.
    pub popup: Option<Popup>,
    /// The prompt as it is being written.
    pub editor: Editor,
    /// The newest prompt that was run.
    pub run: Run,
    /// What models wrote after it.
    pub writing: Writing,
    /// What is looked for in the text on screen.
    pub find: Find,
    /// What heads add to the next token through each token of the text, where that colours it.
    pub pushes: Pushes,
    /// Rows of the tokens that are marked in long texts.
    pub exact_rows: ExactRows,
    /// How much each token is looked at, where cells of the matrices are several.
    pub exact_keys: ExactKeys,
    /// Captures of earlier prompts.
    pub kept: Kept,
    /// How values are shown.
    pub display: DisplaySettings,
    /// What a prompt is shown as at first of which the screen has no room for every cell.
    pub long_prompts: LongPrompts,
    /// What keys do.
    pub keys: Keys,
    /// The pairs that are configured.
    pub pairs: Vec<ConfiguredPair>,
    /// What the last key led to, if the screen doesn't show it otherwise.
    pub note: Option<String>,
    /// What the mouse is over, if it says something.
    pub hover: Option<Hover>,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether a file is being written.
    pub is_exporting: bool,
    /// Whether there is still a worker to answer.
    pub worker: bool,
    /// Tenths of a second that something was under way, for the spinner.
    pub ticks: usize,
}

impl State {
    /// Two models to load and a prompt to run.
    pub fn new(left: String, right: String, prompt: String, keys: Keys, mouse: bool) -> Self {
        Self {
            panes: Panes::new(Pane::new(Asker(0), left), Pane::new(Asker(1), right)),
            screen: Screen::default(),
            popup: None,
            editor: Editor { draft: prompt.clone().into(), ..Editor::default() },
            run: Run { prompt, ..Run::default() },
            writing: Writing::default(),
            find: Find::default(),
            pushes: Pushes::default(),
            exact_rows: ExactRows::default(),
            exact_keys: ExactKeys::default(),
            kept: Kept::default(),
            display: DisplaySettings::default(),
            long_prompts: LongPrompts::default(),
            keys,
            pairs: Vec::new(),
            note: None,
            hover: None,
            mouse,
            is_exporting: false,
            worker: true,
            ticks: 0,
        }
    }

    /// One model to load, which has the whole width, and a prompt to run.
    pub fn of_one_model(model: String, prompt: String, keys: Keys, mouse: bool) -> Self {
        let mut state = Self::new(model, String::new(), prompt, keys, mouse);
        state.panes.pane_mut(Side::Right).load = Load::Absent;
        state.display.one_pane = true;
        state
    }

    /// The pane on a side of the screen.
    pub fn pane(&self, side: Side) -> &Pane {
        self.panes.pane(side)
    }

    /// The pane that keys go to.
    pub fn focused(&self) -> &Pane {
        self.panes.focused()
    }

    /// The model picker, if it is open.
    pub(super) fn picker_mut(&mut self) -> Option<&mut Picker> {
        self.popup.as_mut()?.picker_mut()
    }

    /// The export dialog, if it is open.
    pub(super) fn export_mut(&mut self) -> Option<&mut ExportDialog> {
        self.popup.as_mut()?.export_mut()
    }

    /// Whether [`Action::Tick`](super::Action::Tick) is wanted.
    pub fn wants_ticks(&self) -> bool {
        self.is_busy() || self.editor.pause.is_some()
    }

    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        let is_asking = self.worker && self.popup.as_ref().is_some_and(Popup::is_busy);
        self.is_exporting || self.runs_models() || is_asking
    }

    /// Whether a load, a pass, or anything else that models do is under way.
    pub(super) fn runs_models(&self) -> bool {
        let is_computing = self.panes.is_busy() || self.screen.is_busy() || self.colours_text();
        self.worker && (is_computing || self.writing.is_running())
    }

    /// Bytes that a model gets which takes the place of a slot's, besides those that are free.
    pub fn replaced_bytes(&self, slot: Slot) -> u64 {
        self.panes.resident(slot).model.as_ref().map_or(0, |model| model.resident_bytes)
    }

    /// Whether the editor holds another text than the one that was run.
    pub fn is_edited(&self) -> bool {
        self.editor.text() != self.run.prompt
    }

    /// What the model of a pane wrote after the prompt, as far as that is on screen.
    pub fn written(&self, side: Side) -> Option<&str> {
        let shown = self.pane(side).shown.as_ref().filter(|shown| shown.job == self.run.job)?;
        let written = shown.prompt.strip_prefix(self.run.prompt.as_str())?;
        Some(written).filter(|written| !written.is_empty() && !self.is_edited())
    }

    /// The step of a pane's text that is on screen, and how many there are; nothing where nothing was written.
    pub fn step(&self, side: Side) -> Option<(usize, usize)> {
        let shown = self.pane(side).shown.as_ref()?;
        let is_it = self.writing.of == self.run.job && self.panes.pinned(side).is_none();
        let writer = self.writing.writer(side.slot());
        let number = writer.number_of(&shown.capture).filter(|_| is_it && writer.count() > 0)?;
        Some((number, writer.count()))
    }

    /// What a prompt's capture is kept by.
    pub(super) fn kept_text(&self) -> KeptText {
        let Run { prompt, sampling, .. } = &self.run;
        KeptText { prompt: prompt.clone(), chat: self.run.conversation(), sampling: *sampling }
    }

    /// Lets the oldest captures go where all take too much memory: first those of earlier prompts, then the first steps
    /// of what is written.
    pub(super) fn fit_kept(&mut self) {
        let (most, written) = (self.kept.most, self.writing.bytes());
        if self.kept.bytes() + written > most {
            self.kept.fit(most.saturating_sub(written));
            self.writing.fit(most);
        }
    }

    /// What the tokens of the text are coloured by, if that is on screen.
    pub fn shows_text(&self) -> Option<TextColoring> {
        self.display.text.filter(|_| self.screen.panel().is_none() && self.screen.compared().is_none())
    }

    /// Whether a matrix has more cells than there is room for.
    pub fn is_cut(&self) -> bool {
        let is_visible = |side: &Side| !self.display.one_pane || *side == self.panes.focus;
        Side::BOTH.into_iter().filter(is_visible).any(|side| self.pane(side).is_cut())
    }

    /// Whether several cells share a pixel, so that all are on screen.
    pub fn is_whole(&self) -> bool {
        self.display.zoom == Zoom::Whole && self.is_cut()
    }

    /// Takes how much there is room for on the screen: what is looked at stays in sight.
    pub fn fit(&mut self, viewports: &Viewports) {
        for (pane, viewport) in self.panes.both.iter_mut().zip(viewports.texts) {
            if let Some(viewport) = viewport {
                pane.fit_text(viewport);
            }
        }
        for (pane, viewport) in self.panes.both.iter_mut().zip(viewports.panes) {
            if let Some(viewport) = viewport {
                pane.fit(viewport);
            }
        }
        if let (Some(viewport), Some(difference)) = (viewports.difference, &mut self.screen.difference) {
            difference.fit(viewport);
        }
        self.editor.columns = viewports.editor;
        if let Some(help) = self.screen.help_mut() {
            help.fit(viewports.help_overflow);
        }
    }

    /// The colour scale of a side.
    pub fn scale(&self, side: Side) -> Scale {
        let normalisation = self.display.normalisation;
        let shown = |side: Side| {
            let shown = self.pane(side).shown.as_ref()?;
            Some(match self.shows_text() {
                Some(TextColoring::LookedAt) => shown.looked_at(normalisation).extent,
                Some(TextColoring::Push) => {
                    Extent::of(self.push_by_token(side)?.iter().map(|push| push.abs()))
                }
                Some(TextColoring::LooksAt) | None => shown.extent(normalisation),
            })
        };
        let both = Side::BOTH.into_iter().filter_map(shown).fold(Extent::NONE, Extent::and);
        let extent = match self.display.range {
            ColorRange::Shared => both,
            ColorRange::Own => shown(side).unwrap_or(Extent::NONE),
            ColorRange::Top(top) => Extent { top, ..both },
        };
        Scale::new(self.display.color_scale, extent)
    }
}
