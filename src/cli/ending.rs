//! What the name of a file ends in says what the file is. A flag may say it again, and says it of a name that doesn't.

use std::path::Path;

use super::failure::Failure;
use crate::vocabulary::ExportFormat;

/// The format of a file: what its name ends in; of a name that ends in none, what `--format` says. `choices` are what
/// the command writes.
///
/// # Errors
/// If both say one, and not the same, or neither does.
pub(super) fn format_of(
    asked: Option<ExportFormat>,
    out: &Path,
    choices: impl IntoIterator<Item = ExportFormat>,
) -> Result<ExportFormat, Failure> {
    let (named, name) = (ExportFormat::of_file(out), out.display());
    match (asked, named) {
        (Some(asked), Some(named)) if asked != named => Err(Failure::Usage(format!(
            "--format {asked} contradicts --out {name}, which ends in .{named}: leave --format out, or name a file that \
             ends in .{asked}"
        ))),
        (_, Some(format)) | (Some(format), None) => Ok(format),
        (None, None) => {
            let endings: Vec<String> = choices.into_iter().map(|format| format!(".{format}")).collect();
            let endings = match endings.as_slice() {
                [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
                endings => endings.concat(),
            };
            Err(Failure::Usage(format!(
                "--out {name} does not say which format: name a file that ends in {endings}, or add --format"
            )))
        }
    }
}

/// Refuses a name that ends in another format than that of the file.
///
/// # Errors
/// If it does.
pub(super) fn check_name(flag: &str, out: &Path, format: ExportFormat) -> Result<(), Failure> {
    match ExportFormat::of_file(out).filter(|named| *named != format) {
        None => Ok(()),
        Some(named) => Err(Failure::Usage(format!(
            "{flag} {} ends in .{named}, and this is written as {format}: name a file that ends in .{format}",
            out.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_the_format_and_the_flag_where_it_does_not() {
        use ExportFormat::{Csv, Svg};
        let of = |asked, out: &str| {
            format_of(asked, Path::new(out), [Csv, Svg]).map_err(|error| error.message().unwrap())
        };
        for (asked, out, format) in [
            (None, "a.svg", Svg),
            (Some(Svg), "a.SVG", Svg),
            (Some(Csv), "-", Csv),
            (Some(Csv), "/dev/fd/63", Csv),
            (Some(Csv), "a.txt", Csv),
            (Some(Csv), "svg", Csv),
        ] {
            assert_eq!(of(asked, out), Ok(format), "{out}");
        }
        let error = of(Some(Csv), "x/q.svg").unwrap_err();
        assert!(error.starts_with("--format csv contradicts --out x/q.svg, which ends in .svg: "), "{error}");
        let error = of(None, "-").unwrap_err();
        let says =
            "--out - does not say which format: name a file that ends in .csv or .svg, or add --format";
        assert_eq!(error, says);
        assert!(
            check_name("--out", Path::new("a.svg"), Svg).is_ok()
                && check_name("--out", Path::new("a"), Svg).is_ok()
        );
        let error = check_name("--out", Path::new("a.png"), Svg).unwrap_err().message().unwrap();
        assert!(error.starts_with("--out a.png ends in .png, and this is written as svg: "), "{error}");
    }
}
