//! What the panel on screen found, as an export of it: also the passes, and how they were made.

use super::source;
use crate::app::{
    EffectSide, EffectStage, ExportContent, HiddenUnit, ModelShift, Opened, PatchMap, PatchStage, PushPanel,
    PushStage, Side, SinkSide, State,
};
use crate::attention::knockout::{HiddenSpan, SpanEffect};
use crate::export::effect::EffectPass;
use crate::export::patch::PatchedPass;
use crate::export::push::PushPass;
use crate::export::shift::Shifted;
use crate::export::sinks::SinkPass;
use crate::export::{Found, FoundSubject, HiddenBy, Input, LogitTokens, Recipe, Source, Subject};
use crate::vocabulary::TextColoring;

/// What the panel found that is on screen; nothing of another one, and before all of it is known.
pub(super) fn of_panel(state: &State, content: ExportContent) -> Option<Found> {
    match (content, state.screen.opened()) {
        (ExportContent::Push, Opened::Push(push)) => push_passes(state, &push.panes),
        // What colours the text is of the token that is marked now.
        (ExportContent::Text(TextColoring::Push), _) => {
            let mut shown = Side::BOTH.into_iter().filter(|side| state.pane(*side).shown.is_some());
            let is_there = shown.all(|side| state.push_by_token(side).is_some());
            is_there.then(|| push_passes(state, &state.pushes.panes))?
        }
        (ExportContent::Effect, Opened::Effect(effects)) => {
            let passes: Option<Vec<EffectPass>> =
                sides(&effects.sides).map(|it| effect_pass(state, it)).collect();
            passes.filter(|passes| !passes.is_empty()).map(Found::Effect)
        }
        (ExportContent::Patching, Opened::Patching(map)) => {
            Some(Found::Patch(Box::new(patched_pass(state, map)?)))
        }
        (ExportContent::Shift, Opened::Shift(shift)) => {
            Some(Found::Shift(Box::new(shifted_heads(state, shift)?)))
        }
        (ExportContent::Sinks, Opened::Sinks(sinks)) => {
            let passes: Option<Vec<SinkPass>> = sides(&sinks.sides).map(|it| sink_pass(state, it)).collect();
            passes.filter(|passes| !passes.is_empty()).map(Found::Sinks)
        }
        _ => None,
    }
}

/// What both sides of a panel know, of those that show something.
fn sides<T>(both: &[Option<T>; 2]) -> impl Iterator<Item = (Side, &T)> {
    Side::BOTH.into_iter().zip(both).filter_map(|(side, it)| Some((side, it.as_ref()?)))
}

fn made(state: &State, side: Side, subject: FoundSubject) -> Option<Source> {
    let shown = state.pane(side).shown.as_ref()?;
    Some(source::of_pane(state, side, shown, Subject::Found(subject)))
}

fn push_passes(state: &State, panes: &[Option<PushPanel>; 2]) -> Option<Found> {
    let passes: Option<Vec<PushPass>> = sides(panes).map(|it| push_pass(state, it)).collect();
    passes.filter(|passes| !passes.is_empty()).map(Found::Push)
}

fn push_pass(state: &State, (side, panel): (Side, &PushPanel)) -> Option<PushPass> {
    let push = panel.push.clone().filter(|_| panel.stage == PushStage::Known)?;
    let (token, versus) = panel.logit_tokens();
    let subject = FoundSubject::Push(LogitTokens { token, versus }, Some(panel.query()));
    let recipe = Recipe::new(made(state, side, subject)?, None);
    Some(PushPass { capture: panel.capture().clone(), push, recipe })
}

fn sink_pass(state: &State, (side, of): (Side, &SinkSide)) -> Option<SinkPass> {
    let sinks = of.sinks.as_ref()?.as_ref().ok()?.clone();
    let activations = of.activations.as_ref()?.as_ref().ok()?.clone();
    let recipe = Recipe::new(made(state, side, FoundSubject::Sinks)?, None);
    Some(SinkPass { capture: of.capture.clone(), sinks, activations, recipe })
}

fn effect_pass(state: &State, (side, of): (Side, &EffectSide)) -> Option<EffectPass> {
    let target = of.target().filter(|_| of.stage == EffectStage::Known)?.clone();
    let by = match of.unit() {
        HiddenUnit::Marked => HiddenBy::Spans,
        HiddenUnit::Words => HiddenBy::Words,
        HiddenUnit::Segments(rule) => HiddenBy::Segments(rule),
    };
    // Ids alone, as of written text, don't say where segments and words begin: then each span is named.
    let is_text = !matches!(made(state, side, FoundSubject::Effect(by, None))?.input, Input::Ids(_));
    let by = if is_text { by } else { HiddenBy::Spans };
    let source = made(state, side, FoundSubject::Effect(by, None))?;
    let mut effects: Vec<SpanEffect> = of.effects.iter().map(|effect| (**effect).clone()).collect();
    let mut spans = vec![];
    if by == HiddenBy::Spans {
        spans = of.spans().iter().map(|span| span.tokens.clone()).collect();
        for effect in &mut effects {
            effect.span = HiddenSpan::of(&of.capture().tokens, effect.span.tokens.clone());
        }
    }
    let recipe = Recipe::new(Source { spans, ..source }, None);
    Some(EffectPass { capture: of.capture().clone(), target, effects, recipe })
}

fn patched_pass(state: &State, map: &PatchMap) -> Option<PatchedPass> {
    let found = map.found.clone().filter(|_| map.stage == PatchStage::Known)?;
    // Named, because those that both prompts speak for may not be these.
    let [token, versus] = [&found.logits.token, &found.logits.versus].map(|next| Some(next.token.id));
    let subject = FoundSubject::Patch(map.what(), LogitTokens { token, versus });
    let from = state.panes.pin.as_ref()?.side;
    let recipe = |side| Some(Recipe::new(made(state, side, subject)?, None));
    let recipes = [recipe(from)?, recipe(from.other())?];
    Some(PatchedPass { captures: map.captures().clone(), found, recipes })
}

fn shifted_heads(state: &State, shift: &ModelShift) -> Option<Shifted> {
    let recipe = |side| Some(Recipe::new(made(state, side, FoundSubject::Shift)?, None));
    let recipes = [recipe(Side::Left)?, recipe(Side::Right)?];
    let (captures, heads) = (shift.captures().clone(), shift.heads.clone());
    let all = Shifted { captures, recipes, heads, mean: shift.mean_divergence(), next: shift.next };
    (shift.done == shift.layers).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Action;
    use crate::config::keys::{Command, Keys};
    use crate::export::FigureStyle;
    use crate::model::LoadOptions;
    use crate::runtime::screenshot::{apply, finish};
    use crate::vocabulary::ExportFormat;
    use crate::worker;

    /// What a panel found goes into a file, with the pass that it is of; before that there is nothing.
    #[tokio::test]
    async fn what_a_panel_found_is_written_once_it_is_there() {
        let demo = "demo:gpt2".to_owned();
        let mut state = State::new(demo.clone(), demo, "the cat. the cat".to_owned(), Keys::default(), false);
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        apply(&mut state, Action::Start, &worker);
        finish(&mut state, &worker, &mut events).await;
        let mut written = Vec::new();
        for (command, content) in [
            (Command::Push, ExportContent::Push),
            (Command::SpanEffect, ExportContent::Effect),
            (Command::Sinks, ExportContent::Sinks),
            (Command::ModelShift, ExportContent::Shift),
        ] {
            apply(&mut state, Action::Command(command), &worker);
            assert!(of_panel(&state, content).is_none(), "nothing is known yet");
            finish(&mut state, &worker, &mut events).await;
            let found = of_panel(&state, content).unwrap();
            let recipe = found.recipe(ExportFormat::Csv, FigureStyle::default()).unwrap();
            assert!(recipe.beside.is_some(), "both panes");
            let mut csv = Vec::new();
            found.write(&mut csv, &recipe).unwrap();
            written.push(String::from_utf8(csv).unwrap());
            let (mut svg, recipe) = (Vec::new(), found.recipe(ExportFormat::Svg, FigureStyle::default()));
            found.write(&mut svg, &recipe.unwrap()).unwrap();
            assert!(svg.starts_with(b"<svg"), "and drawn: {content:?}");
            assert!(of_panel(&state, ExportContent::Patching).is_none(), "another panel is open");
        }
        let [push, effect, sinks, shift] = &written[..] else { panic!("four panels") };
        assert!(
            shift.contains("\"view\":\"shift\"") && shift.contains("\nleft,right,layer,head,js_divergence,"),
            "{shift}"
        );
        assert!(sinks.contains("\"view\":\"sinks\"") && sinks.contains(",massive_count,"), "{sinks}");
        assert!(push.contains("\"view\":\"push@") && push.matches(",residual,").count() == 2, "{push}");
        assert!(effect.contains("\"view\":\"effect\""), "{effect}");
        apply(&mut state, Action::Command(Command::Back), &worker);
        assert!(of_panel(&state, ExportContent::Effect).is_none(), "it is closed");
        let text = ExportContent::Text(TextColoring::Push);
        for _ in 0..3 {
            assert!(of_panel(&state, text).is_none(), "the text is not coloured by push yet");
            apply(&mut state, Action::Command(Command::Text), &worker);
        }
        finish(&mut state, &worker, &mut events).await;
        let found = of_panel(&state, text).unwrap();
        let recipe = found.recipe(ExportFormat::Csv, FigureStyle::default()).unwrap();
        let mut csv = Vec::new();
        found.write(&mut csv, &recipe).unwrap();
        assert_eq!(String::from_utf8(csv).unwrap(), *push, "the file of the panel");
    }
}
