//! The line at the top: what is looked at, in words.

use ratatui::buffer::Buffer;

use super::text::{fit, put, width};
use super::{Layout, axes};
use crate::app::{Arrangement, Mode, State};
use crate::attention::View;
use crate::config::keys::Command;
use crate::theme::Theme;

/// Draws the name of the program, what is looked at, and how to get help.
pub fn draw(state: &State, layout: &Layout, theme: &Theme, buffer: &mut Buffer) {
    let (area, chrome) = (layout.title, &theme.chrome);
    let x = put(buffer, area.x + 1, area.y, "attnscope", usize::from(area.width), chrome.accent) + 3;
    let help = format!("{} help", state.keys.hint(Command::Help));
    let help_x = area.right().saturating_sub(width(&help) as u16 + 1);
    let room = usize::from(help_x.saturating_sub(x + 2));
    let both = layout.panes.iter().flatten().count() != 1;
    let other = if both || state.is_alone() && state.one_pane {
        String::new()
    } else {
        format!(" · {} other model", state.keys.hint(Command::OtherModel))
    };
    let other = if state.linked { other } else { format!(" · sides not linked{other}") };
    let view = match state.mode {
        Mode::HeadGrid(_) => format!("all heads of a model, a row per layer{other}"),
        Mode::Lens => "logit lens: what each layer would predict after the cursor's token".to_owned(),
        Mode::Leaderboard if state.is_alone() => "all heads in numbers".to_owned(),
        Mode::Leaderboard => "all heads of both models in numbers".to_owned(),
        _ => {
            let view = describe(state.focused().selection.view());
            let arrangement = state.difference.as_ref().map(|difference| difference.arrangement);
            match state.difference.as_ref().and_then(|difference| difference.compared.as_ref()) {
                Some(Ok(_)) if arrangement == Some(Arrangement::Split) => {
                    format!("left below, right above: {view}")
                }
                Some(Ok(_)) => format!("left minus right: {view}"),
                // Then there is none.
                Some(Err(_)) | None => format!("{view}{other}"),
            }
        }
    };
    let end = put(buffer, x, area.y, &fit(&view, room), room, chrome.text);
    let split = state.difference.as_ref().is_some_and(|it| it.arrangement == Arrangement::Split);
    let has_axes = layout.panes.iter().flatten().any(|pane| pane.grid.is_some())
        || layout.difference.is_some() && !split;
    let room = usize::from(help_x.saturating_sub(end + 6));
    if let Some(text) = axes::sentence(room).filter(|_| has_axes) {
        put(buffer, help_x - 3 - width(text) as u16, area.y, text, room, chrome.dim);
    }
    if help_x > x {
        put(buffer, help_x, area.y, &help, width(&help), chrome.dim);
    }
}

/// The view as people read it; rollout says what it is.
fn describe(view: View) -> String {
    let more = if view == View::Rollout { ": attention through all layers, residuals kept" } else { "" };
    view.title() + more
}
