//! Keys, pastes and the mouse, as the terminal reports them, in whatever state and on a screen of whatever size.

use attnscope::app::{Action, Side, State, update};
use attnscope::runtime::{action, sync_layout};
use attnscope::theme::{Background, ColorDepth, ColorMap, Theme};
use attnscope::ui::{self, Layout};
use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use crate::fixture::{answer, captured};
use crate::run::run;

#[derive(Debug, Clone)]
enum Step {
    Event(Event),
    Draw(u16, u16),
    Tick,
}

fn modifiers() -> impl Strategy<Value = KeyModifiers> {
    prop_oneof![6 => Just(KeyModifiers::NONE), 1 => any::<u8>().prop_map(KeyModifiers::from_bits_truncate)]
}

fn key() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        10 => prop::sample::select("hjklqQdDgGoOpPtTwW?/:iIaAeEmMcCsSvVxXyYnN+-=.,0123456789[](){}<> ".chars().collect::<Vec<_>>())
            .prop_map(KeyCode::Char),
        1 => any::<char>().prop_map(KeyCode::Char),
        6 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace, KeyCode::Delete, KeyCode::Up,
            KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown,
            KeyCode::F(1), KeyCode::F(255), KeyCode::Null, KeyCode::Insert, KeyCode::Menu,
        ]),
    ];
    let kind = prop_oneof![9 => Just(KeyEventKind::Press), 1 => Just(KeyEventKind::Release), 1 => Just(KeyEventKind::Repeat)];
    (code, modifiers(), kind)
        .prop_map(|(code, modifiers, kind)| Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

fn mouse() -> impl Strategy<Value = Event> {
    let button = prop::sample::select(vec![MouseButton::Left, MouseButton::Right, MouseButton::Middle]);
    let kind = (0..8u8, button).prop_map(|(kind, button)| match kind {
        0 => MouseEventKind::Down(button),
        1 => MouseEventKind::Up(button),
        2 => MouseEventKind::Drag(button),
        3 => MouseEventKind::Moved,
        4 => MouseEventKind::ScrollUp,
        5 => MouseEventKind::ScrollDown,
        6 => MouseEventKind::ScrollLeft,
        _ => MouseEventKind::ScrollRight,
    });
    let place = || prop_oneof![9 => 0..130u16, 1 => any::<u16>()];
    (kind, place(), place(), modifiers())
        .prop_map(|(kind, column, row, modifiers)| Event::Mouse(MouseEvent { kind, column, row, modifiers }))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => key().prop_map(Step::Event),
        6 => mouse().prop_map(Step::Event),
        1 => prop::collection::vec(any::<u8>(), 0..60)
            .prop_map(|bytes| Step::Event(Event::Paste(String::from_utf8_lossy(&bytes).into_owned()))),
        1 => prop::sample::select(vec![Event::FocusGained, Event::FocusLost, Event::Resize(0, 0), Event::Resize(u16::MAX, 1)])
            .prop_map(Step::Event),
        2 => Just(Step::Tick),
        1 => (0..=200u16, 0..=70u16).prop_map(|(width, height)| Step::Draw(width, height)),
    ]
}

fn draw(state: &mut State, (width, height): (u16, u16)) -> Layout {
    let layout = sync_layout(state, Rect::new(0, 0, width, height));
    let theme = Theme::new(ColorMap::Cividis, ColorDepth::Ansi256, Background::Light);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| ui::draw(state, &layout, &theme, frame)).unwrap();
    layout
}

#[test]
fn input() {
    run("input", 60, &prop::collection::vec(step(), 0..120), |steps| {
        let mut state = captured();
        let mut layout = draw(&mut state, (120, 40));
        for step in steps {
            let done = match step {
                Step::Event(event) => action(event, &state, &layout),
                Step::Tick => Some(Action::Tick),
                Step::Draw(width, height) => {
                    layout = draw(&mut state, (*width, *height));
                    None
                }
            };
            if let Some(done) = done {
                let effects = update(&mut state, done);
                answer(&mut state, effects);
            }
        }
        draw(&mut state, (80, 24));
        for pane in Side::BOTH.map(|side| state.pane(side)) {
            if let Some(shown) = &pane.shown {
                prop_assert!(pane.cursor.value(shown.matrix()).is_some(), "{:?}", pane.cursor);
            }
        }
        Ok(())
    });
}
