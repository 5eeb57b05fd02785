//! The tables of a comparison's page.

use std::fmt::Write as _;

use super::compared::Report;
use crate::attention::{HeadEntry, NO_OUTPUT_HEAD, NextToken, Statistic, Token, escape_controls};
use crate::export::markup::escape;
use crate::export::row_names;
use crate::vocabulary::{RowReading, nats, with_minus};

/// How sides are marked, and what they are called.
pub(in crate::export) const SIDES: [&str; 2] = ["left", "right"];
/// Pieces up to which every number is on the page.
const NUMBERS: usize = 64;

/// What each piece gives to no token and to the first one.
pub(super) fn masses(report: &Report<'_>) -> String {
    let comparison = &report.comparison;
    let head = match report.rows {
        RowReading::Reading => "piece",
        RowReading::Predicting => "predicting",
    };
    let mut table = format!("<table><tr><th>{head}</th>");
    for (name, mark) in report.names.iter().zip(SIDES) {
        for what in ["sink", "first"] {
            let _ = write!(table, "<th class=\"{mark}\">{} {what}</th>", escape(name));
        }
    }
    table.push_str("<th>divergence</th></tr>");
    for (at, name) in report.piece_names().iter().enumerate().take(NUMBERS) {
        let _ = write!(table, "<tr><td class=\"token\">{}</td>", escape(name));
        for (side, mark) in comparison.sides().iter().zip(SIDES) {
            let values = [side.sink(at), side.row(at).first().copied()];
            values.into_iter().for_each(|value| table.push_str(&cell(value, 1.0, mark)));
        }
        let _ = write!(table, "<td>{}</td></tr>", with_minus(&nats(f64::from(comparison.divergence(at)), 3)));
    }
    table + "</table>" + &cut(comparison.pieces().len())
}

/// What an average row of each layer gives to no token and to the first one.
pub(super) fn layers(report: &Report<'_>, side: usize) -> String {
    let capture = report.readings[side].capture;
    let mut table = heading(report, side, "in each layer")
        + "<table><tr><th>layer</th><th>sees</th><th>sink</th><th>first</th></tr>";
    for (at, layer) in capture.layers.iter().enumerate() {
        let mean = |statistic: Statistic| {
            let values = layer.heads.iter().filter_map(|head| head.statistics.get(statistic));
            let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
            (count > 0).then(|| sum / count as f32)
        };
        let sees =
            layer.rule.sliding_window.map_or_else(|| "all".to_owned(), |window| format!("the last {window}"));
        let sink = mean(Statistic::Sink).filter(|_| capture.model.has_sinks);
        let first = mean(Statistic::FirstToken);
        let (sink, first) = (cell(sink, 1.0, SIDES[side]), cell(first, 1.0, SIDES[side]));
        let _ = write!(table, "<tr><td>{at}</td><td>{sees}</td>{sink}{first}</tr>");
    }
    table + "</table></div>"
}

/// The heads with the largest numbers of a statistic.
pub(super) fn heads(report: &Report<'_>, statistic: Statistic) -> String {
    let [left, right] = [0, 1].map(|side| report.best_heads(side, statistic));
    let mut table = format!("<div><h3>{}</h3><table>", statistic.title());
    let _ = write!(
        table,
        "<tr><th class=\"left\">{}</th><th></th><th class=\"right\" colspan=\"2\">{}</th></tr>",
        escape(&report.names[0]),
        escape(&report.names[1])
    );
    let pair = |best: &[(HeadEntry, f32)], at: usize| match best.get(at) {
        Some((head, value)) => format!("<td>{}.{}</td><td>{value:.3}</td>", head.layer, head.head),
        None if at == 0 => "<td>has none</td><td></td>".to_owned(),
        None => "<td></td><td></td>".to_owned(),
    };
    for at in 0..left.len().max(right.len()) {
        let _ = write!(table, "<tr>{}{}</tr>", pair(&left, at), pair(&right, at));
    }
    table + "</table></div>"
}

pub(super) fn next(report: &Report<'_>, side: usize) -> String {
    let capture = report.readings[side].capture;
    if !capture.model.has_output_head {
        return heading(report, side, "") + "<p class=\"dim\">" + NO_OUTPUT_HEAD + "</p></div>";
    }
    let next = &capture.next;
    let top = next.first().map_or(1.0, |next| next.probability);
    let mut table = heading(report, side, "") + "<table>";
    for NextToken { token, probability } in next {
        let bar = bar(probability / top, SIDES[side]);
        let text = escape(&shown(token));
        let _ =
            write!(table, "<tr><td class=\"token\">{text}</td><td>{}{bar}</td></tr>", percent(*probability));
    }
    table + "</table></div>"
}

/// The text of a token, so that blanks can be seen.
fn shown(token: &Token) -> String {
    format!("“{}”", escape_controls(&token.text))
}

fn percent(probability: f32) -> String {
    if probability < 0.0005 { "&lt; 0.1%".to_owned() } else { format!("{:.1}%", 100.0 * probability) }
}

/// Both matrices, token by token.
pub(super) fn numbers(report: &Report<'_>) -> String {
    if report.matrices.iter().any(|matrix| matrix.size() > NUMBERS) {
        return format!(
            "<p class=\"dim\">More than {NUMBERS} tokens: <code>attnscope export --format csv</code> writes them to a file, and \
             <code>attnscope compare --json</code> all of this page.</p>"
        );
    }
    let table = |side: usize| {
        let (matrix, tokens) = (&report.matrices[side], &report.readings[side].capture.tokens);
        let labels: Vec<String> = tokens.iter().map(|token| escape(&token.label())).collect();
        let names = row_names::of_tokens(report.readings[side].capture, report.rows, Token::label);
        let mut table = format!(
            "<details><summary class=\"{}\">{}</summary><table><tr><th>{}</th>",
            SIDES[side],
            escape(&report.names[side]),
            if report.rows == RowReading::Predicting { "predicting" } else { "" }
        );
        let sinks = matrix.sinks().map(|_| "sink".to_owned());
        for label in sinks.iter().chain(&labels) {
            let _ = write!(table, "<th class=\"token\">{label}</th>");
        }
        table.push_str("</tr>");
        for (query, name) in names.iter().enumerate() {
            let _ = write!(table, "<tr><td class=\"token\">{}</td>", escape(name));
            for value in matrix.sink(query).iter().chain(matrix.row(query)) {
                let _ = write!(table, "<td>{value:.4}</td>");
            }
            table.push_str("</tr>");
        }
        table + "</table></details>"
    };
    [0, 1].map(table).concat()
}

fn heading(report: &Report<'_>, side: usize, what: &str) -> String {
    format!("<div><h3 class=\"{}\">{} {what}</h3>", SIDES[side], escape(&report.names[side]))
}

/// A number with a bar, or a dash.
fn cell(value: Option<f32>, top: f32, mark: &str) -> String {
    match value {
        Some(value) => format!("<td>{value:.3}{}</td>", bar(value / top, mark)),
        None => "<td>–</td>".to_owned(),
    }
}

fn bar(share: f32, mark: &str) -> String {
    let percent = 100.0 * share.clamp(0.0, 1.0);
    format!("<span class=\"bar\"><i class=\"{mark}\" style=\"width:{percent:.1}%\"></i></span>")
}

fn cut(count: usize) -> String {
    let more = count.saturating_sub(NUMBERS);
    if more == 0 { String::new() } else { format!("<p class=\"dim\">and {more} more</p>") }
}
