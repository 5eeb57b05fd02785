//! `attnscope models`: what is here, what it takes, and whether this device has that.

use std::io::{self, Write};

use super::failure::Failure;
use super::settings::{Settings, reference};
use crate::model::files::{cached, human_bytes};
use crate::model::{DemoModel, Footprint, Reference, device_label, free_bytes, open_device};

/// A line of the table, column by column.
type Row = [String; 6];

const HEADING: [&str; 6] = ["MODEL", "WHERE", "PAIRS", "DISK", "MEMORY", "FITS"];

/// Lists the models of the binary, of the hub's cache and of the configured pairs.
///
/// # Errors
/// If this machine hasn't the device, or a pair names no model.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let device = open_device(settings.load.device)?;
    let free = free_bytes(&device);
    let known = known(settings)?;
    let rows: Vec<Row> = known.iter().map(|reference| row(reference, settings, free)).collect();
    let mut out = io::stdout().lock();
    out.write_all(table(&rows).as_bytes())?;
    if let Some(free) = free {
        writeln!(out, "\n{} free on {}", human_bytes(free), device_label(&device))?;
    }
    Ok(())
}

/// Each model once: those of the binary, then those cached, then those that only a pair names.
fn known(settings: &Settings) -> Result<Vec<Reference>, Failure> {
    let mut known: Vec<Reference> = DemoModel::ALL.into_iter().map(Reference::Demo).collect();
    known.extend(cached().into_iter().map(|model| Reference::Hub {
        repository: model.repository,
        revision: Some(model.revision).filter(|revision| revision != "main"),
    }));
    for pair in settings.config.pairs.values() {
        for name in [&pair.left, &pair.right] {
            let model = reference(name)?;
            if !known.contains(&model) {
                known.push(model);
            }
        }
    }
    Ok(known)
}

fn row(model: &Reference, settings: &Settings, free: Option<u64>) -> Row {
    let footprint = Footprint::of(model, &settings.load).ok();
    let place = match (model, footprint) {
        (Reference::Demo(_), _) => "binary",
        (Reference::Folder(_), Some(_)) => "folder",
        (Reference::Folder(_), None) => "missing or broken",
        (Reference::Hub { .. }, Some(_)) => "cache",
        (Reference::Hub { .. }, None) => "to download",
    };
    let name = model.to_string();
    let pairs = settings.config.pairs.iter().filter(|(_, pair)| pair.left == name || pair.right == name);
    let pairs: Vec<&str> = pairs.map(|(pair, _)| pair.as_str()).collect();
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), human_bytes);
    let needed = footprint.map(|footprint| footprint.resident_bytes);
    [
        name.clone(),
        place.to_owned(),
        pairs.join(","),
        size(footprint.map(|footprint| footprint.disk_bytes)),
        size(needed),
        fits(needed, free).to_owned(),
    ]
}

fn fits(needed: Option<u64>, free: Option<u64>) -> &'static str {
    match needed.zip(free) {
        Some((needed, free)) if needed <= free => "yes",
        Some(_) => "no",
        None => "?",
    }
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
    fn a_model_fits_if_there_is_room_for_it() {
        assert_eq!(fits(Some(5), Some(5)), "yes");
        assert_eq!(fits(Some(6), Some(5)), "no");
        assert_eq!(fits(None, Some(5)), "?");
    }

    #[test]
    fn columns_are_aligned() {
        let row = ["a/long-name", "cache", "", "1.0 GB", "2.0 GB", "yes"].map(str::to_owned);
        let expected = "\
MODEL        WHERE  PAIRS  DISK    MEMORY  FITS
a/long-name  cache         1.0 GB  2.0 GB  yes
";
        assert_eq!(table(&[row]), expected);
    }
}
