//! A comparison for people, in a terminal.

use std::io::Write;

use super::compared::Report;
use crate::attention::{NO_OUTPUT_HEAD, Statistic, escape_controls};
use crate::export::ExportError;
use crate::vocabulary::{RowReading, nats};

/// Rows whose difference is put in a sentence.
const SENTENCES: usize = 8;
/// Next tokens of each model.
const NEXT: usize = 5;
/// Columns of a number's name, and of a model's numbers.
const NAME: usize = 44;
const COLUMN: usize = 24;

/// Writes what the two models differ in.
///
/// # Errors
/// If `out` refuses.
pub fn write(out: &mut impl Write, report: &Report<'_>) -> Result<(), ExportError> {
    let rows = match report.rows {
        RowReading::Reading => "",
        RowReading::Predicting => ", rows by what is predicted from them",
    };
    writeln!(out, "View: {}, raw{rows}", report.view)?;
    for (name, text) in report.names.iter().zip(report.inputs().iter().flatten()) {
        writeln!(out, "{name} reads: {}", escape_controls(text))?;
    }
    writeln!(out)?;
    let mut line = |name: &str, values: [String; 2]| {
        writeln!(out, "{name:NAME$}{:>COLUMN$}{:>COLUMN$}", values[0], values[1])
    };
    let number = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    line("", report.names.clone())?;
    line("tokens", [0, 1].map(|side: usize| report.matrices[side].size().to_string()))?;
    line("an average row gives to the sink", [0, 1].map(|side| number(report.sink(side))))?;
    line("and to the first token", [0, 1].map(|side| number(report.first_token(side))))?;
    for statistic in Statistic::of_report() {
        let best = [0, 1].map(|side| {
            let heads = report.best_heads(side, statistic);
            let best = heads.first();
            best.map_or_else(
                || "-".to_owned(),
                |(head, value)| format!("{}.{} {value:.3}", head.layer, head.head),
            )
        });
        line(&format!("head: {}", statistic.title()), best)?;
    }
    let most = report.readings.iter().map(|reading| reading.capture.next.len()).max().unwrap_or(0);
    for at in 0..most.clamp(1, NEXT) {
        let next = [0, 1].map(|side: usize| {
            let capture = report.readings[side].capture;
            if at == 0 && !capture.model.has_output_head {
                return NO_OUTPUT_HEAD.to_owned();
            }
            let next = capture.next.get(at);
            next.map_or_else(String::new, |next| {
                let text = escape_controls(&next.token.text);
                format!("\"{text}\" {:.1}%", 100.0 * next.probability)
            })
        });
        line(if at == 0 { "next token" } else { "" }, next)?;
    }
    writeln!(out)?;
    let comparison = &report.comparison;
    let pieces = comparison.pieces().len();
    writeln!(
        out,
        "Jensen-Shannon divergence {} nats on average over {pieces} pieces, most different first:",
        nats(f64::from(comparison.mean_divergence()), 3)
    )?;
    if let Some(left_over) = comparison.left_over_sentence(&report.names) {
        writeln!(out, "{left_over}: a row gives the rest to these")?;
    }
    for row in comparison.most_different().into_iter().take(SENTENCES) {
        let divergence = nats(f64::from(comparison.divergence(row)), 3);
        writeln!(out, "{divergence}  {}", comparison.sentence(&report.names, row, report.rows))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::report::compared::tests::with_report;

    #[test]
    fn says_what_differs() {
        with_report(|report| {
            let mut out = Vec::new();
            write(&mut out, report).unwrap();
            insta::assert_snapshot!(String::from_utf8(out).unwrap());
        });
    }
}
