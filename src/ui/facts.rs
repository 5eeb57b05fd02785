//! What several panels say of a capture and of its heads.

use super::widgets::progress::spinner;
use super::widgets::text::width;
use crate::app::{DisplayedCapture, Load, Pass, Scores, Side, State, SweepStage};
use crate::attention::{Statistic, Unit};
use crate::config::keys::Command;
use crate::vocabulary::View;
use crate::worker::protocol::WorkerError;

/// What is said of a pass that no newer one has taken the place of.
pub const PREVIOUS: &str = "of the previous prompt";

/// Why something isn't there, and the key that asks for it again, if that can help.
pub fn why_not(state: &State, error: &WorkerError) -> String {
    match error.is_final() {
        true => error.to_string(),
        false => format!("{error} · {} tries again", state.keys.hint(Command::Retry)),
    }
}

/// Why a panel has nothing to show of a side.
pub fn nothing_yet(state: &State, side: Side) -> String {
    let pane = state.panes.resident(side.slot());
    match (&pane.load, &pane.pass) {
        (Load::Failed(error), _) | (_, Pass::Failed(error)) => why_not(state, error),
        _ => "nothing is shown yet".to_owned(),
    }
}

/// What is still to come of a side in a panel: its first pass, or heads that go off or on.
pub fn to_come(state: &State, side: Side) -> Option<String> {
    match &state.pane(side).shown {
        Some(shown) => heads_to_come(state, side, shown),
        None => Some(nothing_yet(state, side)),
    }
}

/// Which heads are to go off or on in a pane, where that is asked of the model and not on screen yet.
pub fn heads_to_come(state: &State, side: Side, shown: &DisplayedCapture) -> Option<String> {
    let asked = state.panes.ablated_heads(side);
    if asked == shown.capture.ablation {
        return None;
    }
    let what = if asked.is_empty() { "with all heads on".to_owned() } else { asked.words() };
    Some(match state.panes.resident(side.slot()).pass {
        Pass::Failed(_) => format!("not run {what}: {} tries again", state.keys.hint(Command::Retry)),
        _ => format!("{} running {what}", spinner(state)),
    })
}

/// What is under way for the scores of a pane's heads on repeated random tokens (`↻`), or what went wrong.
pub fn scores_to_come(state: &State, name: &str, shown: &DisplayedCapture) -> Option<String> {
    match state.panes.scores_of(shown) {
        Some(Scores::Running { done, draws }) => {
            Some(format!("{} {name}: {done} of {draws} draws", spinner(state)))
        }
        Some(Scores::Failed(error)) => Some(format!("{name}: ↻ {error}")),
        Some(Scores::Unknown | Scores::Known(_)) => None,
        None => Some(format!("{name} is not here any more: no ↻")),
    }
}

/// What is under way for what each head of a pane alone is worth, or what went wrong.
pub fn sweep_to_come(state: &State, name: &str, shown: &DisplayedCapture) -> Option<String> {
    match shown.sweep() {
        SweepStage::Running { done, all } => {
            Some(format!("{} {name}: without head {done} of {all}", spinner(state)))
        }
        SweepStage::Failed(error) => Some(format!("{name}: {error}")),
        SweepStage::Unknown | SweepStage::Known(_) => None,
    }
}

/// Whether a pane's model has no sinks, and that of the other pane has.
pub fn lacks_sinks(state: &State, side: Side) -> bool {
    let has = |side: Side| state.pane(side).shown.as_ref().is_some_and(|shown| shown.capture.model.has_sinks);
    !has(side) && has(side.other())
}

/// What a head does in numbers, the most telling first; nothing of other views.
pub fn head_facts(state: &State, side: Side, shown: &DisplayedCapture, view: View) -> Vec<String> {
    let View::Head { layer, head } = view.attention() else { return Vec::new() };
    let Some(summary) = shown.capture.layers.get(layer).and_then(|layer| layer.heads.get(head)) else {
        return Vec::new();
    };
    let fact = |statistic: Statistic| {
        let name = statistic.heading();
        if statistic.needs_sinks() && !shown.capture.model.has_sinks {
            return lacks_sinks(state, side).then(|| format!("{name} –"));
        }
        let digits = if statistic.unit() == Unit::Tokens { 1 } else { 2 };
        Some(match summary.statistics.get(statistic) {
            Some(value) => format!("{name} {value:.digits$}"),
            None => format!("{name} –"),
        })
    };
    Statistic::of_panes().into_iter().filter_map(fact).collect()
}

/// As many facts as there is room for in so many columns, with a sign between them: the last ones go first.
pub fn facts_that_fit(mut facts: Vec<String>, room: usize) -> Vec<String> {
    while width(&facts.join(" · ")) > room && facts.pop().is_some() {}
    facts
}

/// All facts in a line, then all but the last one, and so on.
pub fn fewer_facts(mut facts: Vec<String>) -> Vec<String> {
    let mut lines = Vec::new();
    while !facts.is_empty() {
        lines.push(facts.join(" · "));
        facts.pop();
    }
    lines
}

/// Facts in a line of at most so many columns: the last ones go where there is no room for all.
pub fn in_columns(facts: Vec<String>, room: usize) -> String {
    let facts = facts_that_fit(facts, room);
    if facts.is_empty() { String::new() } else { format!(" {} ", facts.join(" · ")) }
}
