//! Whatever happens, in whatever order, on a screen of whatever size: no panic, and the cursor stays
//! inside the matrix.

use attnscope::app::{Action, Column, Cursor, Exported, Hover, Side, State, Zoom, update};
use attnscope::attention::View;
use attnscope::config::keys::Command;
use attnscope::runtime::sync_layout;
use attnscope::theme::{Background, ColorDepth, ColorMap, Theme};
use attnscope::ui;
use attnscope::worker::protocol::{Event, JobId, LoadProgress, WorkerError};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use tui_input::InputRequest;

use crate::fixture::*;

#[derive(Debug, Clone)]
enum Step {
    Act(Action),
    /// Runs what is in the editor, cut into tokens of a few characters.
    Capture(Side, usize),
    /// The view that is wanted of a side can't be computed.
    Fail(Side),
    Draw(u16, u16),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Left), Just(Side::Right)]
}

fn column() -> impl Strategy<Value = Column> {
    prop_oneof![Just(Column::Sink), (0..400usize).prop_map(Column::Key)]
}

fn view() -> impl Strategy<Value = View> {
    prop_oneof![
        Just(View::Mean),
        (0..9usize).prop_map(View::Layer),
        (0..9usize, 0..9usize).prop_map(|(layer, head)| View::Head { layer, head }),
    ]
}

fn hover() -> impl Strategy<Value = Option<Hover>> {
    prop_oneof![
        (side(), 0..400usize, column())
            .prop_map(|(side, query, column)| Some(Hover::Cell { side, cell: Cursor { query, column } })),
        (0..400usize).prop_map(|byte| Some(Hover::Text(byte))),
        Just(None),
    ]
}

fn edit() -> impl Strategy<Value = InputRequest> {
    prop_oneof![
        any::<char>().prop_map(InputRequest::InsertChar),
        Just(InputRequest::GoToPrevChar),
        Just(InputRequest::GoToNextWord),
        Just(InputRequest::DeletePrevWord),
        Just(InputRequest::DeletePrevChar),
        Just(InputRequest::GoToStart),
        Just(InputRequest::DeleteLine),
        Just(InputRequest::Yank),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let job = (0..4u64).prop_map(JobId);
    let error = "[ a-z\u{300}日\n]{0,200}".prop_map(|error| refused(&error));
    prop_oneof![
        side().prop_map(|side| Event::Loading { slot: side.slot(), progress: LoadProgress::Resolving }),
        (side(), any::<u64>(), any::<u64>()).prop_map(|(side, done, total)| {
            let progress = LoadProgress::Downloading { file: "model.safetensors".into(), done, total };
            Event::Loading { slot: side.slot(), progress }
        }),
        side().prop_map(|side| Event::Loaded {
            slot: side.slot(),
            model: if side == Side::Left { gpt2() } else { gpt_oss() }
        }),
        side().prop_map(|side| Event::Unloaded { slot: side.slot() }),
        error.clone().prop_map(|error| Event::Listed { models: Err(error) }),
        error
            .clone()
            .prop_map(|error| Event::Estimated { name: "a/b".into(), estimate: Box::new(Err(error)) }),
        (side(), error.clone()).prop_map(|(side, error)| Event::LoadFailed { slot: side.slot(), error }),
        side().prop_map(|side| Event::LoadFailed { slot: side.slot(), error: WorkerError::Cancelled }),
        (side(), job.clone(), 0..9usize, 0..9usize).prop_map(|(side, job, layer, layers)| Event::Running {
            slot: side.slot(),
            job,
            layer,
            layers
        }),
        (side(), job.clone(), error.clone()).prop_map(|(side, job, error)| Event::RunFailed {
            slot: side.slot(),
            job,
            error
        }),
        (side(), job).prop_map(|(side, job)| Event::RunFailed {
            slot: side.slot(),
            job,
            error: WorkerError::Cancelled
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let commands: Vec<Command> = Command::all().collect();
    let act = prop_oneof![
        4 => Just(Action::Tick),
        12 => prop::sample::select(commands).prop_map(Action::Command),
        2 => edit().prop_map(Action::Edit),
        1 => prop_oneof![Just(Exported::Written("a".into())), Just(Exported::Exists), Just(Exported::Failed("b".into()))]
            .prop_map(Action::Exported),
        2 => prop_oneof![(-30..30isize).prop_map(Action::Choose), (0..40usize).prop_map(Action::Pick)],
        1 => prop_oneof![Just(Action::EarlierPrompt), Just(Action::LaterPrompt)],
        1 => ".{0,40}".prop_map(Action::Paste),
        1 => prop_oneof![Just(Action::Submit), Just(Action::Agree), Just(Action::LeaveEditor)],
        2 => (side(), 0..400usize, column()).prop_map(|(side, query, column)| Action::Point { side, query, column }),
        2 => (side(), view()).prop_map(|(side, view)| Action::ShowView { side, view }),
        1 => side().prop_map(Action::Focus),
        2 => (side(), -500..500isize, -500..500isize)
            .prop_map(|(side, rows, columns)| Action::Scroll { side, rows, columns }),
        2 => (side(), prop::option::of((0..400usize, column())), prop::sample::select(vec![Command::ZoomIn, Command::ZoomOut]))
            .prop_map(|(side, cell, command)| Action::Zoom { side, cell, command }),
        2 => hover().prop_map(Action::Hover),
        2 => event().prop_map(Action::Worker),
    ];
    prop_oneof![
        60 => act.prop_map(Step::Act),
        1 => (side(), 1..9usize).prop_map(|(side, length)| Step::Capture(side, length)),
        1 => side().prop_map(Step::Fail),
        1 => (0..=300u16, 0..=100u16).prop_map(|(width, height)| Step::Draw(width, height)),
        2 => (0..=40u16, 0..=20u16).prop_map(|(width, height)| Step::Draw(width, height)),
    ]
}

fn take(state: &mut State, step: Step) {
    match step {
        Step::Act(action) => {
            let effects = update(state, action);
            answer(state, effects);
        }
        Step::Capture(side, length) => {
            let prompt = format!("{} ", state.run.prompt);
            let characters: Vec<char> = prompt.chars().take(120).collect();
            let texts: Vec<String> = characters.chunks(length).map(|chunk| chunk.iter().collect()).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let model = if side == Side::Left { gpt2() } else { gpt_oss() };
            let (job, capture) = (state.run.job, capture(&model, &texts));
            hear(state, Event::Loaded { slot: side.slot(), model });
            let effects = hear(state, Event::Captured { slot: side.slot(), job, capture });
            answer(state, effects);
        }
        Step::Fail(side) => {
            let pane = state.pane(side);
            let Some(capture) = pane.shown.as_ref().map(|shown| shown.capture.clone()) else { return };
            let view = pane.selection.view();
            let effects = hear(state, Event::ViewFailed { capture, view, error: refused("no") });
            answer(state, effects);
        }
        Step::Draw(width, height) => draw(state, width, height),
    }
}

fn draw(state: &mut State, width: u16, height: u16) {
    let layout = sync_layout(state, Rect::new(0, 0, width, height));
    let theme = Theme::new(ColorMap::Cividis, ColorDepth::Ansi256, Background::Light);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            ui::draw(state, &layout, &theme, frame);
            assert_eq!(layout.area, frame.area());
        })
        .unwrap();
}

fn check(state: &State) {
    for side in Side::BOTH {
        let pane = state.pane(side);
        if let Some(shown) = &pane.shown {
            assert!(pane.cursor.value(shown.matrix()).is_some(), "{side}: {:?}", pane.cursor);
            assert!(shown.capture.check(pane.selection.view()).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_cursor_stays_inside(
        is_alone in any::<bool>(),
        steps in prop::collection::vec(step(), 0..1000),
    ) {
        let mut state = if is_alone { alone() } else { started() };
        for step in steps {
            take(&mut state, step);
            check(&state);
        }
    }
}

#[test]
fn small_sizes_can_be_drawn() {
    let mut state = captured();
    for zoom in [Zoom::Fit, Zoom::Whole, Zoom::Cells(1, 1), Zoom::Cells(14, 5)] {
        state.display.zoom = zoom;
        for width in (0..70).step_by(3) {
            for height in (0..30).step_by(2) {
                draw(&mut state, width, height);
            }
        }
    }
}

#[test]
fn a_difference_and_all_heads_can_be_drawn_small() {
    for key in ["D", "o"] {
        let mut state = captured();
        press_and_wait(&mut state, key);
        for width in (0..70).step_by(3) {
            for height in (0..30).step_by(2) {
                draw(&mut state, width, height);
            }
        }
    }
}
