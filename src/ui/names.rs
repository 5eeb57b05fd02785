//! What things are called on screen.

use crate::app::{Pane, State};
use crate::attention::{NextToken, View, escape_controls, short_names};

/// Marks a head that is switched off.
pub const ABLATED: &str = "×";

/// `mean`, `layer 3`, `layer 3 · head 5`, `layer 3 · KV group 1`, `sliding layers`, `rollout`.
pub fn view_name(view: View) -> String {
    match view {
        View::Mean => "mean".to_owned(),
        View::Layer(layer) => format!("layer {layer}"),
        View::Head { layer, head } => format!("layer {layer} · head {head}"),
        View::Group { layer, group } => format!("layer {layer} · KV group {group}"),
        View::Kind(kind) => format!("{} layers", kind.name()),
        View::Rollout => "rollout".to_owned(),
        View::ValueWeighted(_) => format!("{} · values", view_name(view.attention())),
    }
}

/// The same in fewer columns: `3.5`.
pub fn short_view_name(view: View) -> String {
    match view {
        View::Head { layer, head } => format!("{layer}.{head}"),
        View::ValueWeighted(_) => format!("{} values", short_view_name(view.attention())),
        _ => view_name(view),
    }
}

/// The same in a sentence.
pub fn view_sentence(view: View) -> String {
    match view {
        View::Mean => "mean of all layers and heads".to_owned(),
        View::Layer(layer) => format!("layer {layer}, mean of its heads"),
        View::Head { layer, head } => format!("layer {layer}, head {head}"),
        View::Group { layer, group } => format!("layer {layer}, mean of the heads that share keys {group}"),
        View::Kind(kind) => format!("mean of all heads of the {} layers", kind.name()),
        View::ValueWeighted(_) => format!("{}, value-weighted", view_sentence(view.attention())),
        View::Rollout => "rollout: attention through all layers, residuals kept".to_owned(),
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
