//! A frame of the viewer: laid out once, and drawn, if there is no terminal, into a picture.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use crate::app::State;
use crate::theme::Theme;
use crate::ui::{self, Layout};

/// Lays a screen of that size out, and tells the state how much there is room for: once before every frame.
pub fn sync_layout(state: &mut State, area: Rect) -> Layout {
    state.measure_long();
    let mut layout = ui::layout(state, area);
    state.fit(&layout.viewports());
    if state.open_long() {
        layout = ui::layout(state, area);
        state.fit(&layout.viewports());
    }
    layout
}

/// A screen of that size as SVG.
pub(super) fn picture(mut state: State, theme: &Theme, screen: Rect) -> String {
    let layout = sync_layout(&mut state, screen);
    let mut theme = theme.clone();
    theme.show(state.display.color_map);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(screen.width, screen.height));
    let Ok(frame) = terminal.draw(|frame| {
        ui::draw(&state, &layout, &theme, frame);
    });
    ui::svg(frame.buffer, theme.background)
}
