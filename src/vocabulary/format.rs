//! What an export is written as. To add a format: a variant here, its file in `export/formats`, and its line in the
//! table of `export/formats/mod.rs`.

use std::path::Path;

use strum::{EnumCount, EnumMessage, EnumProperty, IntoStaticStr, VariantArray};

use super::names::names;

/// What an export is written as. The name is the ending of its files.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount, EnumMessage, EnumProperty, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ExportFormat {
    /// A table; with all heads, a list. pandas.read_csv(FILE, comment="#") reads it: the first line is the recipe.
    #[strum(props(
        one = "a row per query, a column per key",
        all = "a line per layer, head, query and key",
        short = "a row per query",
        short_all = "a line per cell"
    ))]
    Csv,
    /// An object with tokens, matrix, sinks, next tokens and recipe.
    #[strum(props(one = "tokens, attention, sinks, next tokens", short = "tokens and attention"))]
    Json,
    /// Arrays for numpy.load, tokens among them.
    #[strum(props(one = "arrays: ids, attention, sinks, logits", short = "arrays and logits"))]
    Npz,
    /// Tensors, as the model hub stores them; tokens are in the metadata, as JSON.
    #[strum(props(one = "tensors: ids, attention, sinks, logits", short = "tensors and logits"))]
    Safetensors,
    /// A Markdown table for READMEs and issues, of four decimals; with all heads, a list.
    #[strum(props(
        one = "a table to paste, of four decimals",
        all = "a line per layer, head, query and key",
        short = "a table to paste",
        short_all = "a line per cell"
    ))]
    Md,
    /// A figure, as vectors; of two models beside each other; with all heads, a grid.
    #[strum(props(
        one = "a figure with a colour bar, as vectors",
        all = "a grid of small matrices, as vectors",
        short = "a figure, as vectors",
        short_all = "a grid, as vectors"
    ))]
    Svg,
    /// The same figure, as pixels.
    #[strum(props(
        one = "the same figure, as pixels",
        all = "a grid of small matrices, as pixels",
        short = "a figure, as pixels",
        short_all = "a grid, as pixels"
    ))]
    Png,
    /// A page that stands alone and shows values where one points; with all heads, a list of them.
    #[strum(props(
        one = "a page with values where one points",
        all = "a page to choose heads and point at",
        short = "a page to point at",
        short_all = "a page to choose heads"
    ))]
    Html,
}
names!(ExportFormat, "format");

impl ExportFormat {
    /// What numbers and figures of what is found about a pass are written as: push, effects, patching, sinks, and how far
    /// heads are apart.
    pub const OF_FOUND: [Self; 4] = [Self::Csv, Self::Json, Self::Svg, Self::Png];

    /// What the name of a file ends in, if that is a format.
    pub fn of_file(path: &Path) -> Option<Self> {
        let (_, ending) = path.file_name()?.to_str()?.rsplit_once('.')?;
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(ending))
    }

    /// What a file of it holds, of one matrix or of all heads: in a few words, and in fewer.
    pub fn holds(self, all_heads: bool) -> [&'static str; 2] {
        [["all", "one"], ["short_all", "short"]].map(|[of_all, of_one]| {
            let of_all = self.get_str(of_all).filter(|_| all_heads);
            of_all.or_else(|| self.get_str(of_one)).unwrap_or_default()
        })
    }

    /// Whether a file of it is no text, which a terminal could not show.
    pub fn is_binary(self) -> bool {
        matches!(self, ExportFormat::Npz | ExportFormat::Safetensors | ExportFormat::Png)
    }

    /// Whether it shows values as colours, of one model or of two beside each other.
    pub fn is_figure(self) -> bool {
        matches!(self, ExportFormat::Svg | ExportFormat::Png | ExportFormat::Html)
    }

    /// The formats of figures, or of numbers, as a sentence lists them: `svg, png and html`.
    pub fn list(of_figures: bool, conjunction: &str) -> String {
        let listed = Self::ALL.into_iter().filter(|format| format.is_figure() == of_figures);
        let names: Vec<&str> = listed.map(Self::name).collect();
        match names.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} {conjunction} {last}", first.join(", ")),
            names => names.concat(),
        }
    }

    /// Whether it draws all heads as one grid, which is raw; a page normalises by itself.
    pub fn draws_a_grid(self) -> bool {
        matches!(self, ExportFormat::Svg | ExportFormat::Png)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_listed_as_in_a_sentence() {
        assert_eq!(ExportFormat::list(true, "or"), "svg, png or html");
        assert_eq!(ExportFormat::list(false, "and"), "csv, json, npz, safetensors and md");
        for format in ExportFormat::ALL {
            for [long, short] in [format.holds(false), format.holds(true)] {
                assert!(!short.is_empty() && short.len() < long.len(), "{format}");
            }
        }
    }
}
