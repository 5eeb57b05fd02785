//! `attnscope models`: what is here, what it takes, and whether this device has that.

use std::io::{self, Write};

use super::failure::Failure;
use super::settings::Settings;
use crate::attention::escape_controls;
use crate::model::{FAMILIES, KnownModel, MemoryFit, Place, Published, catalogue};
use crate::vocabulary::human_bytes;

/// A line of the table, column by column.
type Row = [String; 7];

const HEADING: [&str; 7] = ["MODEL", "WHERE", "PAIRS", "DISK", "MEMORY", "PROMPT", "FITS"];

/// Lists the models of the binary, of the hub's cache and of the configured pairs, and some that the hub has.
///
/// # Errors
/// If this machine hasn't the device.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let known = catalogue(&settings.pairs(), &settings.load)?;
    let rows: Vec<Row> = known.models.iter().map(|model| row(model, known.free_bytes)).collect();
    let mut out = io::stdout().lock();
    out.write_all(table(&rows).as_bytes())?;
    if let Some(free) = known.free_bytes {
        writeln!(out, "\n{} free on {}", human_bytes(free), known.device)?;
    }
    Ok(())
}

/// Lists the families of models that can be run.
///
/// # Errors
/// If nobody reads.
pub fn families() -> Result<(), Failure> {
    let width = FAMILIES.iter().map(|family| family.name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for family in FAMILIES {
        writeln!(out, "{:<width$}  {}", family.name, family.models)?;
    }
    Ok(())
}

fn row(model: &KnownModel, free: Option<u64>) -> Row {
    let place = match model.place {
        Place::Binary => "binary",
        Place::Folder => "folder",
        Place::Ollama => "ollama",
        Place::Cache => "cache",
        Place::Hub => "to download",
        Place::Broken => "missing or broken",
    };
    // What is not here is known about.
    let published = model.published.map(Published::size);
    let size = |bytes: Option<u64>| {
        bytes.map(human_bytes).or_else(|| published.clone()).unwrap_or_else(|| "?".to_owned())
    };
    let prompt = model.footprint.map(|footprint| footprint.prompt_bytes).filter(|bytes| *bytes > 0);
    let prompt = prompt.map_or_else(|| "?".to_owned(), |bytes| format!("+{}", human_bytes(bytes)));
    let fits = match MemoryFit::of(model.needed_bytes(), free, 0) {
        MemoryFit::Yes => "yes",
        MemoryFit::Instead | MemoryFit::No => "no",
        MemoryFit::Unknown => "?",
    };
    [
        escape_controls(&model.name),
        place.to_owned(),
        escape_controls(&model.pairs.join(",")),
        size(model.footprint.map(|footprint| footprint.disk_bytes)),
        size(model.footprint.map(|footprint| footprint.resident_bytes)),
        prompt,
        fits.to_owned(),
    ]
}

/// Columns two blanks apart, under their heading.
fn table(rows: &[Row]) -> String {
    let heading = HEADING.map(str::to_owned);
    let lines = || std::iter::once(&heading).chain(rows);
    let widths: [usize; HEADING.len()] =
        std::array::from_fn(|column| lines().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let line = |row: &Row| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let row = ["a/long-name", "cache", "", "1.0 GB", "2.0 GB", "+9 MB", "yes"].map(str::to_owned);
        let expected = "\
MODEL        WHERE  PAIRS  DISK    MEMORY  PROMPT  FITS
a/long-name  cache         1.0 GB  2.0 GB  +9 MB   yes
";
        assert_eq!(table(&[row]), expected);
    }
}
