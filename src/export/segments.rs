//! What segments of a prompt give each other: a table for people, JSON and CSV for programs.

use std::io::{self, Write};

use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::error::ExportError;
use super::figure::source_title;
use super::printable::{write_json as json_line, write_json_lines};
use super::recipe::Recipe;
use crate::attention::segments::{Lookback, SegmentRow, SegmentShares};
use crate::attention::{Capture, View, escape_controls};

/// Columns of a segment's name.
const NAME: usize = 28;
/// Columns of a share and what is expected.
const CELL: usize = 12;
/// Heads that are named of those that look back most, and least.
const HEADS: usize = 5;

/// A model's pass, and how much its segments give each other.
#[derive(Debug, Clone)]
pub struct SegmentPass {
    /// The pass.
    pub capture: Capture,
    /// What segments give each other.
    pub shares: SegmentShares,
    /// How far heads look back; nothing if there are no new tokens.
    pub lookback: Option<Lookback>,
    /// How it was made.
    pub recipe: Recipe,
}

impl SegmentPass {
    /// What new tokens are: `what the model wrote`.
    fn new_tokens(&self, lookback: &Lookback) -> String {
        let segments = &self.shares.segments;
        match self.capture.tokens.get(lookback.new.start) {
            Some(token) if token.is_generated => "what the model wrote".to_owned(),
            _ => format!("from \"{}\" on", segments.names()[segments.of(lookback.new.start)]),
        }
    }

    /// What shares are of each row.
    fn rule(&self) -> &'static str {
        match (self.shares.view.is_value_weighted(), self.shares.has_sinks) {
            (true, _) => "of ‖α · v W_O‖, each row divided by its sum; sinks add nothing",
            (false, true) => "with the sink they sum to 1",
            (false, false) => "they sum to 1",
        }
    }
}

/// Writes a matrix for each model: a row for each segment that looks.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[SegmentPass]) -> Result<(), ExportError> {
    for (at, pass) in passes.iter().enumerate() {
        let SegmentPass { capture, shares, lookback, recipe } = pass;
        let gap = if at > 0 { "\n" } else { "" };
        let (name, segments) = (source_title(&capture.model.name, &recipe.source), &shares.segments);
        writeln!(out, "{gap}# {name}: {}, {}", shares.view.title(), segments.cut_into())?;
        let numbers = (0..segments.count()).map(|at| format!("{:>CELL$}", format!("[{}]", at + 1)));
        let sink = if shares.has_sinks { "   sink" } else { "" };
        let line = format!("{:<NAME$} tokens{sink}  first{}", "from segment", numbers.collect::<String>());
        writeln!(out, "{}", line.trim_end())?;
        for (at, row) in shares.rows.iter().enumerate() {
            let name = in_columns(&segments.label(at), NAME);
            write!(out, "{name}{:>7}", segments.size(at))?;
            if shares.has_sinks {
                write!(out, "  {:.3}", row.sink)?;
            }
            write!(out, "  {:.3}", row.first)?;
            for to in 0..segments.count() {
                let cell = match expected(row, to) {
                    _ if row.queries == 0 => "–".to_owned(),
                    Some(0.0) => "·".to_owned(),
                    Some(expected) => format!("{:.3}/{expected:.3}", row.shares[to]),
                    None => format!("{:.3}", row.shares[to]),
                };
                write!(out, "{cell:>CELL$}")?;
            }
            writeln!(out)?;
        }
        writeln!(
            out,
            "share/expected: what a row gives to a segment, {}, / what its length alone would give",
            pass.rule()
        )?;
        let Some(lookback) = lookback else { continue };
        let ranked = lookback.ranked();
        let named = |heads: &mut dyn Iterator<Item = &(View, f32)>| {
            let heads = heads.take(HEADS).map(|(view, ratio)| format!("{} {ratio:.3}", head(*view)));
            heads.collect::<Vec<_>>().join(", ")
        };
        writeln!(
            out,
            "lookback ratio, new tokens {}: most {}; least {}",
            pass.new_tokens(lookback),
            named(&mut ranked.iter()),
            named(&mut ranked.iter().rev())
        )?;
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, its segments and where they look, the bar of each query, and
/// the lookback ratio of each head.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[SegmentPass]) -> Result<(), ExportError> {
    let model = |pass: &SegmentPass| -> Result<Value, ExportError> {
        let SegmentPass { capture, shares, lookback, recipe } = pass;
        let segments = &shares.segments;
        let parts = |segment: usize| {
            let own = segments.parts().iter().filter(|part| part.segment == segment);
            own.map(|part| [part.tokens.start, part.tokens.end]).collect::<Vec<_>>()
        };
        let row = |(at, row): (usize, &SegmentRow)| {
            json!({
                "name": segments.names()[at],
                "tokens": parts(at),
                "queries": row.queries,
                "sink": shares.has_sinks.then_some(row.sink),
                "first_token": row.first,
                "shares": row.shares,
                "expected": row.expected,
            })
        };
        let bar = |query: usize| match shares.bar(query) {
            [sink, first, rest @ ..] => json!({
                "token": capture.tokens[query].text,
                "segment": segments.of(query),
                "sink": shares.has_sinks.then_some(sink),
                "first_token": first,
                "shares": rest,
            }),
            _ => Value::Null,
        };
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "by": segments.by(),
            "segments": shares.rows.iter().enumerate().map(row).collect::<Vec<_>>(),
            "strip": (0..capture.tokens.len()).map(bar).collect::<Vec<_>>(),
            "lookback": lookback.as_ref().map(|lookback| json!({
                "new": [lookback.new.start, lookback.new.end],
                "ratios": lookback.ratios,
            })),
        }))
    };
    let models = passes.iter().map(model).collect::<Result<Vec<_>, _>>()?;
    Ok(write_json_lines(out, &json!({ "models": models }))?)
}

/// Writes a line for each pair of segments of each model, after a line with the recipe of each that begins with `#`.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv(out: &mut impl Write, passes: &[SegmentPass]) -> Result<(), ExportError> {
    for SegmentPass { recipe, .. } in passes {
        write!(out, "# ")?;
        json_line(&mut *out, recipe)?;
        writeln!(out)?;
    }
    writeln!(out, "model,from,to,from_tokens,to_tokens,share,expected")?;
    for SegmentPass { capture, shares, .. } in passes {
        let (model, segments) = (quoted(&capture.model.name), &shares.segments);
        for (from, row) in shares.rows.iter().enumerate().filter(|(_, row)| row.queries > 0) {
            let (name, size) = (quoted(&segments.names()[from]), segments.size(from));
            if shares.has_sinks {
                writeln!(out, "{model},{name},\"(sink)\",{size},,{},", row.sink)?;
            }
            writeln!(out, "{model},{name},\"(first token)\",{size},1,{},", row.first)?;
            for (to, share) in row.shares.iter().enumerate() {
                let expected = expected(row, to).map_or_else(String::new, |it| it.to_string());
                let to_size = segments.size(to);
                writeln!(
                    out,
                    "{model},{name},{},{size},{to_size},{share},{expected}",
                    quoted(&segments.names()[to])
                )?;
            }
        }
    }
    Ok(())
}

fn expected(row: &SegmentRow, to: usize) -> Option<f32> {
    row.expected.as_ref().map(|expected| expected[to])
}

/// `3.5`
fn head(view: View) -> String {
    format!("{}.{}", view.layer().unwrap_or(0), view.head().unwrap_or(0))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape_controls(text).replace('"', "\"\""))
}

/// A text in so many columns, cut if it is longer.
fn in_columns(text: &str, columns: usize) -> String {
    let mut cut = String::new();
    let is_long = text.width() > columns;
    let room = columns - usize::from(is_long);
    for c in text.chars() {
        if cut.width() + c.width().unwrap_or(0) > room {
            break;
        }
        cut.push(c);
    }
    if is_long {
        cut.push('…');
    }
    let blanks = columns.saturating_sub(cut.width());
    format!("{cut}{:blanks$}", "")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::attention::segments::{Cut, Segments, lookback};
    use crate::export::{Source, Subject, example};
    use crate::vocabulary::SegmentRule;

    fn passes(has_sinks: bool) -> Vec<SegmentPass> {
        let capture = example::reading(&["One.", " Two", " more."], has_sinks);
        let prompt = "One. Two more.";
        let segments = Segments::new(&capture, prompt, &Cut::default()).unwrap();
        let shares = SegmentShares::new(&capture, Arc::new(segments), View::Mean, &|| false).unwrap();
        let subject = Subject::Segments(View::Mean, SegmentRule::Auto);
        let recipe = Recipe::new(
            Source::new(&capture, crate::export::Input::Prompt(prompt.to_owned()), subject),
            None,
        );
        let lookback = None;
        vec![SegmentPass { capture, shares, lookback, recipe }]
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), ExportError>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_and_its_sink_sum_to_one_in_the_table() {
        let table = written(|out| write_table(out, &passes(true)));
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "# example: mean of all layers and heads, 2 segments by sentences");
        assert_eq!(lines[1], "from segment                 tokens   sink  first         [1]         [2]");
        assert_eq!(lines[2], "1 One.                            1  0.500  0.500 0.500/1.000           ·");
        // Of rows [.25 .5 | .25] and [.125 .25 .5 | .125], by length 1/2 and 1/3.
        assert_eq!(lines[3], "2 Two more.                       2  0.188  0.188 0.188/0.417 0.625/0.583");
        assert!(lines[4].contains("with the sink they sum to 1"), "{}", lines[4]);
        assert!(!written(|out| write_table(out, &passes(false))).contains("sink"));
    }

    #[test]
    fn programs_read_the_same_numbers() {
        let json: Value = serde_json::from_str(&written(|out| write_json(out, &passes(true)))).unwrap();
        let model = &json["models"][0];
        assert_eq!(model["recipe"]["view"], "segments:mean");
        assert_eq!(model["segments"][1]["shares"], json!([0.1875, 0.625]));
        assert_eq!(model["segments"][1]["tokens"], json!([[1, 3]]));
        assert_eq!(model["strip"][2]["shares"], json!([0.0, 0.75]));
        assert_eq!(
            (&model["strip"][2]["sink"], &model["strip"][2]["first_token"]),
            (&json!(0.125), &json!(0.125))
        );
        let csv = written(|out| write_csv(out, &passes(true)));
        assert!(csv.starts_with("# {\"program\""), "{csv}");
        assert!(csv.contains("\"example\",\"2 Two more.\",\"(sink)\",2,,0.1875,\n"), "{csv}");
        assert!(csv.contains("\"example\",\"2 Two more.\",\"1 One.\",2,1,0.1875,0.41666666\n"), "{csv}");
    }

    #[test]
    fn a_long_prompt_is_told_where_heads_look_back() {
        let capture = example::capture();
        let segments = Segments::new(&capture, "it '", &Cut::default()).unwrap();
        assert_eq!(lookback(&capture, &segments, &|| false), Ok(None), "one sentence has no context");
        assert!(lookback(&capture, &segments, &|| true).is_ok(), "nothing is to stop");
        assert_eq!(in_columns("3 ひらがなのなまえ", 12), "3 ひらがな… ");
    }
}
