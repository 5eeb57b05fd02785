//! What is computed layer by layer of what is on screen: one layer is asked for at a time, so that nothing goes on that
//! nobody looks at.

use std::sync::Arc;

use super::action::Effect;
use super::panels::{Opened, Panes};
use super::state::State;
use super::state::displayed::DisplayedCapture;
use crate::app::state::side::Side;
use crate::attention::Capture;
use crate::worker::protocol::{LayerAnswer, LayerJob, Request};

/// Asks for the next layer of what is on screen, unless one is on its way.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    let grid = matches!(state.screen.opened(), Opened::Grid(_)).then_some(state.panes.focus);
    Side::BOTH.into_iter().filter_map(|side| ask(&mut state.panes, side, grid == Some(side))).collect()
}

fn ask(panes: &mut Panes, side: Side, is_grid: bool) -> Option<Effect> {
    let pane = panes.pane_mut(side);
    let (selection, asker) = (pane.selection, pane.asker);
    let shown = pane.shown.as_mut()?;
    let (is_weighted, layers) = (shown.view().is_value_weighted(), shown.capture.layers.len());
    let is_over_layers = is_grid || selection.depth.is_over_layers();
    let wanted = is_weighted.then_some((selection.layer, is_over_layers));
    let (layer, question) = shown.by_layer.ask(wanted, layers)?;
    let capture = shown.capture.clone();
    Some(Effect::Send(Request::Layer(LayerJob { asker, capture, layer, question })))
}

/// Takes an answer to every pane that shows the capture.
pub(super) fn found(panes: &mut Panes, capture: &Arc<Capture>, layer: usize, answer: &LayerAnswer) {
    let is_it = |shown: &&mut DisplayedCapture| Arc::ptr_eq(&shown.capture, capture);
    for shown in panes.all_mut().filter_map(|pane| pane.shown.as_mut()).filter(is_it) {
        shown.by_layer.take(layer, answer.clone());
    }
}
