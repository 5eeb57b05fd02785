//! Two passes, of two models or over two prompts, compared: what the text, the page and the JSON say.

use crate::attention::{
    Capture, CausalMatrix, Comparison, HeadEntry, HeadOrder, NoSuchView, NotCompared, Statistic,
    escape_controls, named_by_next, placed_names, short_names,
};
use crate::export::recipe::{Source, texts};
use crate::vocabulary::{Granularity, RowReading, View};

/// Heads in each of the lists.
const TOP_HEADS: usize = 5;

/// One of two passes.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    /// The pass.
    pub capture: &'a Capture,
    /// How it was made.
    pub source: Source,
    /// All of its heads, with their scores on repeated random tokens.
    pub heads: Vec<HeadEntry>,
}

/// Two passes, compared.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Left and right.
    pub readings: [Reading<'a>; 2],
    /// Their names, short; with their places where they read two inputs.
    pub names: [String; 2],
    /// Which matrix of both is compared.
    pub view: View,
    /// The matrices of both models, token by token.
    pub matrices: [CausalMatrix; 2],
    /// Both over the pieces that they share.
    pub comparison: Comparison,
    /// What a piece is.
    pub granularity: Granularity,
    /// How rows are named.
    pub rows: RowReading,
}

/// Why two models cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// One has no such layer or head.
    #[error(transparent)]
    View(#[from] NoSuchView),
    /// The prompt is too long, or two prompts share nothing.
    #[error(transparent)]
    Compared(#[from] NotCompared),
}

impl<'a> Report<'a> {
    /// Compares one view of both.
    ///
    /// # Errors
    /// If one hasn't got the view, the prompt is too long, or two prompts share nothing.
    pub fn new(
        readings: [Reading<'a>; 2],
        view: View,
        (granularity, rows): (Granularity, RowReading),
    ) -> Result<Self, ReportError> {
        let [left, right] = readings.each_ref().map(|reading| reading.capture);
        let texts = texts(readings.each_ref().map(|reading| (reading.capture, &reading.source)));
        let matrices = [left.matrix(view)?, right.matrix(view)?];
        let sides = [(&*left.tokens, &matrices[0]), (&*right.tokens, &matrices[1])];
        let comparison = Comparison::new(sides, granularity, texts)?;
        let names = [&left.model.name, &right.model.name].map(String::as_str);
        let is_one_input = readings[0].source.input == readings[1].source.input;
        let names = if is_one_input { short_names(names) } else { placed_names(names) };
        let [a, b] = names.map(|name| escape_controls(&name));
        let names = [a + &left.ablation.suffix(), b + &right.ablation.suffix()];
        Ok(Self { readings, names, view, matrices, comparison, granularity, rows })
    }

    /// What each side has read, in words; nothing where both read the same.
    pub fn inputs(&self) -> Option<[String; 2]> {
        let [left, right] = self.readings.each_ref().map(|reading| &reading.source.input);
        (left != right).then(|| [left.text(), right.text()])
    }

    /// What the rows of pieces are named by.
    pub fn piece_names(&self) -> Vec<String> {
        let labels: Vec<String> = self.comparison.pieces().iter().map(|piece| piece.label.clone()).collect();
        match self.rows {
            RowReading::Reading => labels,
            RowReading::Predicting => named_by_next(&labels, None),
        }
    }

    /// What an average row of a side gives to no token; nothing if the model has no sinks.
    pub fn sink(&self, side: usize) -> Option<f32> {
        let sinks = self.matrices[side].sinks()?;
        Some(sinks.iter().sum::<f32>() / sinks.len().max(1) as f32)
    }

    /// What an average row of a side after the first one gives to the first token; nothing of a single token.
    pub fn first_token(&self, side: usize) -> Option<f32> {
        let matrix = &self.matrices[side];
        let rows = matrix.size().checked_sub(1).filter(|rows| *rows > 0)?;
        Some((1..matrix.size()).map(|query| matrix.row(query)[0]).sum::<f32>() / rows as f32)
    }

    /// The heads of a side with the largest numbers, if it has such numbers.
    pub fn best_heads(&self, side: usize, statistic: Statistic) -> Vec<(HeadEntry, f32)> {
        let reading = &self.readings[side];
        let mut heads = reading.heads.clone();
        HeadOrder::By(statistic).sort(&mut heads, |head| head);
        heads.into_iter().filter_map(|head| Some((head, head.value(statistic)?))).take(TOP_HEADS).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::attention::RepeatScores;
    use crate::export::{Input, Selection, example};

    fn reading(capture: &Capture) -> Reading<'_> {
        let input = Input::Prompt("it '".to_owned());
        let source = Source::new(capture, input, Selection::One(View::Mean));
        let mut heads = HeadEntry::all(capture);
        heads[2].repeated = Some(RepeatScores { previous: 0.75, duplicate: 0.5, induction: 0.25 });
        Reading { capture, source, heads }
    }

    /// Both example captures, with the prompt that they stand for.
    pub fn with_report(check: impl FnOnce(&Report<'_>)) {
        let captures = [example::capture_without_sinks(), example::capture()];
        let readings = captures.each_ref().map(reading);
        check(&Report::new(readings, View::Mean, (Granularity::Pieces, RowReading::Reading)).unwrap());
    }

    /// Left is \[1\], \[½ ½\]; right \[¼|¾\], \[½ ⅛|⅜\].
    #[test]
    fn what_sinks_and_first_tokens_take() {
        with_report(|report| {
            assert_eq!([0, 1].map(|side| report.sink(side)), [None, Some(0.5625)]);
            assert_eq!([0, 1].map(|side| report.first_token(side)), [Some(0.5), Some(0.5)]);
            assert_eq!(report.comparison.most_different(), [0, 1]);
            assert_eq!(report.names, ["example (left)", "example (right)"], "both are called the same");
        });
    }

    #[test]
    fn the_best_heads_come_first_and_unknown_ones_not_at_all() {
        with_report(|report| {
            let best = report.best_heads(1, Statistic::Induction);
            let names: Vec<_> = best.iter().map(|(head, score)| (head.layer, head.head, *score)).collect();
            assert_eq!(names, [(1, 0, 0.25)]);
            assert_eq!(report.best_heads(0, Statistic::Sink), [], "it has no sinks");
        });
    }
}
