//! What a figure calls its rows, its columns and its values.

use crate::attention::Capture;
use crate::export::push::pushed_logit;
use crate::export::recipe::{Recipe, Source};
use crate::export::text_subject::{TextSubject, adding};
use crate::vocabulary::{Normalisation, Pooling, RowReading, TextColoring, View};

/// What a panel calls its rows, its columns and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// What rows and columns are, where there is room to say it.
    pub axes: [&'static str; 2],
    /// What they are in a word.
    pub short_axes: [&'static str; 2],
    /// What the colour bar is of: `attention`.
    pub quantity: String,
    /// What values are, for the caption.
    pub values: String,
    /// What the top of the colour scale leaves aside; the caption says it after `the largest`.
    pub aside: &'static str,
    /// Whether there are sinks that are not shown.
    pub hides_sinks: bool,
    /// What a row, a column or a pixel stands for, if that is more than a token.
    pub pixel: Option<String>,
    /// What only one of two texts has, of a difference of two.
    pub left_over: Option<String>,
    /// Which of many things of its kind is drawn, for the caption: the logit that is pushed.
    pub about: Option<String>,
}

/// What colours of attention leave aside.
const TOP_ROWS: &str = "; the top tenth of rows (at least one) is ignored";

impl Words {
    /// The words of a matrix, whose pixels stand for `bin` cells along each axis.
    pub fn of_matrix(recipe: &Recipe, capture: &Capture, (pooling, bin): (Pooling, usize)) -> Self {
        let cell_tokens = capture.mean.bin();
        let cells = match cell_tokens {
            1 => "tokens".to_owned(),
            _ => format!("cells of {cell_tokens} tokens (keys summed, queries averaged)"),
        };
        let pixel = match bin {
            1 if cell_tokens == 1 => None,
            1 => Some(format!("Rows and columns are {cells}")),
            _ => Some(format!("A pixel is the {} of {bin} × {bin} {cells}", pooling.name())),
        };
        let (row, short_row) = match recipe.rows {
            RowReading::Reading => ("query: the token that looks", "query"),
            RowReading::Predicting => ("predicting: the token that comes next", "predicting"),
        };
        Self {
            axes: [row, "key: what it looks at"],
            short_axes: [short_row, "key"],
            quantity: "attention".to_owned(),
            values: attention(recipe),
            aside: TOP_ROWS,
            hides_sinks: false,
            pixel,
            left_over: None,
            about: None,
        }
    }

    /// The words of left minus right.
    pub fn of_difference(recipe: &Recipe, left: &Capture) -> Self {
        let of_matrix = Self::of_matrix(recipe, left, (Pooling::default(), 1));
        Self { quantity: "difference of attention".to_owned(), ..of_matrix }
    }

    /// The words of a text.
    pub fn of_text(recipe: &Recipe, capture: &Capture, text: TextSubject) -> Self {
        if text.coloring == TextColoring::Push {
            let values = format!(
                "Tokens are counted from 0. The colour of a token is what {} through it to this logit, in logits (direct logit \
                 attribution). Direct effects only: later heads may undo them",
                adding(text.view)[0]
            );
            let about = capture.pushed.as_deref().map(|push| pushed_logit(capture, push));
            return Self { about, ..Self::of_cells(["", ""], "push (logits)".to_owned(), values) };
        }
        let cell_tokens = capture.mean.bin();
        let (what, aside) = match text.coloring {
            TextColoring::LooksAt | TextColoring::Push => {
                ("The colour of a token is what the marked one gives to it", TOP_ROWS)
            }
            TextColoring::LookedAt => (
                "The colour of a token is what later ones give to it, their mean",
                "; the top fiftieth of tokens (at least one) is ignored",
            ),
        };
        let cells = format!("Tokens are known in cells of {cell_tokens}: each is shown with its part of one");
        // Its rows come one from another, and are those of the cells.
        let is_pooled = cell_tokens > 1 && text.view == View::Rollout;
        Self {
            axes: ["", ""],
            short_axes: ["", ""],
            quantity: "attention".to_owned(),
            values: format!("{what}. {}", attention(recipe)),
            aside,
            hides_sinks: false,
            pixel: is_pooled.then_some(cells),
            left_over: None,
            about: None,
        }
    }

    /// The words of what segments of a prompt give each other.
    pub fn of_segments(view: View, recipe: &Recipe) -> Self {
        let sum = match view.is_value_weighted() {
            true => "of ‖α · v W_O‖, each row divided by its sum",
            false if recipe.sources().all(|source| source.has_sinks) => "a row and its sink sum to 1",
            false if recipe.sources().any(|source| source.has_sinks) => {
                "a row and its sink, where a model has one, sum to 1"
            }
            false => "a row sums to 1",
        };
        Self {
            axes: ["segment that looks", "segment it looks at"],
            short_axes: ["from", "to"],
            quantity: "share of attention".to_owned(),
            values: format!(
                "Value: the mean over the queries of a segment of what they give to all tokens of another; {sum}. \
                 Expected: the mean over these queries of the share of the tokens they see that are the other's"
            ),
            aside: "",
            hides_sinks: false,
            pixel: None,
            left_over: None,
            about: None,
        }
    }

    /// The words of a table of numbers that are no attention of a query.
    pub fn of_cells(axes: [&'static str; 2], quantity: String, values: String) -> Self {
        Self {
            axes,
            short_axes: axes,
            quantity,
            values,
            aside: "",
            hides_sinks: false,
            pixel: None,
            left_over: None,
            about: None,
        }
    }

    /// The words of all heads as small matrices.
    pub fn of_heads(recipe: &Recipe, capture: &Capture) -> Self {
        let bin =
            capture.layers.first().and_then(|layer| layer.heads.first()).map(|head| head.thumbnail.bin());
        let bin = bin.filter(|bin| *bin > 1);
        Self {
            axes: ["layer", "head"],
            short_axes: ["layer", "head"],
            quantity: "attention".to_owned(),
            values: attention(recipe),
            aside: "; first rows are ignored",
            hides_sinks: capture.model.has_sinks,
            pixel: bin.map(|bin| format!("A pixel is the largest of {bin} × {bin} tokens")),
            left_over: None,
            about: None,
        }
    }
}

/// What values are.
fn attention(recipe: &Recipe) -> String {
    let is_weighted = |source: &Source| source.subject.view().is_some_and(View::is_value_weighted);
    if !recipe.sources().any(is_weighted) {
        return format!("Attention {}", normalisation(recipe));
    }
    let rule = match recipe.normalisation {
        Normalisation::Raw => "raw: rows have no fixed sum",
        Normalisation::Renormalised => "renormalised: rows divided by their sum",
        Normalisation::WithoutFirst => "without the first token: rows divided by what remains",
    };
    format!("Value-weighted attention ‖α · v W_O‖, to which sinks add nothing, {rule}")
}

fn normalisation(recipe: &Recipe) -> &'static str {
    let has_sinks = recipe.sources().any(|source| source.has_sinks);
    match (recipe.normalisation, has_sinks) {
        (Normalisation::Raw, false) => "raw: rows sum to 1",
        (Normalisation::Raw, true) if recipe.sources().all(|source| source.has_sinks) => {
            "raw: a row and its sink sum to 1"
        }
        (Normalisation::Raw, true) => "raw: a row and its sink, where a model has one, sum to 1",
        (Normalisation::Renormalised, false) => "renormalised: rows divided by their sum",
        (Normalisation::Renormalised, true) => "renormalised: sinks left out, rows divided by what remains",
        (Normalisation::WithoutFirst, false) => "without the first token: rows divided by what remains",
        (Normalisation::WithoutFirst, true) => {
            "without the first token and the sinks: rows divided by what remains"
        }
    }
}
