//! Writes files away from the loop, one at a time.

use std::io::Write as _;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::frame::picture;
use super::{found, source};
use crate::app::{DisplayedCapture, ExportContent, Exported, PushPanel, PushStage, Scores, Side, State};
use crate::attention::{Capture, Normalisation};
use crate::export::file::{Destination, Stoppable};
use crate::export::{
    self, ExportError, FigureStyle, Found, LogitTokens, Omissions, Recipe, Selection, Subject, TextSubject,
};
use crate::model::Cancel;
use crate::theme::{ColorMap, Theme};
use crate::vocabulary::{ExportFormat, TextColoring};

/// Why nothing is written where nothing is shown.
const NOTHING: &str = "there is nothing to write";

/// How long the program stays for a file that is stopped, so that nothing is left of it.
const LEAVE: Duration = Duration::from_secs(1);

/// What is written.
enum Content {
    Captures { captures: Vec<Arc<Capture>>, recipe: Box<Recipe> },
    Found { found: Found, recipe: Box<Recipe> },
    Picture { state: Box<State>, theme: Box<Theme>, screen: Rect },
}

/// Where it is written to.
pub(super) struct Target {
    /// As it was typed.
    pub file: String,
    /// In which format.
    pub format: ExportFormat,
    /// Whether a file that is there may go.
    pub replace: bool,
}

/// Writes files, one at a time.
#[derive(Default)]
pub(super) struct Exporter {
    cancel: Cancel,
    task: Option<JoinHandle<Exported>>,
}

impl Exporter {
    /// Starts to write. How that ends is told by [`done`](Self::done).
    pub fn start(
        &mut self,
        (side, content, target): (Side, ExportContent, Target),
        state: &State,
        theme: &Theme,
        screen: Rect,
    ) {
        let content = match content {
            ExportContent::Screen => {
                let state = Box::new(State { popup: None, ..state.clone() });
                Ok(Content::Picture { state, theme: Box::new(theme.clone()), screen })
            }
            ExportContent::Push
            | ExportContent::Effect
            | ExportContent::Patching
            | ExportContent::Sinks
            | ExportContent::Shift => found(state, content, target.format, theme.map),
            // As numbers, push is that of all parts, and not of the tokens that the text shows.
            ExportContent::Text(TextColoring::Push) if !target.format.is_figure() => {
                found(state, content, target.format, theme.map)
            }
            content => captures(state, side, content, target.format, theme.map),
        };
        self.cancel = Cancel::new();
        let cancel = self.cancel.clone();
        self.task = Some(tokio::task::spawn_blocking(move || {
            content.map_or_else(
                |why| Exported::Failed(why.to_owned()),
                |content| write(&content, &target, &cancel),
            )
        }));
    }

    /// Stops what is being written.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Waits until the file is written; for ever, if none is.
    pub async fn done(&mut self) -> Exported {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let ended = task.await;
        self.task = None;
        ended.unwrap_or_else(|error| Exported::Failed(format!("internal error: {error}: please report it")))
    }

    /// Stops, and waits a moment for what is half written to go.
    pub async fn end(mut self) {
        self.stop();
        if self.task.is_some() {
            let _ = timeout(LEAVE, self.done()).await;
        }
    }
}

fn write(content: &Content, target: &Target, cancel: &Cancel) -> Exported {
    let path = path(&target.file);
    if !target.replace && path.exists() {
        return Exported::Exists;
    }
    match try_write(content, &path, cancel) {
        Ok(omissions) if omissions.is_empty() => Exported::Written(path.display().to_string()),
        Ok(omissions) => Exported::Written(format!("{}; {omissions}", path.display())),
        Err(_) if cancel.is_cancelled() => Exported::Failed("stopped: nothing was written".to_owned()),
        Err(error) => Exported::Failed(error.to_string()),
    }
}

fn try_write(content: &Content, path: &Path, cancel: &Cancel) -> Result<Omissions, ExportError> {
    let mut file = Destination::open(path)?;
    let mut out = Stoppable::new(&mut file, || cancel.is_cancelled());
    let omissions = match content {
        Content::Captures { captures, recipe } => {
            let captures: Vec<&Capture> = captures.iter().map(AsRef::as_ref).collect();
            export::write(&mut out, &captures, recipe)?
        }
        Content::Found { found, recipe } => found.write(&mut out, recipe)?,
        Content::Picture { state, theme, screen } => {
            out.write_all(picture((**state).clone(), theme, *screen).as_bytes())?;
            Omissions::default()
        }
    };
    file.finish()?;
    Ok(omissions)
}

/// What a panel found, and the recipe.
///
/// # Errors
/// If it is not there yet.
fn found(
    state: &State,
    content: ExportContent,
    format: ExportFormat,
    colors: ColorMap,
) -> Result<Content, &'static str> {
    let found = found::of_panel(state, content).ok_or("it is not there yet: try again once it is")?;
    let display = state.display;
    let style =
        FigureStyle { curve: display.color_scale, range: display.range, colors, ..FigureStyle::default() };
    let recipe = found.recipe(format, style).map_err(|_| NOTHING)?;
    Ok(Content::Found { found, recipe: Box::new(recipe) })
}

/// The captures on screen that go into a file, and the recipe: numbers as they were computed, figures by the rules
/// and in the colours on screen.
///
/// # Errors
/// If something is not there yet.
fn captures(
    state: &State,
    side: Side,
    content: ExportContent,
    format: ExportFormat,
    colors: ColorMap,
) -> Result<Content, &'static str> {
    let sides = match content {
        ExportContent::Panes | ExportContent::Difference(_) => Side::BOTH.to_vec(),
        content if content.is_of_both() => {
            Side::BOTH.into_iter().filter(|side| state.pane(*side).shown.is_some()).collect()
        }
        _ => vec![side],
    };
    let shown: Option<Vec<&DisplayedCapture>> =
        sides.iter().map(|side| state.pane(*side).shown.as_ref()).collect();
    let shown = shown.filter(|shown| !shown.is_empty()).ok_or(NOTHING)?;
    let source = |(side, shown): (&Side, &&DisplayedCapture)| {
        let subject = match content {
            ExportContent::AllHeads => Subject::Matrices(Selection::All),
            ExportContent::View(view) => Subject::Matrices(Selection::One(view)),
            ExportContent::Map(statistic) => Subject::Map(statistic),
            ExportContent::Segments(rule) => Subject::Segments(shown.view(), rule),
            ExportContent::Text(coloring) => Subject::Text(text(state, *side, shown, coloring)),
            _ => Subject::Matrices(Selection::One(shown.view())),
        };
        let source = source::of_pane(state, *side, shown, subject);
        match content {
            ExportContent::Segments(_) => source.cut_by(state.screen.segments.cut()),
            _ => source,
        }
    };
    let mut sources = sides.iter().zip(&shown).map(source);
    let left = sources.next().ok_or(NOTHING)?;
    let recipe = if format.is_figure() {
        let display = state.display;
        let style = FigureStyle {
            curve: display.color_scale,
            range: display.range,
            pooling: display.pooling,
            colors,
            difference: match content {
                ExportContent::Difference(granularity) => Some(granularity),
                _ => None,
            },
            ..FigureStyle::default()
        };
        // All heads at once are drawn raw; a page normalises them by itself.
        let is_raw =
            matches!(content, ExportContent::AllHeads | ExportContent::Map(_) | ExportContent::Segments(_));
        let is_raw = is_raw && format.draws_a_grid() || content == ExportContent::Text(TextColoring::Push);
        let normalisation = if is_raw { Normalisation::Raw } else { display.normalisation };
        Recipe::of_figure((left, sources.next()), format, normalisation, style)
    } else {
        Recipe::new(left, Some(format))
    };
    let recipe = Recipe { rows: state.display.rows, ..recipe };
    let complete = |(side, shown): (&Side, &&DisplayedCapture)| match content {
        ExportContent::Text(TextColoring::Push) => with_push(state, *side, shown),
        _ => with_scores(state, shown, &recipe),
    };
    let captures = sides.iter().zip(&shown).map(complete).collect::<Result<_, _>>()?;
    Ok(Content::Captures { captures, recipe: Box::new(recipe) })
}

/// The text of a pane as it is coloured.
fn text(state: &State, side: Side, shown: &DisplayedCapture, coloring: TextColoring) -> TextSubject {
    // After the text there is only what is predicted, which is what a text is coloured by if no token is named.
    let marked = state.pane(side).marked_token(state.display.rows);
    let token = Some(marked).filter(|token| *token < shown.capture.tokens.len());
    let asked = state.pushes.panes[side.index()].as_ref().filter(|_| coloring == TextColoring::Push);
    let (target, versus) = asked.map(PushPanel::logit_tokens).unwrap_or_default();
    let next = LogitTokens { token: target, versus };
    TextSubject { view: shown.view(), coloring, token, next }.canonical()
}

/// A capture with the push that colours its text, which on screen lies beside it.
fn with_push(state: &State, side: Side, shown: &DisplayedCapture) -> Result<Arc<Capture>, &'static str> {
    let panel = state.pushes.panes[side.index()].as_ref().filter(|panel| panel.stage == PushStage::Known);
    let push = panel.and_then(|panel| panel.push.clone()).filter(|_| state.push_by_token(side).is_some());
    let push = push.ok_or("the push is not there yet: try again once it is")?;
    Ok(Arc::new(Capture { pushed: Some(push), ..(*shown.capture).clone() }))
}

/// A capture with what a recipe needs of it, which on screen lies beside it.
fn with_scores(
    state: &State,
    shown: &DisplayedCapture,
    recipe: &Recipe,
) -> Result<Arc<Capture>, &'static str> {
    if !recipe.source.subject.needs_scores() {
        return Ok(shown.capture.clone());
    }
    match state.panes.scores_of(shown) {
        Some(Scores::Known(scores)) => {
            Ok(Arc::new(Capture { repeated: Some(scores.clone()), ..(*shown.capture).clone() }))
        }
        _ => Err("the numbers of the map are not there yet: try again once they are"),
    }
}

/// A path as people type it: `~` is their home.
fn path(file: &str) -> PathBuf {
    let home = || etcetera::home_dir().ok();
    let path = match file.strip_prefix("~/").and_then(|rest| Some(home()?.join(rest))) {
        Some(path) => path,
        None => PathBuf::from(file),
    };
    absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Action;
    use crate::attention::Statistic;
    use crate::config::keys::{Command, Keys};
    use crate::export::Source;
    use crate::model::LoadOptions;
    use crate::runtime::screenshot::{apply, finish};
    use crate::worker;

    /// What a figure of both panes says of each.
    fn sources(state: &State) -> Vec<Source> {
        let written =
            captures(state, Side::Left, ExportContent::Panes, ExportFormat::Svg, ColorMap::default());
        let Ok(Content::Captures { recipe, .. }) = written else { panic!("there is nothing to write") };
        recipe.sources().cloned().collect()
    }

    #[tokio::test]
    async fn a_recipe_says_which_pane_was_pinned_and_which_heads_are_off() {
        let demo = "demo:gpt2".to_owned();
        let mut state = State::new(demo.clone(), demo, "a story".to_owned(), Keys::default(), false);
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        let mut done = async |state: &mut State, action| {
            apply(state, action, &worker);
            finish(state, &worker, &mut events).await;
        };
        done(&mut state, Action::Start).await;
        assert!(sources(&state).iter().all(|source| !source.is_pinned && source.ablation.is_empty()));
        done(&mut state, Action::Command(Command::Pin)).await;
        assert_eq!(sources(&state).iter().map(|source| source.is_pinned).collect::<Vec<_>>(), [false, true]);
        done(&mut state, Action::Command(Command::Pin)).await;
        for command in [Command::Open, Command::NextHead, Command::AblateHead] {
            done(&mut state, Action::Command(command)).await;
        }
        assert_eq!(sources(&state)[0].ablation.heads().count(), 1);
    }

    #[tokio::test]
    async fn a_text_by_push_is_written_once_that_is_there() {
        let demo = "demo:gpt2".to_owned();
        let mut state = State::new(demo.clone(), demo, "the cat. the cat".to_owned(), Keys::default(), false);
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        apply(&mut state, Action::Start, &worker);
        finish(&mut state, &worker, &mut events).await;
        let text = |state: &State| {
            let content = ExportContent::Text(TextColoring::Push);
            captures(state, Side::Left, content, ExportFormat::Svg, ColorMap::default())
        };
        for _ in 0..3 {
            assert!(text(&state).err().is_some_and(|why| why.contains("not there yet")));
            apply(&mut state, Action::Command(Command::Text), &worker);
        }
        finish(&mut state, &worker, &mut events).await;
        for command in [Command::CursorLeft, Command::UnlikelierToken, Command::Open] {
            apply(&mut state, Action::Command(command), &worker);
            finish(&mut state, &worker, &mut events).await;
        }
        let Ok(Content::Captures { captures, recipe }) = text(&state) else { panic!("it is there") };
        let query = state.pane(Side::Left).token();
        assert_eq!(recipe.source.subject.to_string(), format!("pushed:layer:0@{query}"));
        assert_eq!(captures.len(), 2);
        let mut svg = Vec::new();
        export::write(&mut svg, &captures.iter().map(AsRef::as_ref).collect::<Vec<_>>(), &recipe).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(
            svg.contains(&format!("(token {query}): ")) && svg.contains("the heads of layer 0 add"),
            "{svg}"
        );
    }

    /// Heads push, whatever is made of their attention on screen: a recipe says no more than what it takes to draw it again.
    #[tokio::test]
    async fn a_text_by_push_is_written_without_the_rule_for_attention() {
        let demo = "demo:gpt2".to_owned();
        let mut state = State::new(demo, String::new(), "the cat".to_owned(), Keys::default(), false);
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        apply(&mut state, Action::Start, &worker);
        finish(&mut state, &worker, &mut events).await;
        let mut view = async |commands: &[Command]| {
            for command in commands {
                apply(&mut state, Action::Command(*command), &worker);
                finish(&mut state, &worker, &mut events).await;
            }
            let content = ExportContent::Text(TextColoring::Push);
            let written = captures(&state, Side::Left, content, ExportFormat::Svg, ColorMap::default());
            let Ok(Content::Captures { captures, recipe }) = written else { panic!("it is there") };
            let mut svg = Vec::new();
            let captures = captures.iter().map(AsRef::as_ref).collect::<Vec<_>>();
            export::write(&mut svg, &captures, &recipe).unwrap();
            recipe.source.subject.to_string()
        };
        let text = [Command::Text; 3];
        assert_eq!(view(&[&text[..], &[Command::Rollout]].concat()).await, "pushed:mean@2");
        let weighted = [Command::Rollout, Command::ValueWeighted];
        assert_eq!(view(&weighted).await, "pushed:mean@2");
        assert_eq!(view(&[Command::Open]).await, "pushed:layer:0@2");
    }

    #[tokio::test]
    async fn a_map_of_repeated_tokens_is_written_once_its_numbers_are_there() {
        let demo = "demo:gpt2".to_owned();
        let mut state = State::new(demo, String::new(), "a story".to_owned(), Keys::default(), false);
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        let map = |state: &State, statistic| {
            captures(state, Side::Left, ExportContent::Map(statistic), ExportFormat::Svg, ColorMap::default())
        };
        assert_eq!(map(&state, Statistic::Local).err(), Some("there is nothing to write"));
        apply(&mut state, Action::Start, &worker);
        finish(&mut state, &worker, &mut events).await;
        assert!(map(&state, Statistic::Local).is_ok(), "of the prompt there is nothing to wait for");
        assert!(map(&state, Statistic::Induction).err().is_some_and(|why| why.contains("not there yet")));
        apply(&mut state, Action::Command(Command::ScoreMap), &worker);
        finish(&mut state, &worker, &mut events).await;
        let Ok(Content::Captures { captures, recipe }) = map(&state, Statistic::Induction) else {
            panic!("there are numbers")
        };
        let mut svg = Vec::new();
        export::write(&mut svg, &captures.iter().map(AsRef::as_ref).collect::<Vec<_>>(), &recipe).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.contains("induction (share)") && svg.contains("Input: repeated random tokens"), "{svg}");
    }
}
