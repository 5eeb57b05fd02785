//! The article's printout: the tokens as a Python list, and a row of rounded numbers for each of them.

use std::io::Write;

use super::error::ExportError;
use super::python::{repr_list, rounded_list};
use super::row_names;
use super::rows::rows;
use crate::attention::{Capture, escape_controls};
use crate::vocabulary::{LayerKind, RowReading, View};

/// Columns that a query's token takes, as in the article's `{token:>10}`.
const TOKEN_WIDTH: usize = 10;

/// Writes the printout of a view. A model with sinks gets one more line than in the article.
///
/// # Errors
/// If the model has no such view, or `out` refuses.
pub fn write(
    out: &mut impl Write,
    capture: &Capture,
    view: View,
    reading: RowReading,
) -> Result<(), ExportError> {
    capture.check(view)?;
    writeln!(out, "Tokens: {}", repr_list(capture.tokens.iter().map(|token| token.raw.as_str())))?;
    writeln!(out)?;
    let named = match reading {
        RowReading::Reading => "",
        RowReading::Predicting => " (attnscope: rows by the token predicted from them)",
    };
    writeln!(out, "{}{named}:", heading(view))?;
    let names = row_names::of_tokens(capture, reading, |token| token.raw.clone());
    let mut sinks = Vec::new();
    for (name, row) in names.iter().zip(rows(capture, view)) {
        let row = row?;
        // As in the article, but for control characters, which a vocabulary may hold and a terminal obeys.
        let label = escape_controls(name);
        writeln!(out, "{label:>TOKEN_WIDTH$} -> {}", rounded_list(&row.weights))?;
        sinks.extend(row.sink);
    }
    if !sinks.is_empty() {
        let sinks = rounded_list(&sinks);
        writeln!(out, "{:>TOKEN_WIDTH$} -> {sinks}  (attnscope: what each row gave to no token)", "sink")?;
    }
    Ok(())
}

fn heading(view: View) -> String {
    match view {
        View::Mean => "Average Attention Matrix".to_owned(),
        View::Layer(layer) => format!("Average Attention Matrix of Layer {layer}"),
        View::Head { layer, head } => format!("Attention Matrix of Layer {layer}, Head {head}"),
        View::Group { layer, group } => {
            format!("Average Attention Matrix of Layer {layer}, KV Group {group}")
        }
        View::Kind(LayerKind::Sliding) => "Average Attention Matrix of the Sliding Layers".to_owned(),
        View::Kind(LayerKind::Full) => "Average Attention Matrix of the Full Layers".to_owned(),
        View::Rollout => "Attention Rollout".to_owned(),
        View::ValueWeighted(_) => heading(view.attention()).replace("Attention", "Value-Weighted Attention"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    fn printed(view: View) -> String {
        let mut out = Vec::new();
        write(&mut out, &example::capture(), view, RowReading::Reading).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_article_and_one_line_of_ours() {
        let expected = "Tokens: ['it', \"Ġ'\"]

Average Attention Matrix:
        it -> [0.25, 0.0]
        Ġ' -> [0.5, 0.125]
      sink -> [0.75, 0.375]  (attnscope: what each row gave to no token)
";
        assert_eq!(printed(View::Mean), expected);
    }

    #[test]
    fn a_model_without_sinks_gets_the_article_only() {
        let mut out = Vec::new();
        write(&mut out, &example::capture_without_sinks(), View::Mean, RowReading::Reading).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("        Ġ' -> [0.5, 0.5]\n"), "{text}");
    }

    #[test]
    fn the_heading_names_the_view() {
        assert!(printed(View::Layer(1)).contains("Average Attention Matrix of Layer 1:\n"));
        assert!(printed(View::Head { layer: 1, head: 0 }).contains("Attention Matrix of Layer 1, Head 0:\n"));
    }

    #[test]
    fn a_view_that_is_not_there_writes_nothing() {
        let mut out = Vec::new();
        let error = write(&mut out, &example::capture(), View::Layer(2), RowReading::Reading).unwrap_err();
        assert!(error.to_string().contains("layers 0 to 1"), "{error}");
        assert!(out.is_empty());
    }
}
