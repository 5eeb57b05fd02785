//! All heads of one or more models in numbers: a table for people, JSON for programs.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::error::ExportError;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use crate::attention::{Ablation, HeadEntry, ModelInfo, Statistic, escape_controls, repeated};

/// A head of one of the models.
#[derive(Debug, Clone, Copy)]
pub struct ListedHead<'a> {
    /// The model.
    pub model: &'a ModelInfo,
    /// What is off in it.
    pub without: &'a Ablation,
    /// The head, and what is known of it.
    pub entry: HeadEntry,
}

/// Columns of a number, at least.
const NUMBER: usize = 6;
/// Columns of what a head adds to a logit.
const PUSH: usize = 8;
/// Columns between the numbers over the prompt and those on repeated random tokens.
const GAP: usize = 2;

/// A statistic for each column of numbers, with its width.
fn columns(heads: &[ListedHead<'_>]) -> Vec<(Statistic, usize)> {
    let first_on_repeated = Statistic::ALL.into_iter().find(|statistic| statistic.is_on_repeated_tokens());
    // What takes a pass for each head is there only if somebody has asked for it.
    let is_there = |statistic: &Statistic| {
        !statistic.needs_sweep() || heads.iter().any(|head| head.entry.value(*statistic).is_some())
    };
    let width = |statistic: Statistic| {
        let gap = if Some(statistic) == first_on_repeated { GAP } else { 0 };
        (statistic, NUMBER.max(statistic.heading().len() + 1) + gap)
    };
    Statistic::ALL.into_iter().filter(is_there).map(width).collect()
}

/// Writes a table, a line per head in the order they come in, under two lines of headings.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, heads: &[ListedHead<'_>]) -> Result<(), ExportError> {
    let model = |head: &ListedHead<'_>| escape_controls(&head.model.name) + &head.without.suffix();
    let room = heads.iter().map(|head| model(head).chars().count()).max().unwrap_or(0).max(5);
    let columns = columns(heads);
    let of_prompt = columns.iter().filter(|(statistic, _)| !statistic.is_on_repeated_tokens());
    let prompt: usize = of_prompt.map(|(_, width)| width).sum::<usize>() + PUSH;
    let is_first_on_repeated =
        |at: usize| columns[at].0.is_on_repeated_tokens() && !columns[at - 1].0.is_on_repeated_tokens();
    writeln!(out, "{:room$}{:23}{:prompt$}  on repeated random tokens", "", "", " on the prompt")?;
    write!(out, "{:room$}{:>8}{:>9}  {:7}", "model", "head", "kv group", "layer")?;
    for (at, (statistic, width)) in columns.iter().enumerate() {
        if is_first_on_repeated(at) {
            write!(out, "{:>PUSH$}", "push")?;
        }
        write!(out, "{:>width$}", statistic.heading())?;
    }
    writeln!(out)?;
    for head in heads {
        let HeadEntry { layer, head: index, group, kind, .. } = head.entry;
        let name = format!("{layer}.{index}");
        write!(out, "{:room$}{name:>8}{group:>9}  {:7}", model(head), kind.name())?;
        for (at, (statistic, width)) in columns.iter().enumerate() {
            if is_first_on_repeated(at) {
                match head.entry.push {
                    Some(push) => write!(out, "{push:>+PUSH$.3}")?,
                    None => write!(out, "{:>PUSH$}", "-")?,
                }
            }
            match head.entry.value(*statistic) {
                Some(value) => write!(out, "{value:>width$.3}")?,
                None => write!(out, "{:>width$}", "-")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes one JSON object: `heads`, in the order they come in, each with the index of its model among
/// `models`, which hold how each was run.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(
    out: &mut impl Write,
    models: &[(&ModelInfo, &Recipe)],
    heads: &[ListedHead<'_>],
) -> Result<(), ExportError> {
    let entry = |head: &ListedHead<'_>| -> Value {
        let mut object = of_prompt(&head.entry);
        object["model"] = json!(models.iter().position(|(info, _)| std::ptr::eq(*info, head.model)));
        object["push"] = json!(head.entry.push);
        object["repeated"] = json!(head.entry.repeated.map(|_| numbers(&head.entry, true)));
        object
    };
    let model = |(info, recipe): &(&ModelInfo, &Recipe)| -> Result<Value, ExportError> {
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "repeated": {
                "period": repeated::period(&info.windows, info.context),
                "draws": repeated::DRAWS,
                "seed": repeated::SEED,
            },
        }))
    };
    let document = json!({
        "models": models.iter().map(model).collect::<Result<Vec<_>, _>>()?,
        "heads": heads.iter().map(entry).collect::<Vec<_>>(),
    });
    Ok(write_json_lines(out, &document)?)
}

/// A head, and what is known of it from its prompt.
pub fn of_prompt(entry: &HeadEntry) -> Value {
    json!({
        "layer": entry.layer,
        "head": entry.head,
        "kv_group": entry.group,
        "layer_kind": entry.kind,
        "prompt": numbers(entry, false),
    })
}

fn numbers(entry: &HeadEntry, on_repeated: bool) -> Map<String, Value> {
    let is_listed = |it: &Statistic| it.is_on_repeated_tokens() == on_repeated;
    let is_there = |it: &Statistic| !it.needs_sweep() || entry.value(*it).is_some();
    let listed = Statistic::ALL.into_iter().filter(is_listed).filter(is_there);
    Map::from_iter(listed.map(|it| (it.short_id().replace('-', "_"), json!(entry.value(it)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::RepeatScores;
    use crate::export::{Selection, example};

    #[test]
    fn a_table_and_its_json_say_the_same() {
        let capture = example::capture();
        let recipe = Recipe::new(example::source(&capture, Selection::All), None);
        let mut entries = HeadEntry::all(&capture);
        entries[3].push = Some(-0.5);
        entries[3].repeated = Some(RepeatScores { previous: 0.125, duplicate: 0.5, induction: 0.25 });
        let model = &*capture.model;
        let heads: Vec<_> = entries
            .iter()
            .map(|entry| ListedHead { model, without: &capture.ablation, entry: *entry })
            .collect();
        let (mut table, mut object) = (Vec::new(), Vec::new());
        write_table(&mut table, &heads).unwrap();
        write_json(&mut object, &[(model, &recipe)], &heads).unwrap();

        let table = String::from_utf8(table).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2 + 4);
        assert!(lines[1..].iter().all(|line| line.chars().count() == lines[1].chars().count()), "{table}");
        let last: Vec<&str> = lines[5].split_whitespace().collect();
        assert_eq!(last[..4], ["example", "1.1", "1", "full"]);
        assert_eq!(last[last.len() - 4..], ["-0.500", "0.125", "0.500", "0.250"]);
        assert!(lines[2].ends_with("-"), "what is not known is no 0: {table}");

        let document: Value = serde_json::from_slice(&object).unwrap();
        assert_eq!(document["heads"][3]["repeated"]["duplicate"], json!(0.5));
        assert_eq!(
            (&document["heads"][3]["push"], &document["heads"][0]["push"]),
            (&json!(-0.5), &Value::Null)
        );
        assert_eq!(document["heads"][0]["repeated"], Value::Null);
        assert_eq!(document["heads"][2]["layer"], 1);
        assert_eq!(document["models"][0]["repeated"]["period"], 4, "half of a context of 8");
        assert_eq!(document["models"][0]["recipe"]["model"], "example");
    }
}
