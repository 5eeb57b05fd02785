//! What the viewer starts with.

use std::path::PathBuf;

use super::history;
use crate::app::{SegmentMap, State};
use crate::attention::segments::Cut;
use crate::config::keys::Keys;
use crate::theme::{Background, ColorDepth, ColorMap};
use crate::vocabulary::{LongPrompts, RowReading};
use crate::worker::protocol::{ConfiguredPair, Sampling};

/// What the viewer starts with.
#[derive(Debug, Clone)]
pub struct ViewerConfig {
    /// The left model: `demo:gpt2`.
    pub left: String,
    /// The right model; nothing to look at the left one alone.
    pub right: Option<String>,
    /// The first prompt.
    pub prompt: String,
    /// The file that it came from; `-` is standard input.
    pub prompt_file: Option<PathBuf>,
    /// Whether it is put into the models' chat templates.
    pub chat: bool,
    /// What the system says before it there.
    pub system: Option<String>,
    /// What keys do.
    pub keys: Keys,
    /// How values become colours.
    pub map: ColorMap,
    /// How many colours there are; asked of the terminal if not given.
    pub depth: Option<ColorDepth>,
    /// Whether the background is dark; asked of the terminal if not given.
    pub background: Option<Background>,
    /// Whether to take the mouse.
    pub mouse: bool,
    /// Whether standard input held the prompt, so that keys come from the terminal itself.
    pub input_is_read: bool,
    /// Whether prompts run as they are typed.
    pub live: bool,
    /// What a prompt is shown as at first of which the screen has no room for every cell.
    pub long_prompts: LongPrompts,
    /// How next tokens are drawn.
    pub sampling: Sampling,
    /// Whether the prompt grows by the token that is drawn, not by the likeliest.
    pub drawn: bool,
    /// What rows are named by.
    pub rows: RowReading,
    /// What the prompt is cut by into segments at first.
    pub segments: Cut,
    /// Tokens that models write at a time, at most.
    pub most_tokens: usize,
    /// Bytes of captures that are kept.
    pub kept_bytes: u64,
    /// The configured pairs, which the model picker offers.
    pub pairs: Vec<ConfiguredPair>,
    /// The file that keeps prompts from run to run, if any does.
    pub history: Option<PathBuf>,
}

impl ViewerConfig {
    /// The state before anything was asked of the worker.
    pub(super) fn state(&self) -> State {
        let Self { left, right, prompt, keys, mouse, pairs, history, .. } = self.clone();
        let mut state = match right {
            Some(right) => State::new(left, right, prompt, keys, mouse),
            None => State::of_one_model(left, prompt, keys, mouse),
        };
        state.editor.is_live = self.live;
        (state.run.sampling, state.run.is_drawn) = (self.sampling, self.drawn);
        (state.run.most_tokens, state.kept.most) = (self.most_tokens, self.kept_bytes);
        (state.run.is_chat, state.run.system) = (self.chat, self.system.clone());
        (state.display.color_map, state.display.rows) = (self.map, self.rows);
        state.long_prompts = self.long_prompts;
        state.screen.segments = SegmentMap::new(self.segments.clone());
        state.pairs = pairs;
        state.editor.history = history.as_deref().map(history::load).unwrap_or_default();
        state
    }
}
