//! What is written under a figure: the recipe in sentences.

use super::contents::Figure;
use super::panel::Panel;
use super::ticks::{is_of_nothing, short};
use crate::attention::escape_controls;
use crate::export::found_subject::FoundSubject;
use crate::export::recipe::{FigureStyle, Input, Recipe, Source};
use crate::export::subject::Subject;
use crate::vocabulary::{ColorRange, ColorScale, RowReading};

/// Characters of a prompt that are written; of a longer one, its beginning and its end.
const PROMPT: usize = 240;

/// The recipe in sentences, a paragraph each: what was read by what; how values became colours.
pub fn caption(figure: &Figure, recipe: &Recipe, style: &FigureStyle) -> Vec<String> {
    let mut rules = about(figure);
    rules.extend(figure.panels.first().map(|panel| panel.words.values.clone()));
    if figure.panels.iter().any(Panel::has_colors) {
        rules.push(colors(figure, style));
    }
    if recipe.rows == RowReading::Predicting {
        rules.push("Rows are named by the token that is predicted from them".to_owned());
    }
    rules.extend(notes(figure));
    vec![inputs(recipe), format!("{}. {}.", rules.join(". "), recipe.program)]
}

/// Which of many things of its kind each panel shows.
fn about(figure: &Figure) -> Vec<String> {
    let all: Vec<(&str, &String)> = figure
        .panels
        .iter()
        .filter_map(|panel| Some((panel.title.as_str(), panel.words.about.as_ref()?)))
        .collect();
    match all.as_slice() {
        [(_, first), others @ ..] if others.iter().all(|(_, about)| about == first) => vec![(*first).clone()],
        all => all.iter().map(|(title, about)| format!("{title}: {about}")).collect(),
    }
}

/// What was read by what, as sentences.
pub fn inputs(recipe: &Recipe) -> String {
    let models: Vec<String> = recipe.sources().map(model).collect();
    let prompts: Vec<String> = recipe.sources().map(prompt).collect();
    if recipe.sources().all(|source| source.subject.needs_scores()) {
        return format!("{}. Input: repeated random tokens.", models.join(" and "));
    }
    if let (Subject::Found(FoundSubject::Patch(..)), Some(_)) = (recipe.source.subject, &recipe.beside) {
        return format!(
            "First, taken from: {}, {}. Second, put into: {}, {}.",
            models[0], prompts[0], models[1], prompts[1]
        );
    }
    if prompts.windows(2).all(|pair| pair[0] == pair[1]) {
        format!("{}. Prompt: {}.", models.join(" and "), prompts[0])
    } else {
        let both = models.iter().zip(&prompts).map(|(model, prompt)| format!("{model}: {prompt}"));
        format!("{}.", both.collect::<Vec<_>>().join("; "))
    }
}

fn model(source: &Source) -> String {
    let revision =
        source.revision.as_ref().map(|revision| format!(" at {}", &revision[..revision.len().min(12)]));
    let Source { model, dtype, device, ablation, .. } = source;
    let heads = if ablation.heads().count() == 1 { "head" } else { "heads" };
    let without = match ablation.is_empty() {
        true => String::new(),
        false => format!(" {}", ablation.words_about(&format!("{heads} {}", ablation.list()))),
    };
    let pinned = if source.is_pinned { ", pinned" } else { "" };
    let (model, dtype, device) = (escape_controls(model), escape_controls(dtype), escape_controls(device));
    format!(
        "{model}{} ({dtype}, {device}){without}{pinned}",
        revision.map(|at| escape_controls(&at)).unwrap_or_default()
    )
}

fn prompt(source: &Source) -> String {
    match &source.input {
        Input::Prompt(text) => format!("“{}”", shortened(text)),
        Input::Chat(chat) => {
            let system =
                chat.system.as_ref().map_or(String::new(), |text| format!("“{}”, ", shortened(text)));
            format!("{system}“{}{}” in its chat template", shortened(&chat.user), shortened(&chat.answer))
        }
        Input::Ids(ids) => {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            let written = match source.generated {
                0 => String::new(),
                1 => "; the last one was generated".to_owned(),
                count => format!("; the last {count} were generated"),
            };
            format!("tokens {}{written}", shortened(&ids.join(", ")))
        }
    }
}

/// A text on one line, its middle left out if it is long.
fn shortened(text: &str) -> String {
    let text = escape_controls(text);
    let count = text.chars().count();
    if count <= PROMPT {
        return text;
    }
    let half = PROMPT / 2;
    let start: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(count - half).collect();
    format!("{start} … {end}")
}

/// How values become colours, and where these end.
fn colors(figure: &Figure, style: &FigureStyle) -> String {
    if figure.panels.iter().all(|panel| is_of_nothing(panel.scale)) {
        return "All values are 0".to_owned();
    }
    let aside = figure.panels.first().map_or("", |panel| panel.words.aside);
    let tops: Vec<String> = figure.panels.iter().map(|panel| top(panel.scale.top)).collect();
    let (top, rule) = match style.range {
        ColorRange::Shared if figure.panels.len() > 1 => {
            let all = if figure.panels.len() > 2 { "all" } else { "both" };
            (tops[0].clone(), format!(", the largest of {all}{aside}"))
        }
        ColorRange::Shared | ColorRange::Own => (tops.join(" and "), format!(", the largest{aside}")),
        ColorRange::Top(top) => (top.to_string(), String::new()),
    };
    let start = match style.curve {
        _ if figure.ramp.lowest() < 0.0 => format!("−{top}"),
        ColorScale::Linear => "0".to_owned(),
        ColorScale::Log => {
            let mut bottoms: Vec<String> =
                figure.panels.iter().map(|panel| short(panel.scale.bottom)).collect();
            bottoms.dedup();
            bottoms.join(" and ")
        }
    };
    let curve = match style.curve {
        ColorScale::Linear => "linear",
        ColorScale::Log => "logarithmic",
    };
    format!("Colours: {}, from {start} to {top}{rule}", curve)
}

/// The top of a scale, in three places; of a smaller one its power of ten.
fn top(value: f32) -> String {
    if value < 0.001 { short(value) } else { format!("{value:.3}") }
}

/// What is not shown, and what cells stand for, if that is more than a token.
fn notes(figure: &Figure) -> Vec<String> {
    let mut sentences = Vec::new();
    if figure.panels.iter().any(|panel| panel.words.hides_sinks) {
        sentences.push("Sinks are not shown".to_owned());
    }
    if figure.panels.iter().any(|panel| !panel.off.is_empty()) {
        sentences.push("×: a head that is off".to_owned());
    }
    let left_over = figure.panels.iter().filter_map(|panel| panel.words.left_over.as_ref());
    sentences.extend(left_over.map(|what| format!("Left out of the difference: {what}")));
    for sentence in figure.panels.iter().filter_map(|panel| panel.words.pixel.as_ref()) {
        if !sentences.contains(sentence) {
            sentences.push(sentence.clone());
        }
    }
    sentences
}
