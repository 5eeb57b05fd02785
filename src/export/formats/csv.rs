//! Comma-separated values, after one line with the recipe that begins with `#`.
//!
//! A view is a square: a row per query, a column per key, named `position:token`, and for a model with
//! sinks a last column `sink`. Cells of the future are empty. All heads are a list: one line per layer, head, query
//! and visible key; where `key` and `key_token` are empty, what the row gave to no token. Rows that are named by what is
//! predicted from them are headed `predicting`, and `predicted_token` in a list.
//!
//! Texts stand in quotes, with control characters escaped, so that a record is a line and a `#` in a token begins no
//! comment. `pandas.read_csv(file, comment="#")` reads the table. pandas takes the tokens `NA` and `null` for missing
//! values unless it is told `keep_default_na=False, na_values=[""]`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

use super::entry::{Export, Format, Writer};
use super::problem::{MOST, Problem};
use crate::attention::escape_controls;
use crate::export::error::ExportError;
use crate::export::printable::write_json;
use crate::export::row_names;
use crate::export::rows::{heads, rows};
use crate::export::selection::Selection;
use crate::vocabulary::{RowReading, View};

pub const FORMAT: Format =
    Format { write: Writer::Numbers(write), begins: |start| start.starts_with(b"#"), recipe };

/// The recipe is the first line, behind its `#`.
fn recipe(file: BufReader<File>) -> Result<Value, Problem> {
    let mut line = Vec::new();
    file.take(MOST).read_until(b'\n', &mut line)?;
    if line.len() as u64 == MOST {
        return Err(Problem::Long);
    }
    Ok(serde_json::from_slice(line.trim_ascii_start().strip_prefix(b"#").unwrap_or(&line))?)
}

fn write(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    write!(out, "# ")?;
    write_json(&mut *out, export.recipe)?;
    writeln!(out)?;
    match export.selection {
        Selection::One(view) => write_square(out, export, view),
        Selection::All => write_list(out, export),
    }
}

fn write_square(out: &mut dyn Write, export: &Export<'_>, view: View) -> Result<(), ExportError> {
    let (capture, reading) = (export.capture, export.recipe.rows);
    let row_names = row_names::of_tokens(capture, reading, |token| token.raw.clone());
    let names: Vec<String> =
        capture.tokens.iter().enumerate().map(|(at, token)| quoted(&format!("{at}:{}", token.raw))).collect();
    let sink = if capture.has_sinks(view) { ",sink" } else { "" };
    writeln!(out, "{},{}{sink}", row_names::heading(reading), names.join(","))?;
    for (query, row) in rows(capture, view).enumerate() {
        let row = row?;
        write!(out, "{}", quoted(&format!("{query}:{}", row_names[query])))?;
        for value in &row.weights[..=query] {
            write!(out, ",{value:?}")?;
        }
        write!(out, "{:,<1$}", "", names.len() - 1 - query)?;
        if let Some(sink) = row.sink {
            write!(out, ",{sink:?}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_list(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    let (capture, reading) = (export.capture, export.recipe.rows);
    let queries = row_names::of_tokens(capture, reading, |token| token.raw.clone());
    let queries: Vec<String> = queries.iter().map(|name| quoted(name)).collect();
    let tokens: Vec<String> = capture.tokens.iter().map(|token| quoted(&token.raw)).collect();
    let of_query = match reading {
        RowReading::Reading => "query_token",
        RowReading::Predicting => "predicted_token",
    };
    writeln!(out, "layer,head,query,key,{of_query},key_token,attention")?;
    for view in heads(capture) {
        let (Some(layer), Some(head)) = (view.layer(), view.head()) else { continue };
        for (query, row) in rows(capture, view).enumerate() {
            let row = row?;
            for (key, value) in row.weights[..=query].iter().enumerate() {
                writeln!(out, "{layer},{head},{query},{key},{},{},{value:?}", queries[query], tokens[key])?;
            }
            if let Some(sink) = row.sink {
                writeln!(out, "{layer},{head},{query},,{},,{sink:?}", queries[query])?;
            }
        }
    }
    Ok(())
}

/// A field in quotes, its own quotes doubled (RFC 4180), on one line.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escape_controls(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    fn written(selection: Selection) -> String {
        example::written(selection, write)
    }

    #[test]
    fn a_view_is_a_square_with_a_sink_column() {
        let text = written(Selection::One(View::Mean));
        let (recipe, table) = text.split_once('\n').unwrap();
        assert!(recipe.starts_with("# {\"program\":\"attnscope "), "{recipe}");
        assert_eq!(table, "query,\"0:it\",\"1:Ġ'\",sink\n\"0:it\",0.25,,0.75\n\"1:Ġ'\",0.5,0.125,0.375\n");
    }

    #[test]
    fn all_heads_are_a_list_of_visible_cells() {
        let text = written(Selection::All);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines[0], "layer,head,query,key,query_token,key_token,attention");
        // 2 layers × 2 heads × (3 cells + 2 sinks)
        assert_eq!(lines.len(), 1 + 2 * 2 * 5);
        assert_eq!(lines[4].split(',').collect::<Vec<_>>()[..6], ["0", "0", "1", "1", "\"Ġ'\"", "\"Ġ'\""]);
        assert!(lines[2].starts_with("0,0,0,,\"it\",,"), "{}", lines[2]);
    }

    #[test]
    fn texts_stand_in_quotes_on_one_line() {
        assert_eq!(quoted("a\"b,#\n"), "\"a\"\"b,#\\n\"");
        assert_eq!(quoted("\u{1b}\u{202e}"), "\"\\u{1b}\\u{202e}\"");
    }
}
