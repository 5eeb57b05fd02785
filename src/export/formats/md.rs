//! A Markdown table, for READMEs, issues and notebooks, under a comment with the recipe, which Markdown does not show.
//!
//! A view is a square: a row per query, a column per key, named `position:token`, and for a model with sinks a last
//! column `sink`. Cells of the future are empty. All heads are a list: one line per layer, head, query and visible key;
//! where `key` is empty, what the row gave to no token. Values are rounded to four decimals: for numbers that are
//! computed with, there are the other formats.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

use super::entry::{Export, Format, Writer};
use super::problem::{MOST, Problem};
use crate::attention::escape_controls;
use crate::export::error::ExportError;
use crate::export::printable::json;
use crate::export::row_names;
use crate::export::rows::{heads, rows};
use crate::export::selection::Selection;
use crate::vocabulary::{RowReading, View};

/// What stands before and after the recipe, on its line.
const COMMENT: [&str; 2] = ["<!-- ", " -->"];

pub const FORMAT: Format = Format {
    write: Writer::Numbers(write),
    begins: |start| start.starts_with(COMMENT[0].trim_ascii_end().as_bytes()),
    recipe,
};

/// The recipe is the first line, within its comment.
fn recipe(file: BufReader<File>) -> Result<Value, Problem> {
    let mut line = Vec::new();
    file.take(MOST).read_until(b'\n', &mut line)?;
    if line.len() as u64 == MOST {
        return Err(Problem::Long);
    }
    let line = line.trim_ascii();
    let line = line.strip_prefix(COMMENT[0].trim_ascii_end().as_bytes()).unwrap_or(line);
    Ok(serde_json::from_slice(line.strip_suffix(COMMENT[1].trim_ascii_start().as_bytes()).unwrap_or(line))?)
}

fn write(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    let [start, end] = COMMENT;
    // In JSON it stands only within texts; there it could end the comment.
    let recipe = json(export.recipe)?.replace('>', "\\u003e");
    writeln!(out, "{start}{recipe}{end}\n")?;
    match export.selection {
        Selection::One(view) => write_square(out, export, view),
        Selection::All => write_list(out, export),
    }
}

fn write_square(out: &mut dyn Write, export: &Export<'_>, view: View) -> Result<(), ExportError> {
    let (capture, reading) = (export.capture, export.recipe.rows);
    let row_names = row_names::of_tokens(capture, reading, |token| literal(&token.raw));
    let names: Vec<String> = capture
        .tokens
        .iter()
        .enumerate()
        .map(|(at, token)| format!("{at}:{}", literal(&token.raw)))
        .collect();
    let sink = capture.has_sinks(view).then(|| "sink".to_owned());
    write_head(
        out,
        1,
        [row_names::heading(reading).to_owned()].into_iter().chain(names.iter().cloned()).chain(sink),
    )?;
    for (query, row) in rows(capture, view).enumerate() {
        let row = row?;
        write!(out, "| {query}:{} |", row_names[query])?;
        for value in &row.weights[..=query] {
            write!(out, " {value:.4} |")?;
        }
        write!(out, "{}", " |".repeat(names.len() - 1 - query))?;
        if let Some(sink) = row.sink {
            write!(out, " {sink:.4} |")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_list(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    let (capture, reading) = (export.capture, export.recipe.rows);
    let queries = row_names::of_tokens(capture, reading, |token| literal(&token.raw));
    let tokens: Vec<String> = capture.tokens.iter().map(|token| literal(&token.raw)).collect();
    let of_query = match reading {
        RowReading::Reading => "query token",
        RowReading::Predicting => "predicted token",
    };
    let columns = [of_query, "key token", "layer", "head", "query", "key", "attention"];
    write_head(out, 2, columns.into_iter().map(str::to_owned))?;
    for view in heads(capture) {
        let (Some(layer), Some(head)) = (view.layer(), view.head()) else { continue };
        for (query, row) in rows(capture, view).enumerate() {
            let row = row?;
            for (key, value) in row.weights[..=query].iter().enumerate() {
                let (one, other) = (&queries[query], &tokens[key]);
                writeln!(out, "| {one} | {other} | {layer} | {head} | {query} | {key} | {value:.4} |")?;
            }
            if let Some(sink) = row.sink {
                writeln!(out, "| {} | | {layer} | {head} | {query} | | {sink:.4} |", queries[query])?;
            }
        }
    }
    Ok(())
}

/// The names of the columns, of which the first `texts` stand on the left and the others, numbers, on the right.
fn write_head(
    out: &mut dyn Write,
    texts: usize,
    columns: impl Iterator<Item = String>,
) -> Result<(), ExportError> {
    let columns: Vec<String> = columns.collect();
    writeln!(out, "| {} |", columns.join(" | "))?;
    let rules: Vec<&str> = (0..columns.len()).map(|at| if at < texts { "---" } else { "---:" }).collect();
    writeln!(out, "| {} |", rules.join(" | "))?;
    Ok(())
}

/// A text that Markdown shows as it is, on one line. What could begin or end anything in Markdown, in HTML, or in what
/// GitHub adds (`:smile:`, `@name`, `$x$`) has a backslash before it.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in escape_controls(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, ',' | '.' | '\'' | '"' | '/') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use crate::export::recipe::{Recipe, Source};
    use crate::vocabulary::ExportFormat;

    fn written(selection: Selection) -> String {
        example::written(selection, write)
    }

    #[test]
    fn a_view_is_a_square_with_a_sink_column() {
        let text = written(Selection::One(View::Mean));
        let (recipe, table) = text.split_once("\n\n").unwrap();
        assert!(
            recipe.starts_with("<!-- {\"program\":\"attnscope ") && recipe.ends_with("} -->"),
            "{recipe}"
        );
        let rows = ["| query | 0:it | 1:Ġ' | sink |", "| --- | ---: | ---: | ---: |"];
        let cells = ["| 0:it | 0.2500 | | 0.7500 |", "| 1:Ġ' | 0.5000 | 0.1250 | 0.3750 |"];
        assert_eq!(table, format!("{}\n{}\n", rows.join("\n"), cells.join("\n")));
    }

    #[test]
    fn all_heads_are_a_list_of_visible_cells() {
        let text = written(Selection::All);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        // 2 layers × 2 heads × (3 cells + 2 sinks)
        assert_eq!(lines.len(), 2 + 2 * 2 * 5);
        assert!(lines[3].starts_with("| it | | 0 | 0 | 0 | | "), "{}", lines[3]);
        assert!(lines.iter().all(|line| line.matches(" |").count() == 7), "{text}");
    }

    #[test]
    fn texts_are_shown_as_they_are() {
        assert_eq!(literal("a|b*_\n"), r"a\|b\*\_\\n");
        assert_eq!(literal(r"\|"), r"\\\|", "a backslash of the text escapes nothing");
        assert_eq!(literal("<b>&`"), r"\<b\>\&\`");
        assert_eq!(literal(":smile:"), r"\:smile\:");
        assert_eq!(literal("\u{1b}[2J\u{202e}"), r"\\u\{1b\}\[2J\\u\{202e\}");
        assert_eq!(literal("Ġ'日本語"), "Ġ'日本語");
    }

    #[test]
    fn no_text_of_the_recipe_ends_its_comment() {
        let capture = example::capture();
        let source =
            Source { model: "a --> <!-- --!> b".to_owned(), ..example::source(&capture, Selection::All) };
        let recipe = Recipe::new(source, Some(ExportFormat::Md));
        let (mut out, selection) = (Vec::new(), Selection::One(View::Mean));
        write(&mut out, &Export { capture: &capture, selection, recipe: &recipe }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.find('>'), text.find("-->\n\n|").map(|at| at + 2), "{text}");
    }
}
