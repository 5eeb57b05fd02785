//! The export dialog: what goes into a file, in which format, and under which name.

use std::path::Path;

use tui_input::InputRequest;

use crate::app::panels::{Arrangement, Difference, Panes};
use crate::app::state::displayed::DisplayedCapture;
use crate::app::state::exports::{ExportChoice, ExportContent};
use crate::app::state::fuzzy_list::FuzzyList;
use crate::app::state::side::Side;
use crate::app::state::step::step;
use crate::app::state::typed::{self, LONGEST_LINE};
use crate::attention::Ablation;
use crate::vocabulary::ExportFormat;

/// The state of an export.
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

/// The export dialog.
#[derive(Debug, Clone)]
pub struct ExportDialog {
    /// The pane whose matrices are written.
    pub side: Side,
    /// The name of the file, which searches nothing, and a row for each choice.
    pub list: FuzzyList,
    /// The rows.
    pub choices: Vec<ExportChoice>,
    /// The state of the export.
    pub stage: ExportStage,
    /// The model's name, as far as it can be part of a file's; and those of both.
    model: String,
    models: [String; 2],
    /// Whether the name of the file is the user's own.
    is_named: bool,
}

impl ExportDialog {
    /// Of a pane that shows a matrix; nothing of one that doesn't. `first` is what is on screen in the
    /// place of the matrices, if a figure can show that: it comes first.
    pub(in crate::app) fn new(
        panes: &Panes,
        difference: Option<&Difference>,
        first: Option<ExportContent>,
    ) -> Option<Self> {
        let side = panes.focus;
        let shown = panes.pane(side).shown.as_ref()?;
        let panes_or_difference = (panes.shown().count() == 2).then(|| both(difference));
        // Of what is on screen the figures come first.
        let (figures, numbers): (Vec<_>, Vec<_>) =
            ExportFormat::ALL.into_iter().partition(|it| it.is_figure());
        let of_first = first.into_iter().flat_map(|first| {
            figures.iter().chain(&numbers).filter(move |it| first.fits(**it)).map(move |it| (first, *it))
        });
        let of_views =
            [Some(ExportContent::View(shown.view())), panes_or_difference, Some(ExportContent::AllHeads)];
        let of_views = of_views.into_iter().flatten().chain([ExportContent::Screen]).flat_map(|content| {
            ExportFormat::ALL.into_iter().filter(move |it| content.fits(*it)).map(move |it| (content, it))
        });
        let choices: Vec<ExportChoice> = of_first.chain(of_views).collect();
        let mut dialog = Self {
            side,
            list: FuzzyList::new(vec![String::new(); choices.len()]),
            choices,
            stage: ExportStage::Choosing,
            model: named(shown),
            models: panes.both.each_ref().map(|pane| pane.shown.as_ref().map(named).unwrap_or_default()),
            is_named: false,
        };
        dialog.choose(0);
        Some(dialog)
    }

    /// What is chosen.
    pub fn choice(&self) -> ExportChoice {
        self.choices[self.list.chosen]
    }

    pub(in crate::app) fn edit(&mut self, request: InputRequest) {
        let changed = typed::handle(&mut self.list.line, request, LONGEST_LINE);
        self.name(changed);
    }

    pub(in crate::app) fn insert(&mut self, text: &str) {
        let line = &mut self.list.line;
        let before = line.value().len();
        let refused = typed::insert_fitting(line, text, LONGEST_LINE).err();
        let changed = line.value().len() > before;
        self.name(Ok(changed));
        self.list.refused = refused;
    }

    pub(in crate::app) fn paste(&mut self, text: &str) {
        let pasted = typed::paste(&mut self.list.line, text).map(|()| true);
        self.name(pasted);
    }

    /// The name was changed, or was not to be.
    fn name(&mut self, changed: Result<bool, String>) {
        if changed == Ok(true) {
            self.is_named = true;
            self.stage = ExportStage::Choosing;
            self.follow_ending();
        }
        self.list.refused = changed.err();
    }

    /// What the name ends in says the format: chooses the row that writes the same so, if there is one.
    fn follow_ending(&mut self) {
        let (content, format) = self.choice();
        let Some(named) = self.ending().filter(|named| *named != format) else { return };
        if let Some(row) = self.choices.iter().position(|choice| *choice == (content, named)) {
            self.list.chosen = row;
        }
    }

    /// The format that the name ends in, if it does.
    fn ending(&self) -> Option<ExportFormat> {
        ExportFormat::of_file(Path::new(self.list.line.value().trim_end()))
    }

    /// Chooses a row. The file's name follows: all of it, or only the ending of one that is the user's own.
    fn choose(&mut self, row: usize) {
        let ending = format!(".{}", self.choice().1.name());
        self.list.chosen = row;
        self.stage = ExportStage::Choosing;
        let (content, format) = self.choice();
        let name = match (self.is_named, self.list.line.value().strip_suffix(&ending)) {
            (true, Some(stem)) => stem.to_owned(),
            (true, None) => return,
            (false, _) => match content {
                ExportContent::View(view) => {
                    format!("{}-{}", self.model, view.to_string().replace(':', "-"))
                }
                ExportContent::AllHeads => format!("{}-all-heads", self.model),
                ExportContent::Map(statistic) => format!("{}-map-{}", self.both_models(), statistic.id()),
                ExportContent::Segments(_) => format!("{}-segments", self.both_models()),
                ExportContent::Sinks => format!("{}-sinks", self.both_models()),
                ExportContent::Shift => format!("{}-apart", self.both_models()),
                ExportContent::Push => format!("{}-push", self.both_models()),
                ExportContent::Effect => format!("{}-effect", self.both_models()),
                ExportContent::Patching => format!("{}-patching", self.model),
                ExportContent::Text(coloring) => format!("{}-text-{coloring}", self.both_models()),
                ExportContent::Panes => self.models.join("-and-"),
                ExportContent::Difference(_) => self.models.join("-minus-"),
                ExportContent::Screen => "attnscope-screen".to_owned(),
            },
        };
        let name = if self.is_named { name } else { safe(&name) };
        let line = &mut self.list.line;
        *line = std::mem::take(line).with_value(format!("{name}.{}", format.name()));
    }

    /// The models that are on screen.
    fn both_models(&self) -> String {
        let models = self.models.iter().filter(|model| !model.is_empty());
        models.map(String::as_str).collect::<Vec<_>>().join("-and-")
    }

    /// Chooses another row, so many further down.
    pub(in crate::app) fn choose_by(&mut self, rows: isize) {
        self.choose(step(self.list.chosen, rows, self.choices.len()));
    }

    /// Chooses a row that was clicked.
    pub(in crate::app) fn pick(&mut self, row: usize) {
        if row < self.choices.len() {
            self.choose(row);
        }
    }

    /// The file to write, and whether one of that name may go: if it has a name and no other one is being written.
    pub(in crate::app) fn submit(&mut self, is_exporting: bool) -> Option<(String, bool)> {
        let file = self.list.line.value().to_owned();
        if file.trim().is_empty() {
            self.stage = ExportStage::Failed("the file needs a name".to_owned());
            return None;
        }
        let format = self.choice().1;
        if let Some(named) = self.ending().filter(|named| *named != format) {
            let has_row = self.choices.iter().any(|choice| choice.1 == named);
            let or = if has_row { format!(", or choose a row of {named}") } else { String::new() };
            self.stage = ExportStage::Failed(format!(
                "the name ends in .{named}, and this is written as {format}: end it in .{format}{or}"
            ));
            return None;
        }
        if is_exporting {
            if self.stage != ExportStage::Writing {
                self.stage =
                    ExportStage::Failed("another file is still being written: try again then".to_owned());
            }
            return None;
        }
        let replace = self.stage == ExportStage::Exists;
        self.stage = ExportStage::Writing;
        Some((file, replace))
    }
}

/// Heads that were off, as part of a file's name: `-without-5.1-6.9`.
fn without(ablation: &Ablation) -> String {
    ablation.suffix().replace(", ", "-").replace(' ', "-")
}

/// What a pane shows, as part of a file's name: of a text that a model wrote, with the step.
fn named(shown: &DisplayedCapture) -> String {
    let step = match shown.capture.tokens.len() - shown.capture.prompt_tokens() {
        0 => String::new(),
        step => format!("-step-{step}"),
    };
    file_name(&shown.capture.model.name) + &without(&shown.capture.ablation) + &step
}

/// What of both panes is on screen: each, or their difference.
fn both(difference: Option<&Difference>) -> ExportContent {
    match difference {
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
    let name = safe(name);
    // A hidden file, or none at all, is nobody's wish.
    let name = name.trim_start_matches('.');
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// A name with `-` for each character that the names of files can't have on some systems.
fn safe(name: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    name.chars().map(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_become_names_of_files() {
        let names = ["openai/gpt-oss-20b", "demo:gpt2", "./my model/", "..", ""].map(file_name);
        assert_eq!(names, ["gpt-oss-20b", "demo-gpt2", "my-model", "model", "model"]);
        let off = ["5.1,6.9", "mean:5.1,6.9", "none"].map(|heads| without(&heads.parse().unwrap()));
        assert_eq!(off, ["-without-5.1-6.9", "-with-5.1-6.9-at-their-means", ""]);
    }
}
