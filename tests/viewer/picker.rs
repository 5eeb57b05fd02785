//! The model picker: what choosing does, what stands in its way, and how it looks.

use attnscope::app::{Action, Effect, Load, Pass, Popup, Side, Stage, State, update};
use attnscope::attention::View;
use attnscope::config::keys::Command;
use attnscope::worker::protocol::{
    Catalogue, ConfiguredPair, Download, Event, Footprint, KnownModel, ListJob, LoadEstimate, LoadProgress,
    MemoryFit, Place, Published, Request, WorkerError,
};
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

const FREE: u64 = 9_200_000_000;

fn footprint(parameters: u64, disk_bytes: u64, resident_bytes: u64) -> Option<Footprint> {
    Some(Footprint { parameters, disk_bytes, resident_bytes, prompt_bytes: 0 })
}

fn catalogue() -> Catalogue {
    let model = |name: &str, place, pairs: &[&str], footprint| KnownModel {
        name: name.to_owned(),
        place,
        pairs: pairs.iter().map(ToString::to_string).collect(),
        footprint,
        published: (name == "openai/gpt-oss-20b")
            .then_some(Published { parameters: 20_900_000_000, bytes: 13_800_000_000 }),
    };
    Catalogue {
        models: vec![
            model("demo:gpt2", Place::Binary, &["demo"], footprint(1_180_000, 4_900_000, 4_700_000)),
            model("demo:gpt-oss", Place::Binary, &["demo"], footprint(3_400_000, 4_100_000, 6_400_000)),
            model(
                "openai-community/gpt2",
                Place::Cache,
                &["article"],
                footprint(124_439_808, 549_500_000, 497_800_000),
            ),
            model(
                "openai-community/gpt2-xl",
                Place::Cache,
                &[],
                footprint(1_557_611_200, 6_433_000_000, 9_203_000_000),
            ),
            model(
                "openai/gpt-oss-120b",
                Place::Cache,
                &[],
                footprint(116_829_156_672, 65_300_000_000, 68_100_000_000),
            ),
            model("openai/gpt-oss-20b", Place::Hub, &["article"], None),
            model("./my-gpt2", Place::Broken, &["mine", "other"], None),
        ],
        device: "cpu".to_owned(),
        free_bytes: Some(FREE),
    }
}

/// The picker of the focused pane, its list not there yet.
fn opened() -> State {
    let mut state = captured();
    press(&mut state, "M");
    state
}

fn listed() -> State {
    let mut state = opened();
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    state
}

fn type_text(state: &mut State, text: &str) {
    act(state, Action::Edit(InputRequest::DeleteLine));
    for c in text.chars() {
        act(state, Action::Edit(InputRequest::InsertChar(c)));
    }
}

/// A model is chosen by a few letters.
fn chosen(text: &str) -> State {
    let mut state = listed();
    type_text(&mut state, text);
    let effects = update(&mut state, Action::Submit);
    assert!(matches!(&effects[..], [Effect::Send(Request::Estimate(_))]), "{effects:?}");
    state
}

fn stage(state: &State) -> Option<&Stage> {
    match &state.popup {
        Some(Popup::Picker(picker)) => Some(&picker.stage),
        _ => None,
    }
}

/// The worker has found out what the chosen one takes.
fn estimate(state: &mut State, estimate: Result<LoadEstimate, WorkerError>) -> Vec<Effect> {
    let Some(Stage::Estimating(name)) = stage(state) else { panic!("{:?}", state.popup) };
    let name = name.clone();
    hear(state, Event::Estimated { name, estimate: Box::new(estimate) })
}

/// What is left beside the models that are here.
fn free() -> LoadEstimate {
    let way_out = "use --device auto, or --device cpu";
    LoadEstimate { footprint: None, download: None, free_bytes: Some(FREE), way_out }
}

fn here(resident_bytes: u64) -> Result<LoadEstimate, WorkerError> {
    Ok(LoadEstimate { footprint: footprint(1, 1, resident_bytes), ..free() })
}

fn to_download(is_large: bool) -> Result<LoadEstimate, WorkerError> {
    let statement = "openai/gpt-oss-20b: 13.8 GB to download to /home/me/.cache/huggingface/hub of 52.1 GB free; takes \
                     at least 13.8 GB of memory of 9.2 GB free, more where a CPU widens it to f32";
    let download = Download { statement: statement.to_owned(), least_bytes: 13_800_000_000, is_large };
    Ok(LoadEstimate { download: Some(download), ..free() })
}

fn loads(effects: &[Effect]) -> Vec<(Side, &str)> {
    let load = |effect: &'_ Effect| match effect {
        Effect::Send(Request::Load { slot, reference }) => Some((Side::of(*slot), reference.clone())),
        _ => None,
    };
    let found: Vec<(Side, String)> = effects.iter().filter_map(load).collect();
    found.into_iter().map(|(side, reference)| (side, &*Box::leak(reference.into_boxed_str()))).collect()
}

#[test]
fn models_are_listed_with_those_of_the_pairs() {
    let mut state = captured();
    let pair = ConfiguredPair { name: "mine".into(), models: vec!["./a".into(), "./b".into()] };
    state.pairs = vec![pair.clone()];
    let effects = press(&mut state, "M");
    assert!(
        matches!(&effects[..], [Effect::Send(Request::List(ListJob { pairs }))] if *pairs == [pair]),
        "{effects:?}"
    );
    assert!(state.is_busy(), "the list is awaited");
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    assert!(!state.is_busy());
    act(&mut state, Action::LeaveEditor);
    assert!(state.popup.is_none());
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    assert!(state.popup.is_none(), "a list that comes too late opens nothing");
}

#[test]
fn choosing_loads_into_the_focused_pane_and_leaves_the_other_alone() {
    let mut state = chosen("comgpt2");
    let right = format!("{:?}", state.pane(Side::Right));
    let effects = estimate(&mut state, here(5_000));
    assert_eq!(loads(&effects), [(Side::Left, "openai-community/gpt2")]);
    assert!(state.popup.is_none());
    let left = state.pane(Side::Left);
    assert_eq!((&left.load, left.reference.as_str()), (&Load::Waiting, "openai-community/gpt2"));
    assert!(left.model.is_some() && left.shown.is_some(), "the old one and its picture stay");
    let side = Side::Left;
    hear(
        &mut state,
        Event::Loading { slot: side.slot(), progress: LoadProgress::Weights { done: 37, total: 148 } },
    );
    let new = model("openai-community/gpt2", 12, 12, false);
    hear(&mut state, Event::Loaded { slot: side.slot(), model: new.clone() });
    let job = state.run.job;
    hear(&mut state, Event::Running { slot: side.slot(), job, layer: 1, layers: 12 });
    let capture = capture(&new, &PROMPT);
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
    assert_eq!(state.pane(side).shown.as_ref().unwrap().capture.model.name, "openai-community/gpt2");
    assert_eq!(format!("{:?}", state.pane(Side::Right)), right);
    assert!(!state.is_busy());
}

#[test]
fn the_focused_pane_is_the_one_that_was_focused_when_the_picker_was_opened() {
    let mut state = captured();
    press(&mut state, "tab M");
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    act(&mut state, Action::Pick(2));
    let effects = estimate(&mut state, here(5_000));
    assert_eq!(loads(&effects), [(Side::Right, "openai-community/gpt2")]);
}

#[test]
fn a_name_that_is_not_listed_can_be_typed_before_the_list_is_there() {
    let mut state = opened();
    type_text(&mut state, " org/name@v1 ");
    act(&mut state, Action::Submit);
    assert_eq!(stage(&state), Some(&Stage::Estimating("org/name@v1".into())));
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    let effects = estimate(&mut state, to_download(false));
    assert_eq!(loads(&effects), [(Side::Left, "org/name@v1")], "what is no gigabyte needs no yes");
}

#[test]
fn gigabytes_are_asked_about() {
    let mut state = chosen("oss-20");
    assert!(estimate(&mut state, to_download(true)).is_empty());
    assert!(matches!(stage(&state), Some(Stage::Asking { fit: MemoryFit::No, .. })));
    assert!(update(&mut state, Action::Submit).is_empty(), "Enter is no yes");
    act(&mut state, Action::LeaveEditor);
    assert_eq!(stage(&state), Some(&Stage::Choosing), "no leads back to the list");
    assert!(update(&mut state, Action::Agree).is_empty(), "nothing is asked");
    act(&mut state, Action::Submit);
    estimate(&mut state, to_download(true));
    let effects = update(&mut state, Action::Agree);
    assert_eq!(loads(&effects), [(Side::Left, "openai/gpt-oss-20b")]);
    let agreed = matches!(&effects[0], Effect::Send(Request::Agree { name }) if name == "openai/gpt-oss-20b");
    assert!(agreed, "the worker hears of the yes before it loads: {effects:?}");
    assert!(state.popup.is_none());
}

#[test]
fn what_does_not_fit_is_not_loaded_and_can_be_tried_again() {
    let mut state = chosen("120b");
    let replaced = state.pane(Side::Left).model.as_ref().unwrap().resident_bytes;
    assert!(estimate(&mut state, here(FREE + replaced + 1)).is_empty());
    assert!(matches!(stage(&state), Some(Stage::TooLarge { free, .. }) if *free == FREE + replaced));
    let screen = text(draw(&mut state, (120, 30)).backend().buffer());
    assert!(screen.contains("--device auto, or --device cpu"), "what the device says that helps:\n{screen}");
    act(&mut state, Action::Submit);
    assert_eq!(stage(&state), Some(&Stage::Estimating("openai/gpt-oss-120b".into())));
    let effects = estimate(&mut state, here(FREE + replaced));
    assert_eq!(loads(&effects).len(), 1, "it fits in the place of the old one");
}

#[test]
fn an_answer_that_is_not_wanted_any_more_changes_nothing() {
    let mut state = chosen("comgpt2");
    act(&mut state, Action::LeaveEditor);
    let name = "openai-community/gpt2".to_owned();
    let effects = hear(&mut state, Event::Estimated { name, estimate: Box::new(here(1)) });
    assert!(effects.is_empty());
    assert_eq!(stage(&state), Some(&Stage::Choosing));
}

#[test]
fn a_load_that_is_stopped_or_fails_leaves_the_old_model() {
    let side = Side::Left;
    let mut state = chosen("comgpt2");
    estimate(&mut state, here(1));
    let effects = press(&mut state, "ctrl-x");
    assert!(matches!(&effects[..], [Effect::Send(Request::Cancel)]));
    hear(&mut state, Event::LoadFailed { slot: side.slot(), error: WorkerError::Cancelled });
    assert_eq!((&state.pane(side).load, state.pane(side).reference.as_str()), (&Load::Ready, "demo:gpt2"));
    assert!(!state.is_busy());

    press(&mut state, "M");
    type_text(&mut state, "org/none");
    act(&mut state, Action::Submit);
    estimate(&mut state, to_download(false));
    hear(&mut state, Event::LoadFailed { slot: side.slot(), error: refused("org/none: it broke") });
    let effects = press(&mut state, "r");
    assert_eq!(loads(&effects), [(side, "org/none")]);
    hear(&mut state, Event::LoadFailed { slot: side.slot(), error: refused("org/none: it broke") });
    assert!(press(&mut state, "ctrl-x").is_empty());
    assert_eq!((&state.pane(side).load, state.pane(side).reference.as_str()), (&Load::Ready, "demo:gpt2"));
    assert_eq!(state.note.as_deref(), Some("demo:gpt2 stays"));
}

#[test]
fn a_model_that_makes_room_leaves_its_picture() {
    let side = Side::Left;
    let mut state = chosen("comgpt2");
    estimate(&mut state, here(1));
    let job = state.run.job;
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
    hear(&mut state, Event::Unloaded { slot: side.slot() });
    let pane = state.pane(side);
    assert!(pane.model.is_none() && pane.shown.is_some());
    assert_eq!(pane.pass, Pass::Waiting);
    press(&mut state, "enter ]");
    assert_eq!(state.pane(side).shown.as_ref().unwrap().view(), View::Layer(1), "which can be looked at");
    hear(&mut state, Event::LoadFailed { slot: side.slot(), error: refused("it broke") });
    assert!(!state.is_busy());
    assert!(press(&mut state, "ctrl-x").is_empty());
    assert_eq!(state.pane(side).load, Load::Failed(refused("it broke")), "there is no model to go on with");
}

#[test]
fn layers_that_only_the_new_model_has_wait_for_its_picture() {
    let mut state = captured();
    let (side, new) = (Side::Left, model("large", 9, 3, false));
    hear(&mut state, Event::Loaded { slot: side.slot(), model: new.clone() });
    press(&mut state, "enter ] ] ] ]");
    assert_eq!(state.pane(side).selection.view(), View::Layer(1));
    let (job, capture) = (state.run.job, capture(&new, &PROMPT));
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
    press(&mut state, "] ]");
    assert_eq!(state.pane(side).shown.as_ref().unwrap().view(), View::Layer(3));
}

#[test]
fn how_it_looks() {
    let mut state = opened();
    assert_screen!("picker_looking_for_models", state, (120, 40));
    hear(&mut state, Event::Listed { models: Ok(catalogue()) });
    assert_screen!("picker", state, (120, 40));
    act(&mut state, Action::Choose(3));
    assert_screen!("picker_80x24", state, (80, 24));
    assert_screen!("picker_on_a_small_screen", state, (36, 12));
    type_text(&mut state, "gpt2x");
    assert_screen!("picker_with_something_typed", state, (100, 30));
    type_text(&mut state, "org/name@v2");
    assert_screen!("picker_with_a_name_typed", state, (100, 30));
    let mut state = opened();
    let models = Err(refused("no CUDA device: use --device cpu"));
    hear(&mut state, Event::Listed { models });
    assert_screen!("picker_without_a_list", state, (80, 24));
}

#[test]
fn how_it_answers() {
    let mut state = chosen("oss-20");
    assert_screen!("picker_asking_the_hub", state, (100, 30));
    estimate(&mut state, to_download(true));
    assert_screen!("picker_before_a_download", state, (100, 30));
    assert_screen!("picker_before_a_download_on_a_small_screen", state, (30, 14));
    let mut state = chosen("120b");
    estimate(&mut state, here(68_100_000_000));
    assert_screen!("picker_too_large", state, (100, 30));
    let mut state = chosen("my-gpt2");
    estimate(&mut state, Err(refused("./my-gpt2: no such folder")));
    assert_screen!("picker_failed", state, (100, 30));
}

#[test]
fn how_a_swap_looks() {
    let side = Side::Left;
    let mut state = chosen("comgpt2");
    estimate(&mut state, here(1));
    let progress =
        LoadProgress::Downloading { file: "model.safetensors".into(), done: 137_000_000, total: 548_000_000 };
    hear(&mut state, Event::Loading { slot: side.slot(), progress });
    assert_screen!("loading_beside_a_picture", state, (120, 30));
    hear(
        &mut state,
        Event::LoadFailed {
            slot: side.slot(),
            error: refused("openai-community/gpt2: the hub does not answer"),
        },
    );
    assert_screen!("a_swap_that_failed", state, (120, 30));
    let screen = text(draw(&mut state, (120, 30)).backend().buffer());
    let keys = state.keys.hint(Command::Cancel);
    assert!(screen.contains(&format!("{keys} keeps demo:gpt2")), "{screen}");
}

#[test]
fn a_worker_that_is_gone_leaves_no_picker_waiting() {
    let mut awaiting_the_list = opened();
    act(&mut awaiting_the_list, Action::WorkerGone);
    let mut awaiting_a_size = opened();
    hear(&mut awaiting_a_size, Event::Listed { models: Ok(catalogue()) });
    act(&mut awaiting_a_size, Action::Submit);
    assert!(matches!(stage(&awaiting_a_size), Some(Stage::Estimating(_))));
    act(&mut awaiting_a_size, Action::WorkerGone);
    assert!(matches!(stage(&awaiting_a_size), Some(Stage::Failed { name, .. }) if name == "demo:gpt2"));
    for mut state in [awaiting_the_list, awaiting_a_size] {
        let shown = text(draw(&mut state, (100, 30)).backend().buffer());
        assert!(shown.contains("the models has stopped"), "{shown}");
    }
}

#[test]
fn of_a_long_path_the_end_is_seen() {
    let mut state = captured();
    let effects = press(&mut state, "M");
    assert!(!effects.is_empty());
    let mut known = catalogue();
    known.models[0].name = format!("/models/{}tiny.Q8_0.gguf", "long/".repeat(40));
    hear(&mut state, Event::Listed { models: Ok(known) });
    let screen = text(draw(&mut state, (100, 30)).backend().buffer());
    assert!(screen.contains("long/tiny.Q8_0.gguf"), "{screen}");
    act(&mut state, Action::LeaveEditor);
    state.note = Some(format!("wrote /home/{}a.csv", "long/".repeat(40)));
    let screen = text(draw(&mut state, (100, 30)).backend().buffer());
    assert!(screen.contains("wrote /home/long") && screen.contains("long/a.csv"), "{screen}");
}
