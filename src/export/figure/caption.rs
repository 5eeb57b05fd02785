//! What is written under a figure: the recipe in sentences.

use super::bar::short;
use super::contents::Figure;
use super::panel::Content;
use crate::attention::{Capture, escape_controls};
use crate::export::recipe::{FigureStyle, Input, Recipe, Source};
use crate::export::selection::Selection;
use crate::vocabulary::{ColorRange, ColorScale, Normalisation};

/// Characters of a prompt that are written; of a longer one, its beginning and its end.
const PROMPT: usize = 240;

/// The recipe in sentences, a paragraph each: what was read by what; how values became colours.
pub fn caption(figure: &Figure, captures: &[&Capture], recipe: &Recipe, style: &FigureStyle) -> Vec<String> {
    let mut rules = vec![attention(recipe)];
    rules.push(colors(figure, style));
    rules.extend(pooled(figure, captures, style));
    vec![inputs(recipe), format!("{}. {}", rules.join(". "), recipe.program)]
}

/// What was read by what.
pub fn inputs(recipe: &Recipe) -> String {
    let models: Vec<String> = recipe.sources().map(model).collect();
    let prompts: Vec<String> = recipe.sources().map(prompt).collect();
    if prompts.windows(2).all(|pair| pair[0] == pair[1]) {
        format!("{}. Prompt: {}", models.join(" and "), prompts[0])
    } else {
        let both = models.iter().zip(&prompts).map(|(model, prompt)| format!("{model}: {prompt}"));
        both.collect::<Vec<_>>().join("; ")
    }
}

fn model(source: &Source) -> String {
    let revision =
        source.revision.as_ref().map(|revision| format!(" at {}", &revision[..revision.len().min(12)]));
    let Source { model, dtype, device, ablation, .. } = source;
    let without = if ablation.is_empty() { String::new() } else { format!(" without heads {ablation}") };
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
            format!("tokens {}", shortened(&ids.join(", ")))
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

/// What values are.
fn attention(recipe: &Recipe) -> String {
    let is_weighted =
        |source: &Source| matches!(source.selection, Selection::One(view) if view.is_value_weighted());
    if !recipe.sources().any(is_weighted) {
        return format!("Attention {}", normalisation(recipe));
    }
    let rule = match recipe.normalisation {
        Normalisation::Raw => "raw: rows have no fixed sum",
        Normalisation::Renormalised => "renormalised: rows divided by their sum",
        Normalisation::WithoutFirst => "without the first token: rows divided by what remains",
    };
    format!("Value-weighted attention ‖α · v W_O‖, to which sinks add nothing, {rule}")
}

fn normalisation(recipe: &Recipe) -> &'static str {
    let has_sinks = recipe.sources().any(|source| source.has_sinks);
    match (recipe.normalisation, has_sinks) {
        (Normalisation::Raw, false) => "raw: rows sum to 1",
        (Normalisation::Raw, true) if recipe.sources().all(|source| source.has_sinks) => {
            "raw: a row and its sink sum to 1"
        }
        (Normalisation::Raw, true) => "raw: a row and its sink, where a model has one, sum to 1",
        (Normalisation::Renormalised, false) => "renormalised: rows divided by their sum",
        (Normalisation::Renormalised, true) => "renormalised: sinks left out, rows divided by what remains",
        (Normalisation::WithoutFirst, false) => "without the first token: rows divided by what remains",
        (Normalisation::WithoutFirst, true) => {
            "without the first token and the sinks: rows divided by what remains"
        }
    }
}

/// How values become colours, and where these end.
fn colors(figure: &Figure, style: &FigureStyle) -> String {
    let of_heads = figure.panels.iter().any(|panel| matches!(panel.content, Content::Heads(_)));
    let aside = if of_heads {
        "; first rows are ignored"
    } else {
        "; the top tenth of rows (at least one) is ignored"
    };
    let tops: Vec<String> = figure.panels.iter().map(|panel| format!("{:.3}", panel.scale.top)).collect();
    let (top, rule) = match style.range {
        ColorRange::Shared if figure.panels.len() > 1 => {
            (tops[0].clone(), format!(", the largest of both{aside}"))
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

/// What cells stand for, if that is more than a token.
fn pooled(figure: &Figure, captures: &[&Capture], style: &FigureStyle) -> Vec<String> {
    let mut sentences = Vec::new();
    let has_heads = figure.panels.iter().any(|panel| matches!(panel.content, Content::Heads(_)));
    if has_heads && captures.iter().any(|capture| capture.model.has_sinks) {
        sentences.push("Sinks are not shown".to_owned());
    }
    for (panel, capture) in figure.panels.iter().zip(captures) {
        let sentence = match &panel.content {
            Content::Square(square) => {
                let (bin, cell_tokens) = (square.bin, capture.mean.bin());
                let cells = if cell_tokens > 1 {
                    format!("cells of {cell_tokens} tokens (keys summed, queries averaged)")
                } else {
                    "tokens".to_owned()
                };
                match bin {
                    1 if cell_tokens == 1 => continue,
                    1 => format!("Rows and columns are {cells}"),
                    _ => format!("A pixel is the {} of {bin} × {bin} {cells}", style.pooling.name()),
                }
            }
            Content::Heads(heads) => match heads.layers.first().and_then(|layer| layer.first()) {
                Some(head) if head.bin() > 1 => {
                    format!("A pixel is the largest of {bin} × {bin} tokens", bin = head.bin())
                }
                _ => continue,
            },
        };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}
