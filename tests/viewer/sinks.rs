//! Sinks: what is asked for, walked, opened, stopped, and what is on screen before it is known.

use std::sync::Arc;

use attnscope::app::{Effect, Opened, Side, SinkNumber, SinkTruth, State};
use attnscope::attention::View;
use attnscope::theme::ColorDepth;
use attnscope::worker::protocol::{ActivationsJob, Event, Request, SinksJob, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, text};

fn sinks(state: &State) -> Option<&SinkTruth> {
    if let Opened::Sinks(sinks) = state.screen.opened() { Some(sinks) } else { None }
}

fn asked_for(effects: &[Effect]) -> (Vec<SinksJob>, Vec<ActivationsJob>) {
    let (mut heads, mut streams) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::Send(Request::Sinks(job)) => heads.push(job.clone()),
            Effect::Send(Request::Activations(job)) => streams.push(job.clone()),
            _ => {}
        }
    }
    (heads, streams)
}

fn stops(effects: &[Effect]) -> bool {
    let is = |wanted: fn(&Request) -> bool| {
        effects.iter().any(|effect| matches!(effect, Effect::Send(request) if wanted(request)))
    };
    is(|it| matches!(it, Request::StopSinks)) && is(|it| matches!(it, Request::ForgetLens))
}

fn screen(state: &mut State, size: (u16, u16)) -> String {
    text(draw(state, size).backend().buffer())
}

#[test]
fn layers_are_walked_and_open_and_numbers_follow_each_other() {
    let mut state = captured();
    let effects = press(&mut state, "Q");
    let (heads, streams) = asked_for(&effects);
    assert_eq!((heads.len(), streams.len()), (2, 2));
    assert!(state.is_busy());
    assert!(screen(&mut state, (120, 36)).contains("going through the rows of all heads"));
    answer(&mut state, effects);
    assert!(!state.is_busy());
    assert_eq!(sinks(&state).unwrap().row, 1, "the mean begins at the first layer");
    press(&mut state, "down down");
    let rows = |state: &State| Side::BOTH.map(|side| sinks(state).unwrap().row_of(side));
    assert_eq!(rows(&state), [2, 3], "the other model has fewer layers");
    press(&mut state, "n");
    assert_eq!(sinks(&state).unwrap().number, SinkNumber::Learned);
    press(&mut state, "n n");
    assert_eq!(sinks(&state).unwrap().number, SinkNumber::First);
    press_and_wait(&mut state, "tab enter");
    assert!(sinks(&state).is_none());
    assert_eq!(shown(&state)[1], View::Layer(2));
    press(&mut state, "Q");
    assert_eq!(sinks(&state).unwrap().row, 3, "it begins at the layer on screen");
    press(&mut state, "home");
    assert!(stops(&press(&mut state, "Q")), "a panel that is closed keeps nothing");
    assert!(press(&mut started(), "Q").is_empty(), "there is nothing to show yet");
    // A model without sinks has two numbers less.
    let mut state = alone();
    press_and_wait(&mut state, "Q n");
    assert_eq!(sinks(&state).unwrap().number, SinkNumber::First);
}

#[test]
fn what_is_stopped_or_gone_says_so_and_is_asked_for_again() {
    let mut state = captured();
    let effects = press(&mut state, "Q");
    assert!(stops(&press(&mut state, "ctrl-x")));
    let (heads, streams) = asked_for(&effects);
    for question in heads {
        hear(&mut state, Event::Sinks { question, found: Err(WorkerError::Cancelled) });
    }
    for question in streams {
        hear(&mut state, Event::Activations { question, found: Err(WorkerError::Cancelled) });
    }
    assert!(!state.is_busy());
    assert!(screen(&mut state, (120, 36)).contains("stopped"));
    let effects = press(&mut state, "r");
    let (heads, _) = asked_for(&effects);
    assert_eq!(heads.len(), 2);
    answer(&mut state, effects);
    assert!(!screen(&mut state, (120, 36)).contains("stopped"));
    // What is pinned has no model any more once another one is loaded; its rows are still there.
    let mut state = captured();
    press(&mut state, "p");
    let other = model("other", 2, 3, false);
    hear(&mut state, Event::Loaded { slot: Side::Left.slot(), model: other });
    let effects = press(&mut state, "Q");
    let (heads, streams) = asked_for(&effects);
    assert_eq!((heads.len(), streams.len()), (2, 0), "both panes show the model that is gone");
    answer(&mut state, effects);
    let screen = screen(&mut state, (160, 40));
    assert!(screen.contains("is not here any more") && screen.contains("first token"), "{screen}");
}

#[test]
fn an_answer_about_another_pass_changes_nothing() {
    let mut state = captured();
    let effects = press(&mut state, "Q");
    let (heads, _) = asked_for(&effects);
    let other = capture(&gpt2(), &["one"]);
    let found = attnscope::attention::sinks::Sinks::new(&other, &|| false).map(Arc::new).unwrap();
    let question = SinksJob { capture: other, ..heads[0].clone() };
    hear(&mut state, Event::Sinks { question, found: Ok(found) });
    assert!(sinks(&state).unwrap().sides[0].as_ref().unwrap().sinks.is_none());
    answer(&mut state, effects);
    // A prompt of one token, on any screen, in any colours.
    state.run.prompt = "one".to_owned();
    let effects = captured_as(&mut state, &["one"], &["one"]);
    assert_eq!(asked_for(&effects).0.len(), 2, "a newer pass is asked about");
    answer(&mut state, effects);
    for size in [(40, 12), (64, 14), (80, 24), (200, 60)] {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi16, ColorDepth::None] {
            press(&mut state, "n tab pagedown");
            draw_with(&mut state, size, depth);
        }
    }
    let screen = screen(&mut state, (120, 36));
    assert_eq!(screen.matches("first token   nothing is behind it").count(), 2, "{screen}");
    assert!(!screen.contains("100%") && !screen.contains("0.000"), "no mean over no rows: {screen}");
}

#[test]
fn sinks_on_screens() {
    let mut state = captured();
    press_and_wait(&mut state, "Q down down");
    assert_screen!("sinks", state, (120, 36));
    assert_screen!("sinks_80x24", state, (80, 24));
    press(&mut state, "n tab");
    assert_screen!("sinks_on_a_small_screen", state, (40, 12));
    let (terminal, _) = draw_with(&mut state, (100, 30), ColorDepth::None);
    insta::assert_snapshot!("sinks_without_colours", terminal.backend());
}
