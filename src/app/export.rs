//! The export dialog: what goes into a file, in which format, and under which name.

use tui_input::InputRequest;

use super::selection::step;
use super::typed::{self, LONGEST_LINE};
use super::{Action, Arrangement, Chooser, Effect, Popup, Shown, State};
use crate::attention::alignment::Granularity;
use crate::attention::{Ablation, View};
use crate::worker::protocol::Side;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportContent {
    /// The matrix of a view, as the model computed it.
    View(View),
    /// Every head of every layer.
    AllHeads,
    /// Both panes beside each other.
    Panes,
    /// Left minus right, by these pieces.
    Difference(Granularity),
    /// What is on screen, as a picture.
    Screen,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A table; of all heads, a list.
    Csv,
    /// An object with tokens, matrix, sinks, next tokens and recipe.
    Json,
    /// Arrays, as numpy stores them.
    Npz,
    /// Tensors, as the model hub stores them.
    Safetensors,
    /// A picture, as vectors.
    Svg,
    /// A picture, as pixels.
    Png,
    /// A page to point at.
    Html,
}

impl ExportFormat {
    /// Its name, which is the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
            ExportFormat::Npz => "npz",
            ExportFormat::Safetensors => "safetensors",
            ExportFormat::Svg => "svg",
            ExportFormat::Png => "png",
            ExportFormat::Html => "html",
        }
    }

    /// Whether it shows values as colours, by the rules that are on.
    pub fn is_figure(self) -> bool {
        matches!(self, ExportFormat::Svg | ExportFormat::Png | ExportFormat::Html)
    }
}

/// A row of the dialog: what, and how.
pub type ExportChoice = (ExportContent, ExportFormat);

/// How an export stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportStage {
    /// Nothing was asked for yet.
    Choosing,
    /// There is a file of that name: it is replaced if that is asked for once more.
    Exists,
    /// It is being written.
    Writing,
    /// It failed: what, where, what to do.
    Failed(String),
}

/// How the writing of a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// It is there, at this path.
    Written(String),
    /// There was one of that name already, which stayed as it is.
    Exists,
    /// What went wrong, where, and what to do.
    Failed(String),
}

/// The export dialog.
#[derive(Debug, Clone)]
pub struct ExportDialog {
    /// Whose matrices.
    pub side: Side,
    /// The name of the file, which searches nothing, and a row for each choice.
    pub chooser: Chooser,
    /// The rows.
    pub choices: Vec<ExportChoice>,
    /// How it stands.
    pub stage: ExportStage,
    /// The model's name, as far as it can be part of a file's; and those of both.
    model: String,
    models: [String; 2],
    /// Whether the name of the file is the user's own.
    is_named: bool,
}

impl ExportDialog {
    /// Of a pane that shows a matrix; nothing of one that doesn't.
    pub(super) fn new(state: &State) -> Option<Self> {
        use ExportFormat::{Csv, Html, Json, Npz, Png, Safetensors, Svg};
        let side = state.focus;
        let shown = state.pane(side).shown.as_ref()?;
        let mut choices: Vec<ExportChoice> = Vec::new();
        let mut add = |content, formats: &[ExportFormat]| {
            choices.extend(formats.iter().map(|format| (content, *format)));
        };
        add(ExportContent::View(shown.view()), &[Csv, Json, Npz, Safetensors, Svg, Png, Html]);
        if state.panes.iter().all(|pane| pane.shown.is_some()) {
            add(both(state), &[Svg, Png, Html]);
        }
        add(ExportContent::AllHeads, &[Csv, Json, Npz, Safetensors, Svg, Png, Html]);
        add(ExportContent::Screen, &[Svg]);
        let mut dialog = Self {
            side,
            chooser: Chooser::new(vec![String::new(); choices.len()]),
            choices,
            stage: ExportStage::Choosing,
            model: named(shown),
            models: state.panes.each_ref().map(|pane| pane.shown.as_ref().map(named).unwrap_or_default()),
            is_named: false,
        };
        dialog.choose(0);
        Some(dialog)
    }

    /// What is chosen.
    pub fn choice(&self) -> ExportChoice {
        self.choices[self.chooser.chosen]
    }

    fn edit(&mut self, request: InputRequest) {
        let changed = typed::handle(&mut self.chooser.line, request, LONGEST_LINE);
        self.name(changed);
    }

    fn insert(&mut self, text: &str) {
        let line = &mut self.chooser.line;
        let before = line.value().len();
        let refused = typed::insert_fitting(line, text, LONGEST_LINE).err();
        let changed = line.value().len() > before;
        self.name(Ok(changed));
        self.chooser.refused = refused;
    }

    fn paste(&mut self, text: &str) {
        let pasted = typed::paste(&mut self.chooser.line, text).map(|()| true);
        self.name(pasted);
    }

    /// The name was changed, or was not to be.
    fn name(&mut self, changed: Result<bool, String>) {
        if changed == Ok(true) {
            self.is_named = true;
            self.stage = ExportStage::Choosing;
        }
        self.chooser.refused = changed.err();
    }

    /// Chooses a row. The file's name follows: all of it, or only the ending of one that is the user's own.
    fn choose(&mut self, row: usize) {
        let ending = format!(".{}", self.choice().1.name());
        self.chooser.chosen = row;
        self.stage = ExportStage::Choosing;
        let (content, format) = self.choice();
        let name = match (self.is_named, self.chooser.line.value().strip_suffix(&ending)) {
            (true, Some(stem)) => stem.to_owned(),
            (true, None) => return,
            (false, _) => match content {
                ExportContent::View(view) => {
                    format!("{}-{}", self.model, view.to_string().replace(':', "-"))
                }
                ExportContent::AllHeads => format!("{}-all-heads", self.model),
                ExportContent::Panes => self.models.join("-and-"),
                ExportContent::Difference(_) => self.models.join("-minus-"),
                ExportContent::Screen => "attnscope-screen".to_owned(),
            },
        };
        let line = &mut self.chooser.line;
        *line = std::mem::take(line).with_value(format!("{name}.{}", format.name()));
    }
}

/// Heads that were off, as part of a file's name: `-without-5.1-6.9`.
fn without(ablation: &Ablation) -> String {
    if ablation.is_empty() {
        String::new()
    } else {
        format!("-without-{}", ablation.to_string().replace(", ", "-"))
    }
}

/// What a pane shows, as part of a file's name.
fn named(shown: &Shown) -> String {
    file_name(&shown.capture.model.name) + &without(&shown.capture.ablation)
}

/// What of both panes is on screen: each, or their difference.
fn both(state: &State) -> ExportContent {
    match &state.difference {
        Some(difference)
            if difference.shown().is_some() && difference.arrangement == Arrangement::Difference =>
        {
            ExportContent::Difference(difference.granularity)
        }
        _ => ExportContent::Panes,
    }
}

/// A model's name without what a file's can't have: `openai/gpt-oss-20b` as `gpt-oss-20b`.
fn file_name(model: &str) -> String {
    let name = model.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(allowed).collect();
    // A hidden file, or none at all, is nobody's wish.
    let name = name.trim_start_matches('.');
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// What an action does to the dialog. What means nothing to it, or comes while there is none, is given back.
pub(super) fn update(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    let Some(Popup::Export(dialog)) = &mut state.popup else { return Err(action) };
    match action {
        Action::Edit(request) => dialog.edit(request),
        Action::Insert(text) => dialog.insert(&text),
        Action::Paste(text) => dialog.paste(&text),
        Action::Choose(rows) => dialog.choose(step(dialog.chooser.chosen, rows, dialog.choices.len())),
        Action::Pick(row) if row < dialog.choices.len() => dialog.choose(row),
        Action::Pick(_) => {}
        Action::Submit => return Ok(submit(state)),
        Action::LeaveEditor => {
            if dialog.stage == ExportStage::Writing {
                state.note = Some(format!("{} is being written", dialog.chooser.line.value()));
            }
            state.popup = None;
        }
        other => return Err(other),
    }
    Ok(vec![])
}

/// Asks for the file, if it has a name and no other one is being written.
fn submit(state: &mut State) -> Vec<Effect> {
    let Some(Popup::Export(dialog)) = &mut state.popup else { return vec![] };
    let file = dialog.chooser.line.value().to_owned();
    if file.trim().is_empty() {
        dialog.stage = ExportStage::Failed("the file needs a name".to_owned());
        return vec![];
    }
    if state.is_exporting {
        if dialog.stage != ExportStage::Writing {
            dialog.stage =
                ExportStage::Failed("another file is still being written: try again then".to_owned());
        }
        return vec![];
    }
    let replace = dialog.stage == ExportStage::Exists;
    dialog.stage = ExportStage::Writing;
    state.is_exporting = true;
    let (side, (content, format)) = (dialog.side, dialog.choice());
    vec![Effect::Export { side, content, format, file, replace }]
}

/// Says how the writing of a file ended: in the dialog, or where notes are if it was left meanwhile.
pub(super) fn ended(state: &mut State, exported: Exported) {
    state.is_exporting = false;
    let dialog = match &mut state.popup {
        Some(Popup::Export(dialog)) if dialog.stage == ExportStage::Writing => Some(dialog),
        _ => None,
    };
    match (exported, dialog) {
        (Exported::Written(path), dialog) => {
            if dialog.is_some() {
                state.popup = None;
            }
            state.note = Some(format!("wrote {path}"));
        }
        (Exported::Exists, Some(dialog)) => dialog.stage = ExportStage::Exists,
        (Exported::Failed(error), Some(dialog)) => dialog.stage = ExportStage::Failed(error),
        (Exported::Exists, None) => state.note = Some("there is a file of that name already".to_owned()),
        (Exported::Failed(error), None) => state.note = Some(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_become_names_of_files() {
        let names = ["openai/gpt-oss-20b", "demo:gpt2", "./my model/", "..", ""].map(file_name);
        assert_eq!(names, ["gpt-oss-20b", "demo-gpt2", "my-model", "model", "model"]);
    }
}
