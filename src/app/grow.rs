//! The prompt grown token by token, as text, so that both models read the same; and taken back.

use tui_input::Input;

use super::State;

/// The prompt with the focused model's likeliest next token, or why there is none.
pub(super) fn appended(state: &mut State) -> Result<String, String> {
    unedited(state)?;
    let pane = state.focused();
    let shown = pane.shown.as_ref().filter(|shown| shown.job == state.job);
    let shown = shown.ok_or("this model has not read the prompt yet")?;
    let next = shown.capture.next.first().ok_or("this model says nothing of what comes next")?;
    if next.token.splits_a_character() {
        return Err(format!("{} is a part of a character, no text to append", next.token.label()));
    }
    let text = next.token.text.clone();
    let prompt = format!("{}{text}", state.prompt);
    state.appended.push(text);
    state.draft = Input::new(prompt.clone());
    Ok(prompt)
}

/// The prompt without what was appended last, or why it stays.
pub(super) fn taken_back(state: &mut State) -> Result<String, String> {
    unedited(state)?;
    let text = state.appended.pop().ok_or("nothing was appended")?;
    let prompt = state.prompt.strip_suffix(&text).unwrap_or(&state.prompt).to_owned();
    state.draft = Input::new(prompt.clone());
    Ok(prompt)
}

/// What is being written is not to be lost.
fn unedited(state: &State) -> Result<(), String> {
    if state.is_edited() { Err("the prompt was edited: run it first".to_owned()) } else { Ok(()) }
}
