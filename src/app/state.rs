//! Everything the viewer knows.

use tui_input::Input;

use super::{
    Ablations, Difference, Extent, History, Hover, Leaderboard, LensLook, Load, Pane, Pin, Popup, Rules,
    Scale, Selection, Viewports, Zoom,
};
use crate::config::keys::Keys;
use crate::vocabulary::ColorRange;
use crate::worker::protocol::{Asker, ConfiguredPair, JobId, Sampling, Side};

/// What keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The matrices.
    #[default]
    Browse,
    /// The prompt's editor.
    EditPrompt,
    /// The help over the matrices.
    Help,
    /// All heads of the focused model, of which this one is chosen.
    HeadGrid(Selection),
    /// All heads of both models in a list.
    Leaderboard,
    /// What each layer of both models would predict.
    Lens,
}

/// Everything the viewer knows.
#[derive(Debug, Clone)]
pub struct State {
    /// Left and right, as they are on screen: see [`State::pane`].
    pub panes: [Pane; 2],
    /// What is pinned, if anything is.
    pub pin: Option<Pin>,
    /// Heads that are switched off.
    pub ablations: Ablations,
    /// The pane that keys go to. The other one follows while they are linked.
    pub focus: Side,
    /// What keys go to.
    pub mode: Mode,
    /// What lies over that, and takes the keys first.
    pub popup: Option<Popup>,
    /// The prompt as it is being edited; kept when the editor is left.
    pub draft: Input,
    /// Whether all of it is selected: what is typed takes its place.
    pub is_draft_selected: bool,
    /// Why what was typed or pasted last was not taken, if it wasn't.
    pub refused: Option<String>,
    /// Whether what is being written runs by itself.
    pub live: bool,
    /// Ticks until it does, if nothing more is written.
    pub pause: Option<usize>,
    /// The newest prompt that was run.
    pub prompt: String,
    /// Names it.
    pub job: JobId,
    /// By which rule next tokens are drawn.
    pub sampling: Sampling,
    /// Whether the prompt grows by the token that is drawn, not by the likeliest.
    pub drawn: bool,
    /// Sides whose marked next tokens wait to be appended, each after the pass that is under way, the next one first.
    pub queued: Vec<Side>,
    /// Texts of tokens that were appended to the prompt since it was written, the newest last.
    pub appended: Vec<String>,
    /// The prompts of earlier.
    pub history: History,
    /// The pairs that are configured.
    pub pairs: Vec<ConfiguredPair>,
    /// Whether the pane that keys don't go to follows the other one.
    pub linked: bool,
    /// How large cells are.
    pub zoom: Zoom,
    /// Whether the focused pane has the whole width.
    pub one_pane: bool,
    /// Whether a file is being written.
    pub is_exporting: bool,
    /// Left minus right in the place of both, if that is looked at.
    pub difference: Option<Difference>,
    /// How the list of all heads is sorted and filtered.
    pub leaderboard: Leaderboard,
    /// What each layer would predict, left and right; nothing while nobody looks.
    pub lens: [Option<LensLook>; 2],
    /// What the last key led to, if the screen doesn't show it otherwise.
    pub note: Option<String>,
    /// By which rules values are shown.
    pub rules: Rules,
    /// What keys do.
    pub keys: Keys,
    /// What the mouse is over, if it says something.
    pub hover: Option<Hover>,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// The first row of the help on screen.
    pub help_row: usize,
    /// Rows of the help that don't fit on the screen: the last one that can be first.
    pub help_overflow: usize,
    /// Whether there is still a worker to answer.
    pub worker: bool,
    /// Tenths of a second that something was under way, for the spinner.
    pub ticks: usize,
}

impl State {
    /// Two models to load and a prompt to run.
    pub fn new(left: String, right: String, prompt: String, keys: Keys, mouse: bool) -> Self {
        Self {
            panes: [Pane::new(Asker(0), left), Pane::new(Asker(1), right)],
            pin: None,
            ablations: Ablations::default(),
            focus: Side::Left,
            mode: Mode::Browse,
            popup: None,
            draft: Input::new(prompt.clone()),
            is_draft_selected: false,
            refused: None,
            live: false,
            pause: None,
            prompt,
            job: JobId::default(),
            sampling: Sampling::default(),
            drawn: false,
            queued: Vec::new(),
            appended: Vec::new(),
            history: History::default(),
            pairs: Vec::new(),
            linked: true,
            zoom: Zoom::default(),
            one_pane: false,
            difference: None,
            leaderboard: Leaderboard::default(),
            lens: [None, None],
            is_exporting: false,
            note: None,
            rules: Rules::default(),
            keys,
            hover: None,
            mouse,
            help_row: 0,
            help_overflow: 0,
            worker: true,
            ticks: 0,
        }
    }

    /// One model to load, which has the whole width, and a prompt to run.
    pub fn of_one_model(model: String, prompt: String, keys: Keys, mouse: bool) -> Self {
        let mut state = Self::new(model, String::new(), prompt, keys, mouse);
        state.panes[Side::Right.index()].load = Load::Absent;
        Self { one_pane: true, ..state }
    }

    /// What is pinned on a side, if anything is.
    pub fn pinned(&self, side: Side) -> Option<&Pin> {
        self.pin.as_ref().filter(|pin| pin.side == side)
    }

    /// The pane of a side's model: on screen, or behind what is pinned there.
    pub fn resident(&self, side: Side) -> &Pane {
        self.pinned(side).map_or(self.pane(side), |pin| &pin.behind)
    }

    pub(super) fn resident_mut(&mut self, side: Side) -> &mut Pane {
        match &mut self.pin {
            Some(pin) if pin.side == side => &mut pin.behind,
            _ => &mut self.panes[side.index()],
        }
    }

    /// One of the two.
    pub fn pane(&self, side: Side) -> &Pane {
        &self.panes[side.index()]
    }

    pub(super) fn pane_mut(&mut self, side: Side) -> &mut Pane {
        &mut self.panes[side.index()]
    }

    /// The pane that keys go to.
    pub fn focused(&self) -> &Pane {
        self.pane(self.focus)
    }

    /// Whether [`Action::Tick`](super::Action::Tick) is wanted.
    pub fn wants_ticks(&self) -> bool {
        self.is_busy() || self.pause.is_some()
    }

    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        let is_asking = self.worker && self.popup.as_ref().is_some_and(Popup::is_busy);
        self.is_exporting || self.runs_models() || is_asking
    }

    /// Whether a load, a pass, or anything else that models do is under way.
    pub(super) fn runs_models(&self) -> bool {
        let behind = self.pin.as_ref().map(|pin| &pin.behind);
        self.worker
            && (self.panes.iter().chain(behind).any(Pane::is_busy)
                || self
                    .panes
                    .iter()
                    .filter_map(|pane| pane.shown.as_ref())
                    .any(|shown| shown.by_layer.is_busy())
                || self.awaits_heads()
                || self.awaits_lens())
    }

    /// Bytes that a model gets which takes the place of a side's, besides those that are free.
    pub fn replaced_bytes(&self, side: Side) -> u64 {
        self.resident(side).model.as_ref().map_or(0, |model| model.resident_bytes)
    }

    /// Whether the editor holds another text than the one that was run.
    pub fn is_edited(&self) -> bool {
        self.draft.value() != self.prompt
    }

    /// Whether a matrix has more cells than there is room for.
    pub fn is_cut(&self) -> bool {
        let is_visible = |side: &Side| !self.one_pane || *side == self.focus;
        Side::BOTH.into_iter().filter(is_visible).any(|side| self.pane(side).is_cut())
    }

    /// Whether several cells share a pixel, so that all are on screen.
    pub fn is_whole(&self) -> bool {
        self.zoom == Zoom::Whole && self.is_cut()
    }

    /// Takes how much there is room for on the screen: what is looked at stays in sight.
    pub fn fit(&mut self, viewports: &Viewports) {
        for (pane, viewport) in self.panes.iter_mut().zip(viewports.panes) {
            if let Some(viewport) = viewport.filter(|viewport| *viewport != pane.viewport) {
                pane.resize(viewport);
            }
        }
        if let (Some(viewport), Some(difference)) = (viewports.difference, &mut self.difference)
            && viewport != difference.viewport
        {
            difference.fit(viewport);
        }
        self.help_overflow = viewports.help_overflow;
        self.help_row = self.help_row.min(viewports.help_overflow);
    }

    /// The colour scale of a side.
    pub fn scale(&self, side: Side) -> Scale {
        let shown = |pane: &Pane| pane.shown.as_ref().map(|shown| shown.extent(self.rules.normalisation));
        let both = self.panes.iter().filter_map(shown).fold(Extent::NONE, Extent::and);
        let extent = match self.rules.range {
            ColorRange::Shared => both,
            ColorRange::Own => shown(self.pane(side)).unwrap_or(Extent::NONE),
            ColorRange::Top(top) => Extent { top, ..both },
        };
        Scale::new(self.rules.curve, extent)
    }
}
