//! Writes files away from the loop, one at a time.

use std::io::Write as _;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::screenshot::picture;
use crate::app::{ExportContent, ExportFormat, Exported, State};
use crate::attention::Capture;
use crate::export::file::{Destination, Stoppable};
use crate::export::{self, ExportError, Format, Input, Recipe, Selection, Source};
use crate::model::Cancel;
use crate::theme::Theme;
use crate::worker::protocol::Side;

/// How long the program stays for a file that is stopped, so that nothing is left of it.
const LEAVE: Duration = Duration::from_secs(1);

/// What is written.
enum Content {
    Matrices { capture: Arc<Capture>, prompt: String, selection: Selection },
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
        let of = |selection| {
            let shown = state.pane(side).shown.as_ref()?;
            Some(Content::Matrices {
                capture: shown.capture.clone(),
                prompt: shown.prompt.clone(),
                selection,
            })
        };
        let content = match content {
            ExportContent::View(view) => of(Selection::One(view)),
            ExportContent::AllHeads => of(Selection::All),
            ExportContent::Screen => {
                let state = Box::new(State { popup: None, ..state.clone() });
                Some(Content::Picture { state, theme: Box::new(theme.clone()), screen })
            }
        };
        self.cancel = Cancel::new();
        let cancel = self.cancel.clone();
        self.task = Some(tokio::task::spawn_blocking(move || {
            let Some(content) = content else {
                return Exported::Failed("there is nothing to write".to_owned());
            };
            write(&content, &target, &cancel)
        }));
    }

    /// Stops what is being written.
    pub fn stop(&self) {
        self.cancel.raise();
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
    match try_write(content, target.format, &path, cancel) {
        Ok(()) => Exported::Written(path.display().to_string()),
        Err(_) if cancel.is_raised() => Exported::Failed("stopped: nothing was written".to_owned()),
        Err(error) => Exported::Failed(error.to_string()),
    }
}

fn try_write(
    content: &Content,
    format: ExportFormat,
    path: &Path,
    cancel: &Cancel,
) -> Result<(), ExportError> {
    let mut file = Destination::open(path)?;
    let mut out = Stoppable::new(&mut file, || cancel.is_raised());
    match content {
        Content::Matrices { capture, prompt, selection } => {
            let format = match format {
                ExportFormat::Csv => Format::Csv,
                ExportFormat::Json => Format::Json,
                ExportFormat::Safetensors => Format::Safetensors,
                ExportFormat::Svg => return Err(ExportError::NoFormat),
            };
            let source = Source::new(capture, Input::Prompt(prompt.clone()), *selection);
            export::write(&mut out, &[&**capture], &Recipe::new(source, Some(format)))?;
        }
        Content::Picture { state, theme, screen } => {
            out.write_all(picture(state, theme, *screen).as_bytes())?
        }
    }
    file.finish()
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
