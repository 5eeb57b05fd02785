//! The export dialog: what it asks for, and what it says.

use attnscope::app::{
    Action, Effect, ExportContent, ExportDialog, ExportStage, Exported, Popup, Side, State, update,
};
use attnscope::attention::View;
use attnscope::attention::alignment::Granularity;
use attnscope::vocabulary::ExportFormat;
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::draw;

fn dialog(state: &State) -> &ExportDialog {
    match &state.popup {
        Some(Popup::Export(dialog)) => dialog,
        other => panic!("no export dialog: {other:?}"),
    }
}

fn file(state: &State) -> &str {
    dialog(state).list.line.value()
}

fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        act(state, Action::Edit(InputRequest::InsertChar(c)));
    }
}

fn opened() -> State {
    let mut state = captured();
    press_and_wait(&mut state, "tab enter e");
    state
}

#[test]
fn it_begins_with_what_is_on_screen() {
    let mut state = opened();
    assert_eq!(file(&state), "demo-gpt-oss-layer-0.csv");
    let effects = update(&mut state, Action::Submit);
    let [Effect::Export { side, content, format, file, replace }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*side, *content), (Side::Right, ExportContent::View(View::Layer(0))));
    assert_eq!((*format, file.as_str(), *replace), (ExportFormat::Csv, "demo-gpt-oss-layer-0.csv", false));
    assert_eq!(dialog(&state).stage, ExportStage::Writing);
    assert!(state.is_busy());
    assert!(update(&mut state, Action::Submit).is_empty(), "once is enough");
    act(&mut state, Action::Exported(Exported::Written("/home/me/a.csv".to_owned())));
    assert!(state.popup.is_none() && !state.is_busy());
    assert_eq!(state.note.as_deref(), Some("wrote /home/me/a.csv"));
}

#[test]
fn the_name_follows_the_choice_until_it_is_the_users_own() {
    let mut state = opened();
    act(&mut state, Action::Choose(1));
    assert_eq!(file(&state), "demo-gpt-oss-layer-0.json");
    act(&mut state, Action::Choose(5));
    assert_eq!(file(&state), "demo-gpt-oss-layer-0.png");
    act(&mut state, Action::Choose(2));
    assert_eq!(file(&state), "demo-gpt2-and-demo-gpt-oss.svg");
    act(&mut state, Action::Choose(6));
    assert_eq!(file(&state), "demo-gpt-oss-all-heads.safetensors");
    act(&mut state, Action::Pick(19));
    assert_eq!(file(&state), "attnscope-screen.svg");
    act(&mut state, Action::Edit(InputRequest::GoToStart));
    type_text(&mut state, "my ");
    act(&mut state, Action::Choose(-99));
    assert_eq!(file(&state), "my attnscope-screen.csv");
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    type_text(&mut state, "notes.txt");
    act(&mut state, Action::Choose(1));
    assert_eq!(file(&state), "notes.txt", "an ending that is no format's stays");
}

#[test]
fn the_name_says_the_format() {
    let mut state = opened();
    let content = ExportContent::View(View::Layer(0));
    for (ending, format) in
        [("svg", ExportFormat::Svg), ("npz", ExportFormat::Npz), ("HTML", ExportFormat::Html)]
    {
        act(&mut state, Action::Edit(InputRequest::DeleteLine));
        type_text(&mut state, &format!("a.{ending}"));
        assert_eq!(dialog(&state).choice(), (content, format), "the row follows the name");
    }
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    type_text(&mut state, "a.tsv");
    assert_eq!(dialog(&state).choice(), (content, ExportFormat::Html), "no format's: it is as it was chosen");
    act(&mut state, Action::Pick(19));
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    type_text(&mut state, "a.json");
    assert!(update(&mut state, Action::Submit).is_empty());
    let ExportStage::Failed(why) = &dialog(&state).stage else { panic!("{:?}", dialog(&state).stage) };
    assert_eq!(
        why,
        "the name ends in .json, and this is written as svg: end it in .svg, or choose a row of json"
    );
}

#[test]
fn a_difference_is_exported_as_one_and_one_model_alone_has_no_pair() {
    let of_both = |state: &State| {
        let choices = &dialog(state).choices;
        choices
            .iter()
            .map(|choice| choice.0)
            .find(|content| matches!(content, ExportContent::Panes | ExportContent::Difference(_)))
    };
    let mut state = opened();
    assert_eq!(of_both(&state), Some(ExportContent::Panes));
    act(&mut state, Action::LeaveEditor);
    press_and_wait(&mut state, "D D e");
    assert_eq!(of_both(&state), Some(ExportContent::Difference(Granularity::Words)));
    act(&mut state, Action::Pick(9));
    assert_eq!(file(&state), "demo-gpt2-minus-demo-gpt-oss.png");
    let effects = update(&mut state, Action::Submit);
    assert!(matches!(&effects[..], [Effect::Export { format: ExportFormat::Png, .. }]), "{effects:?}");
    let mut state = captured();
    state.panes.both[1].shown = None;
    press(&mut state, "e");
    assert_eq!(of_both(&state), None);
}

#[test]
fn a_file_that_is_there_is_replaced_only_if_that_is_said_twice() {
    let mut state = opened();
    act(&mut state, Action::Submit);
    act(&mut state, Action::Exported(Exported::Exists));
    assert_eq!(dialog(&state).stage, ExportStage::Exists);
    // Another name is another file.
    type_text(&mut state, "2");
    assert_eq!(dialog(&state).stage, ExportStage::Choosing);
    let effects = update(&mut state, Action::Submit);
    assert!(matches!(&effects[..], [Effect::Export { replace: false, .. }]), "{effects:?}");
    act(&mut state, Action::Exported(Exported::Exists));
    let effects = update(&mut state, Action::Submit);
    assert!(matches!(&effects[..], [Effect::Export { replace: true, .. }]), "{effects:?}");
}

#[test]
fn what_fails_is_said_in_the_dialog_or_after_it_was_left() {
    let failed = || Action::Exported(Exported::Failed("no room".to_owned()));
    let mut state = opened();
    act(&mut state, Action::Submit);
    act(&mut state, failed());
    assert_eq!(dialog(&state).stage, ExportStage::Failed("no room".to_owned()));
    act(&mut state, Action::Submit);
    act(&mut state, Action::LeaveEditor);
    assert!(state.popup.is_none() && state.is_busy(), "it goes on");
    // One file at a time.
    press(&mut state, "e");
    assert!(update(&mut state, Action::Submit).is_empty());
    assert!(matches!(dialog(&state).stage, ExportStage::Failed(_)));
    act(&mut state, Action::LeaveEditor);
    let effects = press(&mut state, "ctrl-x");
    assert!(matches!(&effects[..], [Effect::StopExport]), "{effects:?}");
    act(&mut state, failed());
    assert_eq!((state.note.as_deref(), state.is_busy()), (Some("no room"), false));
}

#[test]
fn without_a_name_or_a_matrix_nothing_is_written() {
    let mut state = opened();
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    assert!(update(&mut state, Action::Submit).is_empty());
    assert!(matches!(dialog(&state).stage, ExportStage::Failed(_)));
    let mut state = started();
    press(&mut state, "e");
    assert!(state.popup.is_none() && state.note.is_some());
}

#[test]
fn dialogs() {
    let mut state = opened();
    insta::assert_snapshot!("export", draw(&mut state, (120, 40)).backend());
    act(&mut state, Action::Pick(19));
    insta::assert_snapshot!("export_scrolled", draw(&mut state, (80, 24)).backend());
    act(&mut state, Action::Pick(0));
    act(&mut state, Action::Submit);
    insta::assert_snapshot!("export_under_way", draw(&mut state, (80, 24)).backend());
    act(&mut state, Action::Exported(Exported::Exists));
    insta::assert_snapshot!("export_of_a_file_that_is_there", draw(&mut state, (80, 24)).backend());
    let error =
        "/home/me/a/folder/that/is/not/there: there is no such folder: create it, or choose another place";
    act(&mut state, Action::Submit);
    act(&mut state, Action::Exported(Exported::Failed(error.to_owned())));
    insta::assert_snapshot!("export_that_failed_on_a_small_screen", draw(&mut state, (40, 12)).backend());
}
