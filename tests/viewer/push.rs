//! Push in the viewer: what is asked, what is shown, and what its keys do.

use std::sync::Arc;

use attnscope::app::{Column, Effect, ExportContent, Opened, Popup, PushPanel, PushStage, Side, State};
use attnscope::attention::NextToken;
use attnscope::attention::push::{HeadPush, Part, Push, PushedLogit};
use attnscope::theme::ColorDepth;
use attnscope::vocabulary::ExportFormat;
use attnscope::worker::protocol::{Event, PushJob, Request, Slot};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, parts, text};

fn questions(effects: &[Effect]) -> Vec<PushJob> {
    let question = |effect: &Effect| match effect {
        Effect::Send(Request::Push(question)) => Some(question.clone()),
        _ => None,
    };
    effects.iter().filter_map(question).collect()
}

/// Of which side's model, after which token, of which next tokens.
fn places(effects: &[Effect]) -> Vec<(Side, usize, Option<u32>, Option<u32>)> {
    let place = |q: &PushJob| (Side::of(q.slot), q.query, q.target, q.versus);
    questions(effects).iter().map(place).collect()
}

/// Heads that push the more the later they come, and every second one against the token.
fn push(question: &PushJob) -> Arc<Push> {
    let PushJob { capture, query, target, versus, .. } = question;
    let next = &capture.next;
    let named = |id: u32| next.iter().find(|next| next.token.id == id).cloned().unwrap();
    let target = target.map_or_else(|| next[0].clone(), named);
    let of_head = |layer: usize, head: usize| {
        let sign = if (layer + head).is_multiple_of(2) { 1.0 } else { -1.0 };
        let along: Vec<f64> = (0..=*query).map(|key| sign * (1.0 + (layer + key) as f64)).collect();
        HeadPush::new((layer, head), 0, &vec![0.25; query + 1], &along)
    };
    let heads =
        (0..capture.model.layers).flat_map(|layer| (0..capture.model.heads).map(move |head| (layer, head)));
    let heads: Vec<HeadPush> = heads.map(|(layer, head)| of_head(layer, head)).collect();
    let mlps: Vec<f64> = (0..capture.model.layers).map(|layer| 0.5 - layer as f64).collect();
    let means = capture.ablation.needs_means().then_some(-0.75);
    let sum: f64 = heads.iter().map(|head| head.total).sum::<f64>() + mlps.iter().sum::<f64>() + 1.5 - 0.25;
    let logit = sum + means.unwrap_or(0.0) + 2e-6;
    let rest = PushedLogit { logit, embedding: 1.5, biases: -0.25, means, mlps };
    let tokens: (NextToken, Option<NextToken>, Vec<NextToken>) = (target, versus.map(named), next.clone());
    Arc::new(Push::new(*query, tokens, heads, rest))
}

pub fn answered(state: &mut State, effects: &[Effect]) {
    for question in questions(effects) {
        let found = Ok(push(&question));
        hear(state, Event::Pushed { question: Box::new(question), found });
    }
}

/// Presses keys; the worker answers each.
fn go(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut all = Vec::new();
    for key in keys.split_whitespace() {
        let effects = press(state, key);
        answered(state, &effects);
        answer_views(state, effects.clone());
        all.extend(effects);
    }
    all
}

fn panel(state: &State, side: Side) -> &PushPanel {
    match state.screen.opened() {
        Opened::Push(push) => push.panes[side.index()].as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The text coloured by push: each move asks, and what is not known has no colour.
#[test]
fn the_text_is_coloured_by_push() {
    let mut state = captured();
    let effects = press(&mut state, "T T T");
    assert_eq!(places(&effects), [(Side::Left, 4, None, None), (Side::Right, 4, None, None)]);
    assert!(state.is_busy() && state.push_by_token(Side::Left).is_none());
    assert!(text(draw(&mut state, (80, 24)).backend().buffer()).contains("computing push"));
    answered(&mut state, &effects);
    assert!(!state.is_busy());
    assert_eq!(state.push_by_token(Side::Left), Some(vec![-0.25, -0.25, -0.25, -0.25, -0.25]));
    go(&mut state, "left ] enter } }");
    assert_eq!(state.push_by_token(Side::Left).map(|pushes| pushes.len()), Some(4));
    assert_screen!("text_by_push", state, (100, 24));
    let (terminal, _) = draw_with(&mut state, (80, 20), ColorDepth::None);
    insta::assert_snapshot!("text_by_push_without_colours", terminal.backend());
    press(&mut state, "left e");
    assert!(state.push_by_token(Side::Left).is_none(), "an older answer is of another token");
    let text = text(draw(&mut state, (100, 30)).backend().buffer());
    assert!(text.contains("text: push") && text.contains("a picture of the text"), "{text}");
}

/// What is marked among the next tokens is what the text is coloured by.
#[test]
fn the_text_is_coloured_by_the_push_of_the_marked_token() {
    let mut state = captured();
    go(&mut state, "T T T");
    let of = |state: &State| {
        let panel = state.pushes.panes[0].as_ref().unwrap();
        (panel.push.as_ref().unwrap().target.token.id, state.push_by_token(Side::Left).is_some())
    };
    let next: Vec<u32> = state
        .pane(Side::Left)
        .shown
        .as_ref()
        .unwrap()
        .capture
        .next
        .iter()
        .map(|next| next.token.id)
        .collect();
    assert_eq!(of(&state), (next[0], true));
    let effects = go(&mut state, ">");
    assert_eq!(places(&effects), [(Side::Left, 4, Some(next[1]), None)]);
    assert_eq!(of(&state), (next[1], true));
    let effects = go(&mut state, "left >");
    assert!(
        places(&effects).iter().all(|(_, query, target, _)| *query == 3 && target.is_none()),
        "{effects:?}"
    );
    go(&mut state, "] enter");
    let screen = text(draw(&mut state, (120, 30)).backend().buffer());
    assert!(screen.contains(": 0.0 adds"), "{screen}");
}

fn open() -> State {
    let mut state = captured();
    let effects = go(&mut state, "A");
    assert_eq!(places(&effects), [(Side::Left, 4, None, None), (Side::Right, 4, None, None)]);
    assert!(!state.is_busy());
    state
}

#[test]
fn screens() {
    let mut state = captured();
    let effects = press(&mut state, "A");
    assert!(state.is_busy());
    assert!(text(draw(&mut state, (80, 24)).backend().buffer()).contains("computing what each part adds"));
    answered(&mut state, &effects);
    assert_screen!("push", state, (120, 36));
    assert_screen!("push_with_keys_beside_it", state, (200, 50));
    assert_screen!("push_40x12", state, (40, 12));
    go(&mut state, "down enter ! down");
    assert_screen!("push_through_keys_80x24", state, (80, 24));
    let (terminal, _) = draw_with(&mut state, (80, 24), ColorDepth::None);
    insta::assert_snapshot!("push_without_colours", terminal.backend());
    for width in [1, 5, 20, 41, 63, 64] {
        for height in [1, 4, 7, 12] {
            draw(&mut state, (width, height));
        }
    }
}

#[test]
fn what_is_on_screen_is_exported() {
    let mut state = open();
    press(&mut state, "e");
    let Some(Popup::Export(dialog)) = &state.popup else { panic!("no export dialog") };
    let formats = [ExportFormat::Svg, ExportFormat::Png, ExportFormat::Csv, ExportFormat::Json];
    assert_eq!(dialog.choices[..4], formats.map(|format| (ExportContent::Push, format)));
    assert_eq!(dialog.list.line.value(), "demo-gpt2-and-demo-gpt-oss-push.svg");
    assert_screen!("push_exported", state, (100, 30));
}

#[test]
fn keys_choose_the_next_token_and_what_it_is_compared_to() {
    let mut state = open();
    assert_eq!(places(&go(&mut state, ">")), [(Side::Left, 4, Some(2), None)], "of the focused pane alone");
    assert_eq!(panel(&state, Side::Left).push.as_ref().unwrap().target.token.id, 2);
    // Against each of the others in turn, then against none.
    let against: Vec<_> = ["!", "!", "!"].map(|key| places(&go(&mut state, key))[0].3).to_vec();
    assert_eq!(against, [Some(1), Some(3), None]);
    go(&mut state, "!");
    assert_eq!(places(&go(&mut state, "<")), [(Side::Left, 4, Some(1), None)], "never against itself");
    assert_eq!(places(&go(&mut state, "<")), [], "there is no likelier one");
}

#[test]
fn the_token_that_is_marked_is_the_one_that_is_told_apart() {
    let mut state = captured();
    press(&mut state, ">");
    assert_eq!(
        places(&press(&mut state, "A")),
        [(Side::Left, 4, Some(2), None), (Side::Right, 4, None, None)]
    );
}

#[test]
fn it_follows_the_cursor_and_shows_the_older_answer_meanwhile() {
    let mut state = open();
    let effects = press(&mut state, "left");
    assert_eq!(places(&effects), [(Side::Left, 3, None, None), (Side::Right, 3, None, None)]);
    let shown = panel(&state, Side::Left);
    assert_eq!((shown.query(), &shown.stage), (3, &PushStage::Waiting));
    assert_eq!(shown.push.as_ref().unwrap().query, 4, "which stays until the new one is there");
    let old = questions(&effects).remove(0);
    let effects = press(&mut state, "left");
    hear(&mut state, Event::Pushed { found: Ok(push(&old)), question: Box::new(old) });
    assert_eq!(panel(&state, Side::Left).push.as_ref().unwrap().query, 4, "an answer to an older question");
    answered(&mut state, &effects);
    assert_eq!(panel(&state, Side::Left).push.as_ref().unwrap().query, 2);
}

#[test]
fn a_head_has_its_keys_and_the_panes_go_to_both() {
    let mut state = open();
    let parts_of_it: Vec<Part> =
        panel(&state, Side::Left).push.as_ref().unwrap().parts().iter().map(|p| p.0).collect();
    let first = parts_of_it[0];
    assert!(first.view().is_some(), "{parts_of_it:?}");
    go(&mut state, "enter");
    let shown = panel(&state, Side::Left);
    assert_eq!((shown.inside, shown.part()), (Some((first, 0)), Some(first)));
    let keys = shown.head().unwrap().ranked_keys();
    go(&mut state, "down");
    go(&mut state, "esc");
    assert_eq!((panel(&state, Side::Left).inside, panel(&state, Side::Left).row), (None, 0));
    go(&mut state, "enter down enter");
    assert!(matches!(state.screen.opened(), Opened::Nothing));
    assert_eq!(state.pane(Side::Left).selection.view(), first.view().unwrap());
    assert_eq!(state.pane(Side::Left).cursor.column, Column::Key(keys[1].0));
}

/// The embedding and MLPs have no keys, and nothing to switch off.
#[test]
fn what_is_no_head_opens_nothing() {
    let mut state = open();
    let at = |state: &State| {
        let push = panel(state, Side::Left).push.clone().unwrap();
        push.parts().iter().position(|(part, _)| *part == Part::Embedding).unwrap()
    };
    for _ in 0..at(&state) {
        go(&mut state, "down");
    }
    assert_eq!(panel(&state, Side::Left).part(), Some(Part::Embedding));
    go(&mut state, "enter");
    assert_eq!(panel(&state, Side::Left).inside, None);
    assert_eq!(state.note.as_deref(), Some("only heads push through keys: choose one"));
}

#[test]
fn a_head_is_found_where_it_is_drawn() {
    let mut state = open();
    let (_, layout) = draw_with(&mut state, (120, 36), ColorDepth::TrueColor);
    let heads: Vec<_> = parts(&layout).iter().filter_map(|part| part.view).collect();
    let expected: Vec<_> =
        panel(&state, Side::Left).push.as_ref().unwrap().parts().iter().filter_map(|p| p.0.view()).collect();
    assert_eq!(heads[..3], expected[..3]);
}

#[test]
fn the_same_next_token_is_asked_about_without_a_head() {
    let mut state = open();
    go(&mut state, "> !");
    let off = ablated(&gpt2(), &["write", " a", " story", " about", " AI"], "0.0");
    assert_eq!(off.tokens, panel(&state, Side::Left).capture().tokens);
    let job = state.run.job;
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture: off });
    assert_eq!(places(&effects), [(Side::Left, 4, Some(2), Some(1))]);
}

/// What stands in the place of heads is a part of its own, and no bias.
#[test]
fn heads_at_their_mean_have_a_part_of_their_own() {
    let mut state = open();
    let off = ablated(&gpt2(), &["write", " a", " story", " about", " AI"], "mean:0.0");
    let job = state.run.job;
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture: off });
    answered(&mut state, &effects);
    let screen = |state: &mut State, size| text(draw(state, size).backend().buffer());
    let wide = screen(&mut state, (200, 50));
    assert!(wide.contains("biases −0.25  means of heads off −0.75"), "{wide}");
    assert!(wide.contains("    means  −0.750"), "{wide}");
    assert!(screen(&mut state, (80, 24)).contains("rest +0.50"), "1.5 − 0.25 − 0.75");
}

#[test]
fn what_failed_is_tried_again() {
    let mut state = captured();
    let effects = press(&mut state, "A");
    for question in questions(&effects) {
        hear(&mut state, Event::Pushed { question: Box::new(question), found: Err(failed("no memory")) });
    }
    assert!(!state.is_busy());
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("no memory · r tries again"));
    assert_eq!(places(&press(&mut state, "r")).len(), 2);
}

#[test]
fn before_a_prompt_was_read_and_without_an_output_head_it_says_so() {
    let mut state = loaded();
    assert_eq!(press(&mut state, "A").len(), 0);
    assert_eq!(state.note.as_deref(), Some("this model has not read a prompt yet"));
    let mut state = captured();
    let mut silent = (*gpt2()).clone();
    silent.has_output_head = false;
    let texts = ["write", " a", " story", " about", " AI"];
    let job = state.run.job;
    let capture = capture(&Arc::new(silent), &texts);
    hear(&mut state, Event::Captured { slot: Slot::First, job, capture });
    assert_eq!(places(&press(&mut state, "A")), [(Side::Right, 4, None, None)]);
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("it predicts nothing"));
}

/// All heads in numbers have a column for it.
#[test]
fn the_list_of_heads_says_what_they_push_and_sorts_by_it() {
    let mut state = captured();
    let effects = press(&mut state, "o");
    assert_eq!(places(&effects), [(Side::Left, 4, None, None), (Side::Right, 4, None, None)]);
    assert!(state.screen.list.rows().iter().all(|head| head.entry.push.is_none()));
    answered(&mut state, &effects);
    act(&mut state, attnscope::app::Action::Tick);
    let orders = attnscope::attention::HeadOrder::all().count();
    for _ in 0..orders {
        press(&mut state, "right");
    }
    assert_eq!(state.screen.list.order, attnscope::attention::HeadOrder::Push, "nothing is alike");
    let pushes: Vec<f32> = state.screen.list.rows().iter().map(|head| head.entry.push.unwrap()).collect();
    assert!(pushes.windows(2).all(|pair| pair[0] >= pair[1]), "{pushes:?}");
    assert!(text(draw(&mut state, (80, 24)).backend().buffer()).contains("▾push"));
    assert_eq!(places(&press(&mut state, "left right")), [], "that is asked once");
}
