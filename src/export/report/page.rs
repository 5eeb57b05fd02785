//! A comparison as a page that stands alone.

use std::fmt::Write as _;
use std::io::Write;

use super::compared::Report;
use super::tables::{SIDES, heads, layers, masses, next, numbers};
use crate::attention::{Statistic, repeated};
use crate::export::LogitTokens;
use crate::export::figure::Figure;
use crate::export::markup::{escape, fill};
use crate::export::{ExportError, FigureStyle, Input, PROGRAM, Recipe, Source, Subject, TextSubject};
use crate::vocabulary::{
    Conversation, ExportFormat, Granularity, Normalisation, RowReading, TextColoring, nats, with_minus,
};

/// What the page looks like, with places for what it says.
const TEMPLATE: &str = include_str!("../../../assets/report.html");
/// Pieces whose difference is put in a sentence.
const SENTENCES: usize = 12;

/// Writes the page.
///
/// # Errors
/// If a model has no such view, or `out` refuses.
pub fn write(out: &mut impl Write, report: &Report<'_>) -> Result<(), ExportError> {
    let [left, right] = report.names.each_ref().map(|name| escape(name));
    let recipe = |difference| {
        let style = FigureStyle { caption: false, difference, ..FigureStyle::default() };
        let [left, right] = report.readings.each_ref().map(|reading| reading.source.clone());
        let figure = Recipe::of_figure((left, Some(right)), ExportFormat::Svg, Normalisation::Raw, style);
        Recipe { rows: report.rows, ..figure }
    };
    let captures = report.readings.each_ref().map(|reading| reading.capture);
    let text = |coloring| {
        let mut recipe = recipe(None);
        let subject = Subject::Text(TextSubject {
            view: report.view,
            coloring,
            token: None,
            next: LogitTokens::default(),
        });
        recipe.source.subject = subject;
        recipe.beside.iter_mut().for_each(|beside| beside.subject = subject);
        Ok::<_, ExportError>(Figure::new(&captures, &Recipe { rows: RowReading::Reading, ..recipe })?.svg())
    };
    let svg = |difference| Ok::<_, ExportError>(Figure::new(&captures, &recipe(difference))?.svg());
    let filled = [
        ("program", escape(&recipe(None).program)),
        ("title", format!("{left} beside {right}")),
        ("prompt", escape(&prompt(report))),
        ("facts", facts(report)),
        ("lead", lead(report)),
        ("matrices", svg(None)?),
        ("looked_at", text(TextColoring::LookedAt)?),
        ("looks_at", text(TextColoring::LooksAt)?),
        ("divergence", divergence(report)),
        ("difference", svg(Some(report.granularity))?),
        ("sentences", sentences(report)),
        ("pieces", pieces(report).to_owned()),
        ("masses", masses(report)),
        ("layers", both(|side| layers(report, side))),
        ("repeated", repeated_rule(report)),
        ("heads", Statistic::of_report().into_iter().map(|it| heads(report, it)).collect()),
        ("next", both(|side| next(report, side))),
        ("numbers", numbers(report)),
        ("made", made(report)),
        ("left", left),
        ("right", right),
    ];
    Ok(out.write_all(fill(TEMPLATE, &filled).as_bytes())?)
}

/// What is said of each side, left first.
fn both(say: impl Fn(usize) -> String) -> String {
    [0, 1].map(say).concat()
}

fn prompt(report: &Report<'_>) -> String {
    match report.inputs() {
        Some([left, right]) => format!("{}: {left}\n{}: {right}", report.names[0], report.names[1]),
        None => report.readings[0].source.input.text(),
    }
}

fn facts(report: &Report<'_>) -> String {
    let model = |side: usize| {
        let reading = &report.readings[side];
        let info = &reading.capture.model;
        let revision = info.revision.as_ref().map(|revision| format!(" at {}", escape(revision)));
        format!(
            "{}{}: {} layers of {} heads, {} on {}, {} tokens",
            escape(&info.name),
            revision.unwrap_or_default(),
            info.layers,
            info.heads,
            info.precision,
            info.device,
            report.matrices[side].size()
        )
    };
    format!("View: {}, raw. {}. {}.", report.view, model(0), model(1))
}

/// The story in a sentence for each side.
fn lead(report: &Report<'_>) -> String {
    let story = |side: usize| {
        let name = escape(&report.names[side]);
        let first = report.first_token(side).map(|first| format!("{first:.2} of itself to the first token"));
        let first = first.unwrap_or_else(|| "everything to its only token".to_owned());
        let sink = match report.sink(side) {
            Some(sink) => format!(" and {sink:.2} to sinks, that is, to no token"),
            None => "; it has no sinks".to_owned(),
        };
        format!("An average row of <b class=\"{}\">{name}</b> gives {first}{sink}. ", SIDES[side])
    };
    both(story)
}

fn pieces(report: &Report<'_>) -> &'static str {
    match report.granularity {
        Granularity::Pieces => "the pieces of text that both models have whole tokens of",
        Granularity::Words => "whole words",
    }
}

fn divergence(report: &Report<'_>) -> String {
    let (comparison, [left, right]) = (&report.comparison, report.names.each_ref().map(|name| escape(name)));
    format!(
        "{left} minus {right}, over {} ({}). Their rows are {} nats apart on average (Jensen-Shannon divergence, the \
         sink being one more outcome: 0 if they are the same, 0.693 if they share nothing).",
        pieces(report),
        comparison.pieces().len(),
        with_minus(&nats(f64::from(comparison.mean_divergence()), 3))
    ) + &left_over(report)
}

/// What only one of two texts has, which the difference leaves out.
fn left_over(report: &Report<'_>) -> String {
    match report.comparison.left_over_sentence(&report.names) {
        Some(what) => {
            format!(" Left out of the difference, and one more outcome of the divergence: {}.", escape(&what))
        }
        None => String::new(),
    }
}

fn sentences(report: &Report<'_>) -> String {
    let comparison = &report.comparison;
    let mut list = String::new();
    for row in comparison.most_different().into_iter().take(SENTENCES) {
        let sentence = escape(&comparison.sentence(&report.names, row, report.rows));
        let _ = write!(
            list,
            "<li>{sentence} <span class=\"dim\">({})</span></li>",
            with_minus(&nats(f64::from(comparison.divergence(row)), 3))
        );
    }
    list
}

fn repeated_rule(report: &Report<'_>) -> String {
    let [left, right] = report.readings.each_ref().map(|reading| {
        let info = &reading.capture.model;
        repeated::period(&info.windows, info.context)
    });
    let periods = if left == right { left.to_string() } else { format!("{left} (left) and {right} (right)") };
    format!("Repeated random tokens: {} draws of {periods} tokens and the same again.", repeated::DRAWS)
}

/// The command that makes the page again.
fn made(report: &Report<'_>) -> String {
    let sources = report.readings.each_ref().map(|reading| &reading.source);
    let each = |flags: fn(&Source) -> String| {
        let [left, right] = sources.map(flags);
        if left == right { left } else { left + &right }
    };
    let models = sources.map(|source| format!(" --model {}", quoted(&source.model))).concat();
    let read = each(|source| match &source.input {
        Input::Prompt(prompt) => format!(" --prompt {}", quoted(prompt)),
        Input::Chat(chat) => format!(" --prompt {}", quoted(&chat.user)),
        Input::Ids(ids) => format!(" --ids {}", ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
    });
    let chat = match &sources[0].input {
        Input::Chat(Conversation { system: Some(system), .. }) => format!(" --system {}", quoted(system)),
        Input::Chat(_) => " --chat".to_owned(),
        Input::Prompt(_) | Input::Ids(_) => String::new(),
    };
    let without = match sources.iter().any(|source| !source.ablation.is_empty()) {
        true => each(|source| match source.ablation.is_empty() {
            true => " --without none".to_owned(),
            false => format!(" --without {}", quoted(&source.ablation.to_string())),
        }),
        false => String::new(),
    };
    let words = if report.granularity == Granularity::Words { " --words" } else { "" };
    let rows = if report.rows == RowReading::Predicting { " --rows predicting" } else { "" };
    let command = format!(
        "attnscope compare{models}{read}{chat}{without} --view {}{words}{rows} --report report.html",
        report.view
    );
    format!(
        "<code>{}</code><br>{}. Attention as Hugging Face transformers computes it with eager attention in float32.",
        escape(&command),
        PROGRAM
    )
}

/// A word of a shell's command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::report::compared::tests::with_report;

    fn page(change: impl FnOnce(&mut Report<'_>)) -> String {
        let mut page = Vec::new();
        with_report(|report| {
            let mut report = report.clone();
            change(&mut report);
            write(&mut page, &report).unwrap();
        });
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn stands_alone_and_says_what_differs() {
        let page = page(|_| ());
        assert!(!page.contains("{{") && !page.contains(" src=") && page.matches("http-equiv").count() == 1);
        assert!(
            page.contains("default-src 'none'; img-src data:;") && !page.contains("script-src"),
            "nothing runs"
        );
        assert_eq!(page.matches("<svg").count(), 4, "both matrices, their difference, and the text twice");
        assert!(page.contains("0.285 nats apart") && page.contains("gives 0.50 of itself"), "{page}");
        assert!(page.contains("<td>1.0</td><td>0.250</td>"), "an induction head");
        assert!(page.contains("has none") && page.contains("and 0.56 to sinks"));
    }

    #[test]
    fn what_models_and_prompts_hold_is_no_markup() {
        let evil = "</script><script>alert('{{numbers}}')</script>";
        let page = page(|report| {
            report.names[0] = evil.to_owned();
            for reading in &mut report.readings {
                reading.source.input = Input::Prompt(evil.to_owned());
                reading.source.model = evil.to_owned();
            }
        });
        assert_eq!(page.matches("<script").count() + page.matches("</script").count(), 0);
        assert!(page.contains("&lt;script&gt;alert('{{numbers}}')"), "nothing is filled into a prompt");
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
    }
}
