//! Prompts in the models' chat templates.

use std::sync::Arc;

use attnscope::app::{Action, Effect, Hover, State};
use attnscope::attention::{Capture, ChatPrompt};
use attnscope::vocabulary::Conversation;
use attnscope::worker::protocol::{Event, Request, Slot};

use ratatui::style::Modifier;

use crate::fixture::*;
use crate::screens::draw;

/// The conversation that is to be run.
fn asked(effects: &[Effect]) -> Vec<Option<Conversation>> {
    let run = |effect: &Effect| match effect {
        Effect::Send(Request::Run { chat, .. }) => Some(chat.clone()),
        _ => None,
    };
    effects.iter().filter_map(run).collect()
}

fn turn(user: &str, answer: &str) -> Option<Conversation> {
    Some(Conversation { system: None, user: user.to_owned(), answer: answer.to_owned() })
}

/// The models have read the newest prompt between these texts.
fn read(state: &mut State, [before, after]: [&str; 2], slots: &[Slot]) {
    let conversation = turn(&PROMPT.concat(), "").unwrap();
    let texts: Vec<&str> = [before].into_iter().chain(PROMPT).chain([after]).collect();
    for slot in slots {
        let model = if *slot == Slot::First { gpt2() } else { gpt_oss() };
        let pass = (*capture(&model, &texts)).clone();
        let chat = ChatPrompt::new(conversation.clone(), texts.concat());
        let capture = Arc::new(Capture { chat: Some(Arc::new(chat)), ..pass });
        let job = state.run.job;
        let effects = hear(state, Event::Captured { slot: *slot, job, capture });
        answer(state, effects);
    }
}

#[test]
fn a_key_asks_in_the_chat_template_and_as_it_is() {
    let mut state = captured();
    let prompt = PROMPT.concat();
    assert_eq!(asked(&press(&mut state, "C")), [turn(&prompt, "")]);
    assert!(state.note.as_deref().unwrap().starts_with("chat: the prompt is the user's turn"));
    read(&mut state, ["user:", "bot:"], &Slot::ALL);
    assert_eq!(asked(&press(&mut state, ".")), [turn(&prompt, " research")], "the answer begins");
    assert_eq!(asked(&press(&mut state, ",")), [turn(&prompt, "")]);
    assert_eq!(asked(&press(&mut state, "C")), [None]);
    assert!(state.note.as_deref().unwrap().starts_with("no chat"));
}

#[test]
fn what_is_written_anew_is_all_the_users() {
    let mut state = captured();
    state.run.system = Some("Be brief".to_owned());
    press(&mut state, "C");
    read(&mut state, ["user:", "bot:"], &Slot::ALL);
    press(&mut state, ".");
    press(&mut state, "i");
    let effects = attnscope::app::update(&mut state, Action::Submit);
    let user = format!("{} research", PROMPT.concat());
    let expected = Conversation { system: Some("Be brief".to_owned()), user, answer: String::new() };
    assert_eq!(asked(&effects), [Some(expected)]);
}

#[test]
fn a_byte_of_the_prompt_lights_its_token_inside_the_template() {
    let mut state = captured();
    press(&mut state, "C");
    read(&mut state, ["user:", "bot:"], &Slot::ALL);
    state.hover = Some(Hover::Text(0));
    for side in attnscope::app::Side::BOTH {
        assert_eq!(state.lit(side).unwrap().query, 1, "behind what the template writes first");
    }
}

#[test]
fn different_templates_are_compared_by_what_both_say() {
    let mut state = captured();
    press(&mut state, "C");
    read(&mut state, ["user:", "bot:"], &[Slot::First]);
    read(&mut state, ["<u>", "<b>"], &[Slot::Second]);
    press(&mut state, "D");
    let effects = press(&mut state, "");
    answer(&mut state, effects);
    assert!(state.note.is_none() && state.screen.difference.is_some());
}

#[test]
fn special_tokens_are_slanted_and_go_without_names_if_told_so() {
    let mut state = captured();
    let mut pass: Capture = (*capture(&gpt2(), &["<|end|>", "write", " a"])).clone();
    Arc::make_mut(&mut pass.tokens)[0].is_special = true;
    let (slot, job) = (Slot::First, state.run.job);
    let effects = hear(&mut state, Event::Captured { slot, job, capture: Arc::new(pass) });
    answer(&mut state, effects);
    let slanted = |state: &mut State| {
        let terminal = draw(state, (120, 34));
        let cells = terminal.backend().buffer().content().iter();
        let slanted = cells.filter(|cell| cell.modifier.contains(Modifier::ITALIC));
        slanted.map(|cell| cell.symbol()).collect::<String>()
    };
    let named = slanted(&mut state);
    assert!(named.contains("<|end|>") && !named.contains("write"), "{named}");
    press(&mut state, "N");
    let nameless = slanted(&mut state);
    assert!(!nameless.contains("end") && nameless.contains('·'), "{nameless}");
    press(&mut state, "N");
    assert_eq!(slanted(&mut state), named);
}

/// The whole matrix of one pane may need pixels of several cells, and that of the other not.
#[test]
fn a_bare_prompt_beside_a_long_one_in_a_template_is_as_large_as_fits() {
    let mut state = captured();
    press(&mut state, "C");
    let long = "system ".repeat(200);
    let words: Vec<&str> = long.split_inclusive(' ').collect();
    let conversation = turn(&PROMPT.concat(), "").unwrap();
    let texts: Vec<&str> = words.into_iter().chain(PROMPT).collect();
    let chat = ChatPrompt::new(conversation, texts.concat());
    let capture = Arc::new(Capture { chat: Some(Arc::new(chat)), ..(*capture(&gpt2(), &texts)).clone() });
    let job = state.run.job;
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture });
    answer(&mut state, effects);
    draw(&mut state, (120, 30));
    let layout = attnscope::ui::layout(&state, ratatui::layout::Rect::new(0, 0, 120, 30));
    let [chat, bare] = layout.panes().collect::<Vec<_>>()[..] else { panic!("two panes") };
    assert!(chat.overview.is_some() && bare.overview.is_none());
    assert!(bare.grid.is_some_and(|grid| !grid.is_cut() && grid.cell.0 > 1), "{:?}", bare.grid);
}
