//! What things are called on screen.

use super::widgets::text::width;
use crate::app::{Side, State};
use crate::attention::{Ablation, NextToken, View, escape_controls, short_name};

/// Marks a head that is switched off.
pub const ABLATED: &str = "×";

/// A view in as few columns as are understood: `3.5`.
pub fn short_view_name(view: View) -> String {
    match view {
        View::Head { layer, head } => format!("{layer}.{head}"),
        View::ValueWeighted(_) => format!("{} values", short_view_name(view.attention())),
        _ => view.short_title(),
    }
}

/// The view as people read it; rollout says what it is.
pub fn view_sentence(view: View) -> String {
    let more = if view == View::Rollout { ": attention through all layers, residuals kept" } else { "" };
    view.title() + more
}

/// The focused pane's view, in fewer and fewer words.
pub fn view_names(state: &State) -> [String; 4] {
    let view = state.focused().selection.view();
    [view_sentence(view), view.title(), view.short_title(), short_view_name(view)]
}

/// The heads that are off, in fewer and fewer words: what stands in their place is always said, and of several heads in the
/// end how many they are.
pub fn off_names(ablation: &Ablation) -> [String; 3] {
    let (long, heads) = (ablation.words(), ablation.list());
    let count = ablation.heads().count();
    let which = if count == 1 { heads.clone() } else { count.to_string() };
    match ablation.needs_means() {
        true => [long, format!("{heads} {}", ablation.at_mean()), format!("{which} at mean")],
        false => [long.clone(), long, format!("{which} off")],
    }
}

/// Both models, as short as tells them apart: by what is off, else by which one is pinned, else by their places. Where
/// one takes more than so many columns, in as few words as there are.
pub fn model_names(state: &State, room: usize) -> [String; 2] {
    let [long, short] = [0, 2].map(|words| model_names_in(state, words));
    if long.iter().all(|name| width(name) <= room) { long } else { short }
}

fn model_names_in(state: &State, words: usize) -> [String; 2] {
    let names = Side::BOTH.map(|side| {
        let pane = state.pane(side);
        let name = pane.pictured().map_or(pane.reference.as_str(), |model| &model.name);
        let off = pane.shown.as_ref().map(|shown| &shown.capture.ablation).filter(|off| !off.is_empty());
        let off = off.map_or_else(String::new, |off| format!(" {}", off_names(off)[words]));
        short_name(name).to_owned() + &off
    });
    if names[0] != names[1] {
        return names;
    }
    match Side::BOTH.map(|side| state.panes.pinned(side).is_some()) {
        [false, false] => [format!("{} (left)", names[0]), format!("{} (right)", names[1])],
        pinned => [0, 1].map(|at: usize| names[at].clone() + if pinned[at] { " (pinned)" } else { "" }),
    }
}

/// A token's text with its blanks and controls made visible: ` on` as `␣on`.
pub fn visible(next: &NextToken) -> String {
    escape_controls(&next.token.text.replace(' ', "␣"))
}
