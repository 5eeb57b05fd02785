//! Patching in the viewer: what is asked, what is shown while it fills, and what its keys do.

use std::sync::Arc;

use attnscope::app::{Action, Effect, ExportContent, Mode, Opened, PatchMap, PatchStage, Popup, Side, State};
use attnscope::attention::patching::{LogitPair, Patched, Patching};
use attnscope::attention::{NextToken, Token, View};
use attnscope::theme::ColorDepth;
use attnscope::vocabulary::ExportFormat;
use attnscope::worker::protocol::{Event, PatchJob, Request, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with};

const OTHER: [&str; 5] = ["write", " a", " poem", " about", " cats"];

/// gpt2's reading of the first prompt is pinned, and it has read another one of equal length.
fn pinned() -> State {
    let mut state = captured();
    press(&mut state, "p");
    read(&mut state, &OTHER);
    state
}

fn read(state: &mut State, texts: &[&str]) {
    state.editor.draft = texts.concat().into();
    act(state, Action::Submit);
    captured_as(state, texts, texts);
}

fn asked(effects: &[Effect]) -> Option<PatchJob> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Request::Patch(question)) => Some(question.as_ref().clone()),
        _ => None,
    })
}

fn stops(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(Request::StopPatching)))
}

/// Effects from −0.3 up, of the first `done` places.
fn found(question: &PatchJob, done: usize) -> Arc<Patching> {
    let model = &question.captures[1].model;
    let columns =
        if question.what == Patched::Heads { model.heads } else { question.captures[1].tokens.len() };
    let next = |id: u32, text: &str| NextToken {
        token: Token { text: text.to_owned(), ..Token::from_id(id) },
        probability: 0.5,
    };
    let logits = LogitPair { token: next(1, " robots"), versus: next(2, " dogs"), differences: [2.5, -1.25] };
    let effects: Vec<f32> = (0..done).map(|at| at as f32 * 0.11 - 0.3).collect();
    Arc::new(Patching::new(question.what, logits, (model.layers, columns), &effects))
}

fn map(state: &State) -> &PatchMap {
    let Opened::Patching(map) = state.screen.opened() else { panic!("no map is open: {:?}", state.note) };
    map
}

#[test]
fn a_pinned_prompt_is_patched_into_the_one_beside_it_and_the_map_fills() {
    let mut state = pinned();
    let effects = press(&mut state, "J");
    let question = asked(&effects).unwrap();
    let texts = question.captures.each_ref().map(|capture| capture.tokens[2].text.clone());
    assert_eq!(texts, [" story", " poem"], "the pinned one is taken from");
    assert_eq!((question.slot, question.what), (Side::Left.slot(), Patched::Heads));
    assert!(state.is_busy() && asked(&press(&mut state, "right")).is_none(), "it is asked once");
    hear(&mut state, Event::Patching { question: Box::new(question.clone()), found: found(&question, 5) });
    let all = question.captures[1].model.layers * question.captures[1].model.heads;
    assert_eq!((map(&state).progress(), map(&state).effect((0, 1))), ((5, all), Some(0.11 - 0.3)));
    assert_screen!("patching_half", state, (120, 34));
    assert_screen!("patching_half_40x12", state, (40, 12));
    for (depth, size) in [(ColorDepth::None, (80, 24)), (ColorDepth::Ansi16, (80, 24))] {
        draw_with(&mut state, size, depth);
    }
    let patched = Event::Patched { question: Box::new(question.clone()), found: Ok(found(&question, all)) };
    hear(&mut state, patched);
    assert!(map(&state).stage == PatchStage::Known && !state.is_busy());
    press(&mut state, "down");
    assert_eq!(map(&state).chosen, (1, 1));
    press_and_wait(&mut state, "enter");
    assert_eq!(
        (state.screen.mode(), state.pane(Side::Left).selection.view()),
        (Mode::Browse, View::Head { layer: 1, head: 1 })
    );
}

#[test]
fn the_residual_stream_has_a_column_for_each_token() {
    let mut state = pinned();
    press(&mut state, "J");
    let question = asked(&press(&mut state, "n")).unwrap();
    assert_eq!((question.what, map(&state).shape().1), (Patched::Residual, OTHER.len()));
    let late = PatchJob { what: Patched::Heads, ..question.clone() };
    hear(&mut state, Event::Patching { question: Box::new(late.clone()), found: found(&late, 3) });
    assert!(map(&state).found.is_none(), "nobody waits for the heads any more");
    let all = map(&state).progress().1;
    hear(
        &mut state,
        Event::Patched { question: Box::new(question.clone()), found: Ok(found(&question, all)) },
    );
    press(&mut state, "right right");
    assert_screen!("patching_residual", state, (100, 30));
    press_and_wait(&mut state, "enter");
    let pane = state.pane(Side::Left);
    assert_eq!((pane.selection.view(), pane.cursor.query), (View::Layer(0), 2));
}

#[test]
fn it_stops_goes_on_and_begins_anew_with_another_prompt() {
    let mut state = pinned();
    let question = asked(&press(&mut state, "J")).unwrap();
    hear(&mut state, Event::Patching { question: Box::new(question.clone()), found: found(&question, 3) });
    assert!(stops(&press(&mut state, "ctrl-x")));
    let stopped = Event::Patched { question: Box::new(question.clone()), found: Err(WorkerError::Cancelled) };
    hear(&mut state, stopped);
    assert!(matches!(map(&state).stage, PatchStage::Failed(_)) && !state.is_busy());
    assert!(asked(&press(&mut state, "r")).is_some());
    assert_eq!(map(&state).progress().0, 3, "what is known stays");
    press(&mut state, "J");
    assert_eq!(state.screen.mode(), Mode::Browse);
    press(&mut state, "J");
    state.editor.draft = ["write", " a", " song", " about", " AI"].concat().into();
    let texts = ["write", " a", " song", " about", " AI"];
    act(&mut state, Action::Submit);
    captured_as(&mut state, &texts, &texts);
    press(&mut state, "esc");
    let question = asked(&press(&mut state, "J")).unwrap();
    assert_eq!(question.captures[1].tokens[2].text, " song");
    assert!(stops(&press(&mut state, "esc")), "nobody waits for it any more");
}

#[test]
fn what_cannot_be_patched_says_why() {
    let mut state = captured();
    press(&mut state, "J");
    assert_eq!(state.screen.mode(), Mode::Browse);
    assert!(state.note.as_deref().unwrap().contains("pin this prompt"), "{:?}", state.note);
    press(&mut state, "p");
    read(&mut state, &["write", " a", " poem"]);
    assert_eq!(asked(&press(&mut state, "J")).map(|job| job.what), None);
    let PatchStage::Failed(error) = &map(&state).stage else { panic!("{:?}", map(&state).stage) };
    assert!(error.to_string().contains("these have 5 and 3 tokens"), "{error}");
    for keys in ["", "n", "r"] {
        press(&mut state, keys);
        let screen = draw(&mut state, (80, 24)).backend().to_string();
        assert!(screen.contains("two prompts of equal length: these have 5 and 3 tokens"), "{screen}");
        assert_eq!(map(&state).what(), Patched::Heads, "there is no choice");
        for offer in ["tries again", "residual stream"] {
            assert!(!screen.contains(offer), "{offer} is no use: {screen}");
        }
    }
    press(&mut state, "p");
    assert!(map(&state).stage != PatchStage::Running, "nothing is pinned any more");
}

#[test]
fn the_map_is_exported_and_so_are_effects_and_sinks() {
    for (keys, content, file) in [
        ("J e", ExportContent::Patching, "demo-gpt2-patching.svg"),
        ("X e", ExportContent::Effect, "demo-gpt2-and-demo-gpt2-effect.svg"),
        ("Q e", ExportContent::Sinks, "demo-gpt2-and-demo-gpt2-sinks.svg"),
    ] {
        let mut state = pinned();
        press(&mut state, keys);
        let Some(Popup::Export(dialog)) = &state.popup else { panic!("{keys}: no export dialog") };
        assert_eq!(dialog.choices[0], (content, ExportFormat::Svg), "{keys}");
        assert_eq!(dialog.list.line.value(), file);
        let formats = dialog.choices.iter().filter(|choice| choice.0 == content).count();
        assert_eq!(formats, 4, "{keys}");
    }
}
