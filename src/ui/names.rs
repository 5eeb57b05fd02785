//! What things are called on screen.

use crate::app::{Side, State};
use crate::attention::{NextToken, View, escape_controls, short_name};

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

/// Both models, as short as tells them apart: by what is off, else by which one is pinned, else by their places.
pub fn model_names(state: &State) -> [String; 2] {
    let names = Side::BOTH.map(|side| {
        let pane = state.pane(side);
        let name = pane.pictured().map_or(pane.reference.as_str(), |model| &model.name);
        let off = pane.shown.as_ref().map(|shown| shown.capture.ablation.suffix()).unwrap_or_default();
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
