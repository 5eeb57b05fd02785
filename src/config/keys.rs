//! The one table of what keys do. The loop looks keys up here; help and the README are written from it.

mod error;
mod group;
mod key;

pub use error::KeysError;
pub use group::Group;
pub use key::{Key, KeyCode, ParseKeyError};

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};

use super::nearest::nearest;

/// What a key can be bound to. The configuration calls each by [`Command::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // `TABLE` describes each, for the user.
pub enum Command {
    CursorUp,
    CursorDown,
    CursorLeft,
    CursorRight,
    PageUp,
    PageDown,
    RowStart,
    RowEnd,
    PreviousWord,
    NextWord,
    PreviousSegment,
    NextSegment,
    StrongestKey,
    Find,
    NextMatch,
    PreviousMatch,
    MarkSpan,
    Open,
    Back,
    PreviousLayer,
    NextLayer,
    PreviousHead,
    NextHead,
    Mean,
    LayerKinds,
    KvGroup,
    Rollout,
    ValueWeighted,
    Difference,
    Split,
    HeadGrid,
    Leaderboard,
    SimilarHeads,
    ScoreMap,
    ModelShift,
    Lens,
    Push,
    Contrast,
    SpanEffect,
    Patching,
    Segments,
    Sinks,
    Text,
    ZoomIn,
    ZoomOut,
    Overview,
    Normalisation,
    ColorScale,
    Range,
    Pooling,
    NextColorMap,
    SpecialTokens,
    RowReading,
    OtherModel,
    OnePane,
    ModelPicker,
    Link,
    Pin,
    AblateHead,
    UndoAblation,
    AllHeadsOn,
    ZeroOrMean,
    EditPrompt,
    ExternalEditor,
    ReloadPrompt,
    Chat,
    Live,
    LikelierToken,
    UnlikelierToken,
    Sampling,
    AppendNext,
    TakeBack,
    Write,
    WriteBoth,
    StepBack,
    StepForward,
    FirstStep,
    LastStep,
    Cancel,
    Retry,
    Export,
    CopyRow,
    CopyMatrix,
    ToggleMouse,
    CommandPalette,
    Redraw,
    Help,
    Suspend,
    Quit,
}

struct Row {
    command: Command,
    name: &'static str,
    group: Group,
    keys: &'static [&'static str],
    does: &'static str,
}

const fn row(
    command: Command,
    name: &'static str,
    group: Group,
    keys: &'static [&'static str],
    does: &'static str,
) -> Row {
    Row { command, name, group, keys, does }
}

/// Every command once, in the order of the enum.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(Command::CursorUp, "cursor-up", Group::Cursor, &["up", "k"], "the query above"),
    row(Command::CursorDown, "cursor-down", Group::Cursor, &["down", "j"], "the query below"),
    row(Command::CursorLeft, "cursor-left", Group::Cursor, &["left", "h"], "an earlier key; the sink is before the first"),
    row(Command::CursorRight, "cursor-right", Group::Cursor, &["right", "l"], "a later key, up to the query itself"),
    row(Command::PageUp, "page-up", Group::Cursor, &["pageup"], "a screenful up"),
    row(Command::PageDown, "page-down", Group::Cursor, &["pagedown"], "a screenful down"),
    row(Command::RowStart, "row-start", Group::Cursor, &["home"], "the row's first key"),
    row(Command::RowEnd, "row-end", Group::Cursor, &["end"], "the row's last key"),
    row(Command::PreviousWord, "previous-word", Group::Cursor, &[";", "ctrl-left"], "the query of the word before"),
    row(Command::NextWord, "next-word", Group::Cursor, &["'", "ctrl-right"], "the query of the next word"),
    row(Command::PreviousSegment, "previous-segment", Group::Cursor, &["I", "ctrl-up"], "the paragraph, turn or sentence before"),
    row(Command::NextSegment, "next-segment", Group::Cursor, &["O", "ctrl-down"], "the next paragraph, turn or sentence"),
    row(Command::StrongestKey, "strongest-key", Group::Cursor, &["b"], "the row's next strongest key"),
    row(Command::Find, "find", Group::Cursor, &["/"], "find in the text; else edit the prompt"),
    row(Command::NextMatch, "next-match", Group::Cursor, &["*"], "the next place that was found"),
    row(Command::PreviousMatch, "previous-match", Group::Cursor, &["#"], "the place found before"),
    row(Command::MarkSpan, "mark-span", Group::Cursor, &["space"], "one end of a span, the other; sums it"),
    row(Command::Open, "open", Group::View, &["enter"], "go deeper: mean, layer, head"),
    row(Command::Back, "back", Group::View, &["esc", "backspace"], "go back: head, layer, mean"),
    row(Command::PreviousLayer, "previous-layer", Group::View, &["["], "the layer before"),
    row(Command::NextLayer, "next-layer", Group::View, &["]"], "the layer after"),
    row(Command::PreviousHead, "previous-head", Group::View, &["{"], "the head before"),
    row(Command::NextHead, "next-head", Group::View, &["}"], "the head after"),
    row(Command::Mean, "mean", Group::View, &["m"], "the mean of all layers and heads"),
    row(Command::LayerKinds, "layer-kinds", Group::View, &["w"], "the mean of sliding, of full, of all layers"),
    row(Command::KvGroup, "kv-group", Group::View, &["K"], "the mean of the heads that share keys"),
    row(Command::Rollout, "rollout", Group::View, &["R"], "rollout: attention through all layers"),
    row(Command::ValueWeighted, "value-weighted", Group::View, &["V"], "weigh keys by what their values add"),
    row(Command::Difference, "difference", Group::View, &["D"], "left minus right, by pieces or by words"),
    row(Command::Split, "split", Group::View, &["d"], "left below the diagonal, right above it"),
    row(Command::HeadGrid, "head-grid", Group::View, &["g"], "all heads at once: choose, Enter opens"),
    row(Command::Leaderboard, "leaderboard", Group::View, &["o"], "all heads in numbers: sort, filter, go"),
    row(Command::SimilarHeads, "similar-heads", Group::View, &["~"], "the heads like this one"),
    row(Command::ScoreMap, "score-map", Group::View, &["H"], "one number of all heads, as a map"),
    row(Command::ModelShift, "model-shift", Group::View, &["W"], "heads that differ most between both sides"),
    row(Command::Lens, "lens", Group::View, &["P"], "logit lens: what each layer would predict"),
    row(Command::Push, "push", Group::View, &["A"], "push: what heads add to the next token"),
    row(Command::Contrast, "contrast", Group::View, &["!"], "there: less the logit of another next token"),
    row(Command::SpanEffect, "span-effect", Group::View, &["X"], "effect: hide a span, or each in turn"),
    row(Command::Patching, "patching", Group::View, &["J"], "patch parts of the pinned prompt into this"),
    row(Command::Segments, "segments", Group::View, &["B"], "how parts of the prompt look at each other"),
    row(Command::Sinks, "sinks", Group::View, &["Q"], "what heads give to no word, and why"),
    row(Command::Text, "text", Group::View, &["T"], "the text: looks at, is looked at, or push"),
    row(Command::ZoomIn, "zoom-in", Group::View, &["+", "="], "larger cells, around the cursor"),
    row(Command::ZoomOut, "zoom-out", Group::View, &["-"], "smaller cells, down to all of a long prompt"),
    row(Command::Overview, "overview", Group::View, &["0"], "all of a long prompt, or cell by cell"),
    row(Command::Normalisation, "normalisation", Group::Values, &["n"], "raw, renormalised, without the first token"),
    row(Command::ColorScale, "curve", Group::Values, &["s"], "colours linear or logarithmic"),
    row(Command::Range, "range", Group::Values, &["f"], "colours up to the top of both, of each, or 1"),
    row(Command::Pooling, "pooling", Group::Values, &["v"], "pixels of a long prompt: largest or mean"),
    row(Command::NextColorMap, "next-colormap", Group::Values, &["c"], "the next colour map"),
    row(Command::SpecialTokens, "special-tokens", Group::Values, &["N"], "name special tokens, or leave that out"),
    row(Command::RowReading, "rows", Group::Values, &["|"], "rows by the token read there, or predicted"),
    row(Command::OtherModel, "other-model", Group::Prompt, &["tab", "shift-tab"], "to the other model"),
    row(Command::OnePane, "one-pane", Group::Prompt, &["z"], "this model at full width, or both"),
    row(Command::ModelPicker, "model-picker", Group::Prompt, &["M"], "choose another model for this pane"),
    row(Command::Link, "link", Group::Prompt, &["x"], "unlink the two sides, or link them again"),
    row(Command::Pin, "pin", Group::Prompt, &["p"], "pin this beside what runs next, or unpin it"),
    row(Command::AblateHead, "ablate-head", Group::Prompt, &["a"], "switch this head off, or on again"),
    row(Command::UndoAblation, "undo-ablation", Group::Prompt, &["u"], "undo the last head that was switched"),
    row(Command::AllHeadsOn, "all-heads-on", Group::Prompt, &["U"], "switch all heads on"),
    row(Command::ZeroOrMean, "zero-or-mean", Group::Prompt, &["Z"], "heads off give nothing, or their mean"),
    row(Command::EditPrompt, "edit-prompt", Group::Prompt, &["i"], "edit the prompt: Enter runs it, Esc keeps it"),
    row(Command::ExternalEditor, "external-editor", Group::Prompt, &["E", "ctrl-o"], "edit the prompt in $VISUAL or $EDITOR"),
    row(Command::ReloadPrompt, "reload-prompt", Group::Prompt, &["ctrl-r"], "read --prompt-file again, and run it"),
    row(Command::Chat, "chat", Group::Prompt, &["C"], "ask in each model's chat template, or not"),
    row(Command::Live, "live", Group::Prompt, &["ctrl-t", "L"], "run prompts as you type them, or on Enter"),
    row(Command::LikelierToken, "likelier-token", Group::Prompt, &["<"], "mark a likelier next token"),
    row(Command::UnlikelierToken, "unlikelier-token", Group::Prompt, &[">"], "mark a less likely next token"),
    row(Command::Sampling, "sampling", Group::Prompt, &["S"], "mark the likeliest, or one drawn by chance"),
    row(Command::AppendNext, "append-next", Group::Prompt, &["."], "append the marked next token, as text"),
    row(Command::TakeBack, "take-back", Group::Prompt, &[","], "take that text back"),
    row(Command::Write, "write", Group::Prompt, &["G"], "let both models go on; any key stops them"),
    row(Command::WriteBoth, "write-both", Group::Prompt, &["F"], "this model writes, the other one reads along"),
    row(Command::StepBack, "step-back", Group::Prompt, &["(", "shift-left"], "the text a token earlier"),
    row(Command::StepForward, "step-forward", Group::Prompt, &[")", "shift-right"], "the text a token later"),
    row(Command::FirstStep, "first-step", Group::Prompt, &["^", "shift-home"], "the prompt before what was written"),
    row(Command::LastStep, "last-step", Group::Prompt, &["$", "shift-end"], "all that was written"),
    row(Command::Cancel, "cancel", Group::Prompt, &["ctrl-x"], "stop the loads and passes that are under way"),
    row(Command::Retry, "retry", Group::Prompt, &["r"], "try again what failed"),
    row(Command::Export, "export", Group::Program, &["e"], "write what is on screen to a file"),
    row(Command::CopyRow, "copy-row", Group::Program, &["y"], "copy the cursor's row to the clipboard"),
    row(Command::CopyMatrix, "copy-matrix", Group::Program, &["Y"], "copy the matrix as tab-separated text"),
    row(Command::ToggleMouse, "toggle-mouse", Group::Program, &["t"], "give the mouse to the terminal, or take it"),
    row(Command::CommandPalette, "command-palette", Group::Program, &[":"], "find a command by a few of its letters"),
    row(Command::Redraw, "redraw", Group::Program, &["ctrl-l"], "draw the screen anew"),
    row(Command::Help, "help", Group::Program, &["?", "f1"], "this help"),
    row(Command::Suspend, "suspend", Group::Program, &["ctrl-z"], "back to the shell; fg returns"),
    row(Command::Quit, "quit", Group::Program, &["q", "ctrl-c"], "quit"),
];

impl Command {
    /// Every command, in the order of the help screen.
    pub fn all() -> impl Iterator<Item = Command> {
        TABLE.iter().map(|row| row.command)
    }

    /// Its name in the configuration: `next-layer`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it does, in a few words.
    pub fn does(self) -> &'static str {
        self.row().does
    }

    /// Where the help screen lists it.
    pub fn group(self) -> Group {
        self.row().group
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|command| command.name() == name)
    }
}

/// Which key does what: the defaults, changed by the table `[keys]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    bindings: BTreeMap<Key, Command>,
    /// The keys of each command, in the order they were given; the first is the one that hints show.
    by_command: BTreeMap<Command, Vec<Key>>,
}

impl Default for Keys {
    fn default() -> Self {
        let defaults = |row: &Row| row.keys.iter().filter_map(|key| key.parse().ok()).collect();
        Self::from_lists(TABLE.iter().map(|row| (row.command, defaults(row))).collect())
    }
}

impl Keys {
    /// The defaults, except for the actions that are listed: these get exactly the keys given. A key
    /// that is given to one action is taken from any other's defaults.
    ///
    /// # Errors
    /// On unknown actions and keys, a key given twice, and if nothing would quit.
    pub fn from_table(table: &BTreeMap<String, Vec<String>>) -> Result<Self, KeysError> {
        let mut lists = Self::default().by_command;
        let mut given: BTreeMap<Key, Command> = BTreeMap::new();
        for (name, texts) in table {
            let command = Command::from_name(name).ok_or_else(|| KeysError::UnknownAction {
                name: name.clone(),
                advice: match nearest(name, &Command::all().map(Command::name).collect::<Vec<_>>()) {
                    Some(name) => format!("did you mean '{name}'?"),
                    None => "attnscope config --show lists them".to_owned(),
                },
            })?;
            let mut keys = Vec::new();
            for text in texts {
                let key = text
                    .parse::<Key>()
                    .map_err(|error| KeysError::UnknownKey { action: command.name(), error })?;
                if let Some(first) = given.insert(key, command).filter(|first| *first != command) {
                    let (first, second) = (first.name(), command.name());
                    return Err(KeysError::GivenTwice { key: key.to_string(), first, second });
                }
                keys.push(key);
            }
            lists.insert(command, keys);
        }
        for (command, keys) in &mut lists {
            keys.retain(|key| given.get(key).is_none_or(|owner| owner == command));
        }
        if lists.get(&Command::Quit).is_none_or(Vec::is_empty) {
            return Err(KeysError::NoWayOut);
        }
        Ok(Self::from_lists(lists))
    }

    /// What a key does.
    pub fn command(&self, key: Key) -> Option<Command> {
        self.bindings.get(&key).copied()
    }

    /// The keys that do it, the preferred one first.
    pub fn keys(&self, command: Command) -> &[Key] {
        self.by_command.get(&command).map_or(&[], Vec::as_slice)
    }

    /// The preferred key as people read it; nothing if none is bound.
    pub fn hint(&self, command: Command) -> String {
        self.keys(command).first().map_or_else(String::new, |key| key.label())
    }

    fn from_lists(by_command: BTreeMap<Command, Vec<Key>>) -> Self {
        let pairs = by_command.iter().flat_map(|(command, keys)| keys.iter().map(|key| (*key, *command)));
        Self { bindings: pairs.collect(), by_command }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = BTreeMap::<String, Vec<String>>::deserialize(deserializer)?;
        Self::from_table(&table).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
