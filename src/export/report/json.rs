//! A comparison for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::compared::Report;
use super::tables::SIDES;
use crate::attention::alignment::Piece;
use crate::attention::{LeftOver, Statistic};
use crate::export::printable::write_json_lines;
use crate::export::{ExportError, Recipe};
use crate::vocabulary::Normalisation;

/// Writes one object: `models`, left and right, each with its side, its recipe, masses, best heads and next tokens (null without an output head); `pieces`, each with its
/// tokens of either side, its divergence in nats, its row of either side, their sinks and what they leave out; and `left_over`, what
/// either side has alone.
///
/// # Errors
/// If `out` refuses.
pub fn write(out: &mut impl Write, report: &Report<'_>) -> Result<(), ExportError> {
    let sides = [0, 1];
    let model = |side: usize| -> Result<Value, io::Error> {
        let reading = &report.readings[side];
        let best = Statistic::of_report().into_iter().map(|statistic| {
            let heads = report.best_heads(side, statistic);
            let heads: Vec<Value> = heads
                .iter()
                .map(|(head, value)| json!({ "layer": head.layer, "head": head.head, "value": value }))
                .collect();
            (statistic.id().to_owned(), Value::from(heads))
        });
        let next = reading.capture.next.iter();
        Ok(json!({
            "side": SIDES[side],
            "recipe": serde_json::to_value(Recipe::new(reading.source.clone(), None))?,
            "tokens": reading.capture.tokens.iter().map(|token| &token.raw).collect::<Vec<_>>(),
            "sink": report.sink(side),
            "first_token": report.first_token(side),
            "heads": serde_json::Map::from_iter(best),
            "next": reading.capture.model.has_output_head.then(|| next.map(|next| json!({
                "id": next.token.id,
                "text": next.token.text,
                "probability": next.probability,
            })).collect::<Vec<_>>()),
        }))
    };
    let (comparison, names) = (&report.comparison, report.piece_names());
    let piece = |(at, piece): (usize, &Piece)| {
        let row = comparison.difference(Normalisation::Raw, at);
        json!({
            "text": piece.label,
            "row": names[at],
            "tokens": piece.tokens.each_ref().map(|range| [range.start, range.end]),
            "divergence": comparison.divergence(at),
            "rows": sides.map(|side: usize| comparison.sides()[side].row(at)),
            "sinks": sides.map(|side: usize| comparison.sides()[side].sink(at)),
            "left_out": sides.map(|side: usize| comparison.left_out(side, at)),
            "difference": row.keys,
        })
    };
    let left_over =
        |run: &LeftOver| json!({ "text": run.label, "tokens": [run.tokens.start, run.tokens.end] });
    let document = json!({
        "view": report.view.to_string(),
        "granularity": report.granularity,
        "rows": report.rows,
        "mean_divergence": comparison.mean_divergence(),
        "models": [model(0)?, model(1)?],
        "left_over": comparison.left_over().each_ref().map(|runs| runs.iter().map(left_over).collect::<Vec<_>>()),
        "pieces": comparison.pieces().iter().enumerate().map(piece).collect::<Vec<_>>(),
    });
    Ok(write_json_lines(out, &document)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::report::compared::tests::with_report;

    #[test]
    fn has_every_number() {
        with_report(|report| {
            let mut out = Vec::new();
            write(&mut out, report).unwrap();
            let document: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(document["pieces"][1]["rows"], json!([[0.5, 0.5], [0.5, 0.125]]));
            assert_eq!(document["pieces"][1]["difference"], json!([0.0, 0.375]));
            assert_eq!(document["pieces"][0]["sinks"], json!([null, 0.75]));
            assert_eq!(document["models"][1]["sink"], json!(0.5625));
            assert_eq!(document["models"][0]["heads"]["induction"][0]["layer"], 1);
            assert_eq!(document["models"][0]["recipe"]["input"]["prompt"], "it '");
        });
    }
}
