//! What many prompts have in common: means with their intervals, and the prompts that deviate most.

use std::io::Write;

use serde_json::{Value, json};

use super::results::Numbers;
use crate::attention::{Mean, deviations, escape_controls};
use crate::cli::failure::Failure;
use crate::cli::stdout;
use crate::export::ExportError;

/// Prompts that are named.
const NAMED: usize = 5;
/// Columns of a number.
const NUMBER: usize = 12;

/// What the rows of a summary are.
#[derive(Debug, Clone)]
pub struct Heading {
    /// What each row is of: `head`.
    pub row: &'static str,
    /// What its numbers are, with their unit.
    pub number: String,
}

/// Something with its name.
type Named<'a, T> = (&'a str, T);

/// The numbers of all prompts of a model, or of a pair.
#[derive(Debug)]
pub struct Summary {
    /// The model, or both.
    pub name: String,
    /// Prompts by their ids, each with its numbers.
    prompts: Vec<(String, Numbers)>,
}

impl Summary {
    /// Of no prompts yet.
    pub fn new(name: String) -> Self {
        Self { name, prompts: Vec::new() }
    }

    /// Adds a prompt.
    pub fn add(&mut self, id: String, numbers: Numbers) {
        self.prompts.push((id, numbers));
    }

    /// The names of numbers that all prompts have, in the order of the first one, and a row of them for each prompt.
    fn table(&self) -> (Vec<&str>, Vec<Vec<f64>>) {
        let value = |numbers: &Numbers, name: &str| {
            numbers.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
        };
        // Most rows have theirs in the same places.
        let at = |numbers: &Numbers, place: usize, name: &str| match numbers.get(place) {
            Some((other, found)) if other == name => Some(*found),
            _ => value(numbers, name),
        };
        let first = self.prompts.first().map_or(&[][..], |(_, numbers)| numbers);
        let is_in_all = |(place, (name, _)): &(usize, &(String, f64))| {
            self.prompts.iter().all(|(_, numbers)| at(numbers, *place, name).is_some())
        };
        let names: Vec<(usize, &str)> = first
            .iter()
            .enumerate()
            .filter(is_in_all)
            .map(|(place, (name, _))| (place, name.as_str()))
            .collect();
        let row = |(_, numbers): &(String, Numbers)| {
            names.iter().filter_map(|(place, name)| at(numbers, *place, name)).collect()
        };
        (names.iter().map(|(_, name)| *name).collect(), self.prompts.iter().map(row).collect())
    }

    /// Each number's mean, the largest first; and the prompts that deviate most, with how far they do.
    fn sorted(&self) -> (Vec<Named<'_, Mean>>, Vec<Named<'_, f64>>) {
        let (names, rows) = self.table();
        let mut means: Vec<(&str, Mean)> = names.into_iter().zip(Mean::of_columns(&rows)).collect();
        means.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean));
        let ids = self.prompts.iter().map(|(id, _)| id.as_str());
        let mut far: Vec<(&str, f64)> = ids.zip(deviations(&rows)).collect();
        far.sort_by(|a, b| b.1.total_cmp(&a.1));
        far.truncate(NAMED);
        (means, far)
    }
}

/// Prints them, as tables or as one JSON object.
///
/// # Errors
/// If standard output refuses.
pub fn print(summaries: &[Summary], heading: &Heading, top: usize, is_json: bool) -> Result<(), Failure> {
    stdout::print(
        is_json,
        |out| Ok(writeln!(out, "{}", as_json(summaries, heading))?),
        |out| write_table(out, summaries, heading, top),
    )
}

fn write_table(
    out: &mut impl Write,
    summaries: &[Summary],
    Heading { row, number }: &Heading,
    top: usize,
) -> Result<(), ExportError> {
    for (at, summary) in summaries.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let count = summary.prompts.len();
        let over = if count == 1 { "of one prompt".to_owned() } else { format!("mean over {count} prompts") };
        writeln!(out, "{gap}# {}: {number}, {over}", summary.name)?;
        let (means, far) = summary.sorted();
        let room =
            means.iter().map(|(name, _)| name.chars().count()).chain([row.len()]).max().unwrap_or(0) + 2;
        writeln!(out, "{row:room$}{:>NUMBER$}{:>NUMBER$}{:>NUMBER$}", "mean", "from", "to")?;
        for (name, Mean { mean, low, high, .. }) in means.into_iter().take(top) {
            writeln!(out, "{name:room$}{mean:>NUMBER$.4}{low:>NUMBER$.4}{high:>NUMBER$.4}")?;
        }
        if count > 2 {
            let far = far.iter().map(|(id, far)| format!("{} ({far:.1} sd)", escape_controls(id)));
            writeln!(out, "deviate most: {}", far.collect::<Vec<_>>().join(", "))?;
        }
    }
    writeln!(
        out,
        "from, to: 95 % of bootstrapped means; sd: standard deviations from the mean of all prompts"
    )?;
    Ok(())
}

fn as_json(summaries: &[Summary], heading: &Heading) -> Value {
    let summary = |summary: &Summary| {
        let (means, far) = summary.sorted();
        let mean = |(name, mean): &(&str, Mean)| json!({ heading.row: name, "mean": mean.mean, "low": mean.low, "high": mean.high });
        json!({
            "model": summary.name,
            "number": heading.number,
            "prompts": summary.prompts.len(),
            "means": means.iter().map(mean).collect::<Vec<_>>(),
            "deviate_most": far.iter().map(|(id, far)| json!({ "id": id, "deviations": far })).collect::<Vec<_>>(),
        })
    };
    json!({ "models": summaries.iter().map(summary).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_come_by_size_and_prompts_by_how_far_they_are() {
        let mut summary = Summary::new("m".to_owned());
        let numbers = |values: [f64; 2]| vec![("0.0".to_owned(), values[0]), ("0.1".to_owned(), values[1])];
        for (id, values) in [("a", [0.0, 0.5]), ("b", [0.0, 0.5]), ("c", [0.75, 0.5])] {
            summary.add(id.to_owned(), numbers(values));
        }
        let heading = Heading { row: "head", number: "sink (share)".to_owned() };
        let mut out = Vec::new();
        write_table(&mut out, &[summary], &heading, 9).unwrap();
        let table = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "# m: sink (share), mean over 3 prompts");
        assert!(
            lines[2].starts_with("0.1") && lines[2].contains("0.5000      0.5000      0.5000"),
            "{table}"
        );
        assert!(lines[3].starts_with("0.0") && lines[3].contains("0.2500      0.0000"), "{table}");
        assert!(lines[4].starts_with("deviate most: c (1.4 sd), "), "{table}");
    }

    #[test]
    fn of_one_prompt_there_is_no_mean() {
        let mut summary = Summary::new("m".to_owned());
        summary.add("a".to_owned(), vec![("0.0".to_owned(), 1.0)]);
        let heading = Heading { row: "head", number: "sink (share)".to_owned() };
        let mut out = Vec::new();
        write_table(&mut out, &[summary], &heading, 9).unwrap();
        let table = String::from_utf8(out).unwrap();
        assert!(table.starts_with("# m: sink (share), of one prompt\n"), "{table}");
    }

    #[test]
    fn only_what_all_prompts_have_is_averaged() {
        let mut summary = Summary::new("m".to_owned());
        summary.add("a".to_owned(), vec![("x".to_owned(), 1.0), ("y".to_owned(), 2.0)]);
        summary.add("b".to_owned(), vec![("y".to_owned(), 4.0)]);
        let (means, _) = summary.sorted();
        assert_eq!(means.len(), 1);
        assert_eq!((means[0].0, means[0].1.mean), ("y", 3.0));
        let heading = Heading { row: "number", number: String::new() };
        assert_eq!(as_json(&[summary], &heading)["models"][0]["means"][0]["mean"], 3.0);
    }
}
