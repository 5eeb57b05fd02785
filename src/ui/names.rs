//! What things are called on screen.

use crate::app::{Pane, State};
use crate::attention::{NextToken, View, escape_controls, short_names};

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

/// The view in a sentence: what rollout and groups of heads are is said as well.
pub fn view_sentence(view: View) -> String {
    match view {
        View::Rollout => view.title() + ": attention through all layers, residuals kept",
        View::Group { layer, group } => format!("layer {layer}, mean of the heads that share keys {group}"),
        _ => view.title(),
    }
}

/// Both models, as short as tells them apart.
pub fn model_names(state: &State) -> [String; 2] {
    let name = |pane: &Pane| {
        let name = pane.pictured().map_or(pane.reference.as_str(), |model| &model.name);
        let ablation = pane.shown.as_ref().map(|shown| &shown.capture.ablation).filter(|off| !off.is_empty());
        ablation.map_or_else(|| name.to_owned(), |off| format!("{name} without {off}"))
    };
    let [left, right] = state.panes.both.each_ref().map(name);
    short_names([&left, &right])
}

/// A token's text with its blanks and controls made visible: ` on` as `␣on`.
pub fn visible(next: &NextToken) -> String {
    escape_controls(&next.token.text.replace(' ', "␣"))
}
