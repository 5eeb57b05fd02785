//! Keys, pastes and the mouse, as the terminal sends or reports them, in whatever state and on a screen of whatever size.

use attnscope::app::{Action, Side, State, update};
use attnscope::attention::is_unprintable;
use attnscope::runtime::{action, sync_layout, typed};
use attnscope::terminal::{Answer, Parser, Report};
use attnscope::theme::{Background, ColorDepth, ColorMap, Theme};
use attnscope::ui::{self, Layout};
use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use crate::bytes::Stream;
use crate::fixture::{answer, captured};
use crate::run::run;

#[derive(Debug, Clone)]
enum Step {
    /// What a terminal sends.
    Bytes(Stream),
    /// Nothing comes for so long that a beginning counts as all there is.
    Pause,
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
        10 => Stream::any(4).prop_map(Step::Bytes),
        3 => Just(Step::Pause),
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

/// The viewer after both models have read a prompt, on a screen.
struct Viewer {
    state: State,
    layout: Layout,
    parser: Parser,
    background: Background,
}

impl Viewer {
    fn new((state, layout): (State, Layout)) -> Self {
        Self { state, layout, parser: Parser::default(), background: Background::Light }
    }

    /// As it is once both have.
    fn first() -> (State, Layout) {
        let mut viewer = Self::new((captured(), Layout::default()));
        viewer.draw(120, 40);
        (viewer.state, viewer.layout)
    }

    fn take(&mut self, step: &Step) {
        let mut reports = Vec::new();
        match step {
            Step::Bytes(stream) => stream.feed(&mut self.parser, &mut |report| reports.push(report)),
            Step::Pause => self.parser.expire(&mut |report| reports.push(report)),
            Step::Event(event) => reports.push(Report::Event(event.clone())),
            Step::Tick => self.act(Action::Tick),
            Step::Draw(width, height) => self.draw(*width, *height),
        }
        for report in reports {
            match report {
                Report::Event(event) => {
                    if let Some(done) = action(&event, &self.state, &self.layout) {
                        self.act(done);
                    }
                }
                Report::Text(text) => {
                    if let Some(done) = typed(text, &self.state) {
                        self.act(done);
                    }
                }
                Report::Answer(Answer::Background(background)) => self.background = background,
                Report::Answer(_) => {}
            }
        }
    }

    fn act(&mut self, done: Action) {
        let effects = update(&mut self.state, done);
        answer(&mut self.state, effects);
    }

    fn draw(&mut self, width: u16, height: u16) {
        self.layout = sync_layout(&mut self.state, Rect::new(0, 0, width, height));
        let theme = Theme::new(ColorMap::Cividis, ColorDepth::Ansi256, self.background);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| ui::draw(&self.state, &self.layout, &theme, frame)).unwrap();
        let evil =
            terminal.backend().buffer().content().iter().find(|cell| cell.symbol().chars().any(is_evil));
        assert_eq!(evil, None, "a terminal obeys it, or hides text");
    }
}

/// What joins characters is a part of them, and stays.
fn is_evil(c: char) -> bool {
    is_unprintable(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// Short runs, which reach most of what there is, and one in so many that is long.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![19 => prop::collection::vec(step(), 0..24), 1 => prop::collection::vec(step(), 0..120)]
}

#[test]
fn input() {
    run("input", 300, &steps(), |steps| {
        // Its first frame is always the same.
        thread_local!(static FIRST: (State, Layout) = Viewer::first());
        let mut viewer = Viewer::new(FIRST.with(Clone::clone));
        steps.iter().for_each(|step| viewer.take(step));
        viewer.draw(80, 24);
        for pane in Side::BOTH.map(|side| viewer.state.pane(side)) {
            if let Some(shown) = &pane.shown {
                prop_assert!(pane.cursor.value(shown.matrix()).is_some(), "{:?}", pane.cursor);
            }
        }
        Ok(())
    });
}
